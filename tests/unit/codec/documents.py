"""Documents of which a test changes one value, and a time as they have it."""

from __future__ import annotations

from typing import Any

T0_MS = 1_767_225_600_000


def changed(document: Any, path: str, value: object) -> Any:
    *parents, last = path.split(".")
    inner = document
    for parent in parents:
        inner = inner[int(parent)] if parent.isdecimal() else inner[parent]
    inner[int(last) if last.isdecimal() else last] = value
    return document
