"""How many items a child should have, from what items took before.

A child should work for between 5 minutes and 2 hours (AWS's advice for array jobs: less is spent on
starting, more is lost with a machine). The recommendation is the smallest chunk that keeps a child
at work for 5 minutes, so that as many as possible work at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.errors import InvalidItems
from batchrelay.ports import Objects
from batchrelay.preparation.measures import item_measures

CHILD_S_MIN, CHILD_S_MAX = 300, 7_200
"""Seconds that a child should work."""

RECORDS_READ = 20
"""Result records that `chunk: auto` looks at: about a second."""

RUNS_REMEMBERED = 3
"""Runs whose results `chunk: auto` looks for: the last may have failed before its first item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What items took, in seconds."""

    count: int
    mean: float
    median: float
    longest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Times | None:
        """None if there are none."""
        known = sorted(seconds)
        if not known:
            return None
        return cls(
            count=len(known),
            mean=sum(known) / len(known),
            median=known[len(known) // 2],
            longest=known[-1],
        )

    @property
    def chunk(self) -> int:
        """Items that keep a child at work for CHILD_S_MIN."""
        return max(1, math.ceil(CHILD_S_MIN / max(self.mean, 0.001)))

    @property
    def chunk_max(self) -> int:
        """Items that keep a child at work for CHILD_S_MAX at most."""
        return max(1, math.floor(CHILD_S_MAX / max(self.mean, 0.001)))


def item_records(
    objects: Objects, results: str, records: int | None = None
) -> Iterator[tuple[int, float]]:
    """Number and seconds of each item that was done, from the records below a folder.

    Args:
        records: how many at most; all of them by default.
    """
    for item in item_measures(objects, results, records):
        if item.is_done:
            yield item.number, item.seconds


def automatic_chunk(objects: Objects, memory: str, results: str) -> int:
    """The chunk of `auto`: by the results of the latest run that has any; 1 the first time.

    Args:
        memory: S3 URI of what is remembered of a step: where the results of its last runs lie.
        results: where those of this run will lie; remembered for the next.
    """
    known = _remembered(objects, memory)
    times = (_measured(objects, folder) for folder in known)
    latest = next((found for found in times if found is not None), None)
    kept = [results, *(folder for folder in known if folder != results)][:RUNS_REMEMBERED]
    upload = objects.upload(memory)
    upload.write(json.dumps({"schema": 1, "results": kept}).encode())
    upload.complete()
    return 1 if latest is None else latest.chunk


def _measured(objects: Objects, folder: str) -> Times | None:
    """None if there are no records, or others wrote there."""
    try:
        return Times.of(seconds for _, seconds in item_records(objects, folder, RECORDS_READ))
    except InvalidItems:
        return None


def _remembered(objects: Objects, memory: str) -> list[str]:
    try:
        document: Any = json.loads(b"".join(objects.read(memory)))
        return [str(folder) for folder in document["results"]]
    except (InvalidItems, ValueError, KeyError, TypeError):  # none yet
        return []
