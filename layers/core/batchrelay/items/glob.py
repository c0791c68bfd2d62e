"""Globs over object keys: `*` and `?` stop at a `/`, `**` does not, `[abc]` is one character."""

from __future__ import annotations

import re
from collections.abc import Callable

from batchrelay.domain.errors import InvalidItems

_TOKEN = re.compile(r"\*\*/?|\*|\?|\[[^\]]+\]|.", re.DOTALL)


def glob(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches. Raises: InvalidItems."""
    expression = "".join(_translated(match[0]) for match in _TOKEN.finditer(pattern))
    try:
        matches = re.compile(expression, re.DOTALL).fullmatch
    except re.error as error:
        raise InvalidItems(f"{pattern!r} is not a glob: {error}") from None
    return lambda text: matches(text) is not None


def _translated(piece: str) -> str:
    if piece == "**/":
        return "(?:.*/)?"
    simple = {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece)
    if simple is not None:
        return simple
    if len(piece) > 1:
        inside = piece[1:-1].replace("\\", r"\\")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(piece)
