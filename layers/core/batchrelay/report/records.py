"""What a child's result record says that it used: docs/reference/manifest.md.

Records are written with the job's role. One that cannot be read says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from batchrelay.ports import ManyObjects
from batchrelay.preparation.result_records import (
    KIB_PER_MIB,
    Record,
    parsed_record,
    record_uri,
)

SEGMENT_ITEMS = 500
"""Items of one object of a record: a longer one goes on in the next, which has a number."""

SEGMENTS_MAX = 200
"""Objects of one record that are read: 100,000 items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a child used; None is what was not measured."""

    peak_mib: float | None = None
    """Of its container, page cache included; elsewhere than in ECS of its largest process."""
    cpu_s: float | None = None
    first_item: int | None = None
    """The number of its first item."""


def measures(
    objects: ManyObjects, results: str, numbers: Sequence[int]
) -> Iterator[tuple[int, Measure]]:
    """The children of a round that left a record, by their numbers.

    Args:
        results: URI of the folder of the round's records.
    """
    uris = [record_uri(results, number) for number in numbers]
    for number, body in zip(numbers, objects.read_all(uris), strict=True):
        record = parsed_record(body or b"")
        if record is None:
            continue
        records = [record]
        while len(records[-1]["items"]) >= SEGMENT_ITEMS and len(records) < SEGMENTS_MAX:
            [body] = objects.read_all([record_uri(results, number, len(records))])
            record = parsed_record(body or b"")
            if record is None:
                break
            records.append(record)
        yield number, _measure(records)


def _measure(records: Sequence[Record]) -> Measure:
    items = [item for record in records for item in record["items"]]
    usages = [record["usage"] for record in records if isinstance(record.get("usage"), dict)]
    peaks = _numbers(usages, "peak") or _numbers(items, "rss")
    of_container, of_items = _numbers(usages, "cpu"), _numbers(items, "cpu")
    return Measure(
        peak_mib=max(peaks) / KIB_PER_MIB if peaks else None,
        cpu_s=max(of_container) if of_container else math.fsum(of_items) if of_items else None,
        first_item=items[0]["n"] if items else None,
    )


def _numbers(entries: Sequence[dict[str, Any]], name: str) -> list[float]:
    """A value that is not a number above 0 was not measured."""
    values = (entry.get(name) for entry in entries)
    return [
        value
        for value in values
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
    ]
