"""Reports in which every text tries to be markup, script, or a picture of another text."""

from __future__ import annotations

from typing import Any

TEXT = (
    "</script><script>window.ran=1</script><img src=x onerror=window.ran=2>"
    "<!--<script>\"'`&amp;\u202e\u2066\x00\x1b[31m\x07\ud800 javascript:window.ran=3"
)

OWN_WORDS = {
    *("status", "state", "outcome", "madeAt", "startedAt", "endedAt", "dequeuedAt", "deadline"),
    *("region", "date"),
}
"""Fields that have our words or a time only."""


def planted(value: Any, name: str = "", *, plant: str = TEXT) -> Any:
    """The document with the text in every other text, and in every name that is the user's."""
    if isinstance(value, str):
        if name in OWN_WORDS:
            return value
        return value + plant if "://" in value or "/default/" in value else plant + value
    if isinstance(value, list):
        return [planted(entry, name, plant=plant) for entry in value]
    if isinstance(value, dict):
        is_named_by_users = name in ("params", "trigger")
        return {
            (plant + key if is_named_by_users else key): planted(entry, key, plant=plant)
            for key, entry in value.items()
        }
    return value
