"""The word that was meant by one that does not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word that is close to it, in whatever case and with whatever signs between."""
    by_letters = {_letters(text): text for text in known}
    letters = _letters(word)
    begun = [text for text in by_letters if letters and text.startswith(letters)]
    close = begun or difflib.get_close_matches(letters, by_letters, n=1)
    return by_letters[close[0]] if close else None


def _letters(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())
