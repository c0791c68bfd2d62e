"""Globs over object keys: `*` and `?` stop at a `/`, `**` does not, `[abc]` is one character."""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(r"\*\*/?|\*|\?|\[[^\]]+\]|.", re.DOTALL)


def glob(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches."""
    expression = "".join(_translated(match[0]) for match in _TOKEN.finditer(pattern))
    matches = re.compile(expression, re.DOTALL).fullmatch
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
