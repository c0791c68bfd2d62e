"""The result records of batchrelay-worker, as they lie in S3: docs/reference/manifest.md.

They are written with the job's role, so a job may have put anything there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay.domain.errors import InvalidItems
from batchrelay.ports import Objects

KIB_PER_MIB = 1_024
"""Memory is in KiB in a record."""

Record = Mapping[str, Any]
"""One object of a record: a long one has several. Its `items` are mappings with a number `n`."""


def record_uri(folder: str, child: int, segment: int = 0) -> str:
    """Of one object of a child's record."""
    return f"{folder}{child:07d}{f'-{segment}' if segment else ''}.json"


def parsed_record(body: bytes) -> Record | None:
    """What an object says; None if it is not the worker's."""
    try:
        record: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    items = record.get("items") if isinstance(record, dict) else None
    if not isinstance(items, list) or not all(map(_is_entry, items)):
        return None
    return dict(record)


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and type(entry.get("n")) is int


def record_segments(objects: Objects, folder: str, child: int) -> Iterator[Record]:
    """The objects of a child's record, up to the first that is absent, or not the worker's."""
    segment = 0
    while True:
        try:
            body = b"".join(objects.read(record_uri(folder, child, segment)))
        except InvalidItems:
            return
        record = parsed_record(body)
        if record is None:
            return
        yield record
        segment += 1
