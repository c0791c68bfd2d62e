"""Where a value of a merged request stands: in a group, in its step, or in `defaults`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.request_rules import Violation
from batchrelay_cli.pipeline_file.document import Document, Place

DEFAULTS: Place = ("defaults",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A part of a request: where it stands, and what it says."""

    place: Place
    values: Mapping[str, Any]


def source(layers: Sequence[Layer], path: Sequence[str | int]) -> Place:
    """The place that a path of the merged request comes from; the first layer is merged last.

    A mistake of `defaults` is one mistake, however many steps it is merged under: it is noted at
    its own place, and a document notes a problem once.
    """
    for length in range(len(path), 0, -1):
        for layer in layers:
            if _holds(layer.values, path[:length]):
                return (*layer.place, *path)
    return (*layers[0].place, *path)


def note(document: Document, layers: Sequence[Layer], violations: Iterable[Violation]) -> None:
    """Each at the place where it was written."""
    for violation in violations:
        document.wrong(source(layers, violation.path), violation.message)


def _holds(values: Any, path: Sequence[str | int]) -> bool:
    for part in path:
        if not _has(values, part):
            return False
        values = values[part]
    return True


def _has(values: Any, part: str | int) -> bool:
    if isinstance(values, list):
        return isinstance(part, int) and part < len(values)
    return isinstance(values, dict) and part in values
