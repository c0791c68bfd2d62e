"""Filter patterns of FilterLogEvents: terms, phrases, optional and excluded terms.

Source: CloudWatch Logs User Guide, filter pattern syntax for unstructured log events.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from batch_local.logs.queries import LogsError

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')

_OTHER_FORMS = ("{", "[", "%")


def compiled(pattern: str) -> Callable[[str], bool]:
    """Whether a message matches. Raises: LogsError."""
    text = pattern.strip()
    if text.startswith(_OTHER_FORMS):
        raise _invalid("patterns for JSON, for columns and regular expressions are not read here")
    wanted, optional, excluded = _terms(text)
    if optional and not (wanted or excluded):
        return lambda message: any(term in message for term in optional)
    return lambda message: (
        all(term in message for term in wanted) and not any(term in message for term in excluded)
    )


def _terms(text: str) -> tuple[list[str], list[str], list[str]]:
    """Those that a message has, one of which it has, and that it has not."""
    by_sign: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise _invalid(f"{text[position:].strip()[:200]!r} has no closing quote")
        sign, phrase, word = match.groups()
        by_sign[sign].append(word if phrase is None else re.sub(r"\\(.)", r"\1", phrase))
        position = match.end()
    return by_sign[""], by_sign["?"], by_sign["-"]


def _invalid(why: str) -> LogsError:
    return LogsError(
        "InvalidParameterException",
        f'Invalid filter pattern: {why}; write words, "a phrase", ?one ?of, or -without',
    )
