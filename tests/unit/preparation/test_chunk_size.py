"""Items per child, by what items took before."""

from __future__ import annotations

import json

import pytest

from batchrelay.adapters.memory import MemoryObjects
from batchrelay.preparation.chunk_size import Times, automatic_chunk

MEMORY = "s3://b/runs/-tuning/p/s.json"


def results(run: str) -> str:
    return f"s3://b/runs/{run}/s/r0/results/"


def record(objects: MemoryObjects, run: str, *seconds: float, **entry: object) -> None:
    items = [{"n": n, "ok": True, "s": s, **entry} for n, s in enumerate(seconds)]
    body = json.dumps({"schema": 1, "items": items}).encode()
    objects.objects[f"{results(run)}0000000.json"] = body


@pytest.mark.parametrize(
    ("seconds", "chunk", "chunk_max"),
    [
        ([3.0], 100, 2_400),
        ([1, 2, 3], 150, 3_600),
        ([400], 1, 18),
        ([9_000], 1, 1),
        ([0], 300_000, 7_200_000),
    ],
)
def test_a_child_works_for_five_minutes_to_two_hours(
    seconds: list[float], chunk: int, chunk_max: int
) -> None:
    times = Times.of(seconds)
    assert times is not None
    assert (times.chunk, times.chunk_max) == (chunk, chunk_max)


def test_auto_is_one_at_first_and_then_what_was_measured() -> None:
    objects = MemoryObjects()
    assert automatic_chunk(objects, MEMORY, results("one")) == 1
    record(objects, "one", 2.0, 4.0)
    assert automatic_chunk(objects, MEMORY, results("two")) == 100
    assert automatic_chunk(objects, MEMORY, results("three")) == 100, "two left nothing"
    record(objects, "three", 30.0)
    assert automatic_chunk(objects, MEMORY, results("four")) == 10
    assert automatic_chunk(objects, MEMORY, results("four")) == 10, "asked again, the same"


def test_skipped_and_failed_items_do_not_count_for_the_chunk_size() -> None:
    objects = MemoryObjects()
    automatic_chunk(objects, MEMORY, results("one"))
    record(objects, "one", 0.0, skipped=True)
    assert automatic_chunk(objects, MEMORY, results("two")) == 1


@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b'{"results": 3}', b"\xff"])
def test_a_broken_memory_is_ignored(broken: bytes) -> None:
    assert automatic_chunk(MemoryObjects({MEMORY: broken}), MEMORY, results("one")) == 1
