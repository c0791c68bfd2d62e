"""The items of children: texts from the manifest of a step's first round."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.values import manifest_uri, offsets_uri
from batchrelay.ports import ManyObjects
from batchrelay.report.facts import Document

ITEM_BYTES_MAX = 4_096
"""Of an item, as much as is read of it: an excerpt is shown."""

CHUNK_BYTES_MAX = 256 * 1024
"""Of a chunk, in which an item behind the first is looked for."""

READ_AHEAD_BYTES = 512 * 1024
"""Of a manifest and of its offsets, what is read at once: items of a report may be neighbours."""

OFFSET_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlace:
    """Where an item stands."""

    manifest: str
    row: int
    """Of its child, within the manifest."""
    behind: int
    """Items of that child before it."""


def item_place(step: Document, number: int) -> ItemPlace | None:
    """Of an item of a step as the API answers it; None if the step has no such item."""
    chunk = step["chunk"]
    if step["manifest"] is None or chunk is None:
        return None
    child, behind = divmod(number, chunk)
    first_round = min((job["round"] for job in step["jobs"]), default=0)
    jobs = [job for job in step["jobs"] if job["round"] == first_round]
    first = 0
    for job in jobs:
        first += job["children"]
        if child < first:
            before = sum(other["children"] for other in jobs if other["group"] < job["group"])
            uri = manifest_uri(step["manifest"], job["group"])
            return ItemPlace(manifest=uri, row=child - before, behind=behind)
    return None


def bytes_read(behind: int) -> int:
    """How much of a chunk is read for the item that stands behind so many."""
    return min(ITEM_BYTES_MAX * (behind + 1), CHUNK_BYTES_MAX)


def item_of_line(line: bytes) -> str:
    """A text without its quotes; anything else, and what was cut off, as it stands."""
    text = line.decode(errors="replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass
class ItemReader:
    """Reads items, a piece of a manifest at a time."""

    objects: ManyObjects
    _pieces: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Of each object the piece that was read last, and where it begins."""

    def text(self, step: Document, number: int) -> str:
        """Of an item, by its number; empty if it cannot be read."""
        place = item_place(step, number)
        if place is None:
            return ""
        at = OFFSET_BYTES * place.row
        try:
            table = self._read(offsets_uri(place.manifest), at, 2 * OFFSET_BYTES)
            start, end = struct.unpack("<QQ", table)
            size = min(end - start, bytes_read(place.behind))
            lines = self._read(place.manifest, start, size).split(b"\n")
        except (InvalidItems, struct.error):
            return ""
        return item_of_line(lines[place.behind]) if place.behind < len(lines) else ""

    def _read(self, uri: str, start: int, size: int) -> bytes:
        begin, piece = self._pieces.get(uri, (0, b""))
        if not begin <= start <= start + size <= begin + len(piece):
            last = start + max(size, READ_AHEAD_BYTES) - 1
            begin, piece = start, self.objects.read_range(uri, start, last)
            self._pieces[uri] = begin, piece
        return piece[start - begin : start - begin + size]


def fill_items(
    document: Document,
    run: Document,
    objects: ManyObjects,
    first_items: Mapping[tuple[str, int, int], int],
) -> None:
    """Name the items of the children that a report describes one by one.

    Args:
        run: as the API answers it.
        first_items: numbers of items, by step, round and number of a child, where they are known.
    """
    reader = ItemReader(objects)
    steps = {step["step"]: step for step in run["steps"]}
    for entry in document["steps"]:
        step = steps[entry["step"]]
        described = sorted(_described(entry), key=lambda child: child["number"])
        for child in described:
            place = (entry["step"], child["round"], child["number"])
            number = first_items.get(place, _first_item(step, child))
            if number is not None:
                child["item"] = reader.text(step, number)[:ITEM_CHARS_MAX] or None


ITEM_CHARS_MAX = 200


def _described(step: Document) -> Iterator[dict[str, Any]]:
    measured = step["measured"] or {}
    for child in (*measured.get("slowest", ()), *measured.get("failed", ())):
        if child["item"] is None:
            yield child


def _first_item(step: Document, child: Document) -> int | None:
    """In a further round the numbers of items do not follow from those of children."""
    if child["round"] or step["chunk"] is None or step["level"] is not None:
        return None
    return int(child["number"] * step["chunk"])
