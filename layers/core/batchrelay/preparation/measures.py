"""What the result records of batchrelay-worker say of items: docs/reference/manifest.md.

They are written with the job's role, so what is in them is checked. Records of before an item was
measured have no measures, and are read too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from batchrelay.domain.errors import InvalidItems
from batchrelay.ports import Objects
from batchrelay.preparation.result_records import KIB_PER_MIB, Record, parsed_record


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemMeasure:
    """What an item took. A measure that its record does not have is None."""

    number: int
    seconds: float
    tries: int
    is_done: bool
    """It ended well, and was not left out."""
    cpu_s: float | None
    peak_mib: float | None
    """Of the largest process of its program."""
    is_out_of_memory: bool
    container_mib: float | None
    """The most that its container had, page cache included: of all items of its child."""
    region: str
    arch: str
    """Both empty outside ECS."""


def item_measures(
    objects: Objects, results: str, records: int | None = None
) -> Iterator[ItemMeasure]:
    """Each item of the records below a folder. Raises: InvalidItems.

    Args:
        records: how many at most; all of them by default.
    """
    bucket = results.removeprefix("s3://").partition("/")[0]
    for key, _ in islice(objects.list(results, ""), records):
        uri = f"s3://{bucket}/{key}"
        record = parsed_record(b"".join(objects.read(uri)))
        try:
            yield from _measures_of(record or {})
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidItems(f"{uri}: not a result record of batchrelay-worker") from None


def latest_measures(objects: Objects, folders: Iterable[str]) -> list[ItemMeasure]:
    """Each item once, of the records of several rounds, the earliest first: as it was last done,
    or, if it never was, as it last failed. Raises: InvalidItems.
    """
    latest: dict[int, ItemMeasure] = {}
    for folder in folders:
        for item in item_measures(objects, folder):
            before = latest.get(item.number)
            if item.is_done or before is None or not before.is_done:
                latest[item.number] = item
    return list(latest.values())


def _measures_of(record: Record) -> list[ItemMeasure]:
    usage: Mapping[str, Any] = record.get("usage") or {}
    peak = _positive(usage.get("peak"))
    return [
        ItemMeasure(
            number=item["n"],
            seconds=float(item["s"]),
            tries=int(item.get("tries", 1)),
            is_done=bool(item["ok"]) and not item.get("skipped"),
            cpu_s=_positive(item.get("cpu")),
            peak_mib=_mib(_positive(item.get("rss"))),
            is_out_of_memory=bool(item.get("oom")),
            container_mib=_mib(peak),
            region=str(usage.get("region", "")),
            arch=str(usage.get("arch", "")),
        )
        for item in record["items"]
    ]


def _positive(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and value > 0 and math.isfinite(value) else None


def _mib(kib: float | None) -> float | None:
    return None if kib is None else kib / KIB_PER_MIB
