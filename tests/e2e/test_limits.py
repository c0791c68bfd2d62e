"""Every limit, at each door where it can be met: what is at it passes, what is beyond it is refused
with the number. A test of tests/unit/style holds that every constant has a row in limit_rows.py."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batch_local.embedding import BatchService
from batchrelay.codec import pipeline_text
from batchrelay.domain.errors import InputError
from batchrelay.domain.limits import (
    OVERRIDES_CHARS_MAX,
    PIPELINE_BYTES_MAX,
    QUEUED_RUNS_MAX,
    REQUEST_BYTES_MAX,
)
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.run import StartRequest
from batchrelay_local.launch import LocalCloud
from machines import machine
from tests.builders import MemoryCloud, pipeline, step
from tests.e2e.limit_rows import (
    FILES,
    LONG,
    OVER,
    ROWS,
    Doors,
    Json,
    Row,
    a_file,
    digits,
    edge,
    of_step,
    pipeline_of,
    refused_by,
)

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.filterwarnings("ignore:No application metrics to publish"),
]

CASES = [
    pytest.param(entry, door, id=f"{entry.limit}-{door}-{number}")
    for number, entry in enumerate(ROWS)
    for door in entry.doors
]


@pytest.fixture(scope="module")
def batch() -> Iterator[BatchService]:
    with machine() as (running, _):
        yield running


@pytest.fixture
def doors(
    batch: BatchService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: LocalCloud
) -> Doors:
    return Doors(folder=tmp_path, monkeypatch=monkeypatch, batch=batch, cloud=stays)


@pytest.mark.parametrize(("entry", "door"), CASES)
def test_what_is_at_a_limit_passes_and_what_is_beyond_is_refused(
    doors: Doors, entry: Row, door: str
) -> None:
    opened = getattr(doors, door)
    assert opened(entry.at()) == ""
    refusal = opened(entry.beyond())
    assert entry.says in refusal
    assert len(refusal) < 1_500


def test_a_definition_that_fills_its_item(doors: Doors) -> None:
    """The most digits that are stored: deflated they fill the item, and one step more does not."""

    def is_refused(thousands: int) -> bool:
        return bool(doors.store(pipeline_of(digits(thousands * 1_000))))

    last, first = edge(700, 1_000, is_refused)
    fits, more = digits(last * 1_000), digits(first * 1_000)
    size = len(zlib.compress(pipeline_text(pipeline_of(fits))))
    assert PIPELINE_BYTES_MAX - 1_000 < size <= PIPELINE_BYTES_MAX
    for door in FILES:
        assert getattr(doors, door)(a_file(*fits)) == ""
        refusal = getattr(doors, door)(a_file(*more))
        assert "bytes, deflated as it is stored; a definition takes at most 390,000: put" in refusal


def test_a_request_that_is_full(doors: Doors) -> None:
    """Of the API, exactly: what was submitted is as long as AWS Batch takes."""
    last, first = edge(1, 24_000, lambda n: bool(doors.start((LONG, {"params": {"p": "x" * n}}))))
    assert doors.start((LONG, {"params": {"p": "x" * last}})) == ""
    assert [len(json.dumps(request)) for request in doors.submitted] == [REQUEST_BYTES_MAX]
    refusal = doors.start((LONG, {"params": {"p": "x" * first}}))
    assert "the request is 30,721 bytes; AWS Batch takes 30,720: put long lists into" in refusal
    last, first = edge(1, 40_000, refused_by(doors.run, full))
    for door in FILES:
        made = getattr(doors, door)
        assert made(full(last)) == ""
        assert "the request is 30,721 bytes; AWS Batch takes 30,720" in made(full(first))


def full(length: int) -> Json:
    return of_step(parameters={"p": "x" * length})


def test_overrides_that_are_full(doors: Doors) -> None:
    last, first = edge(1, 9_000, lambda n: bool(doors.start((OVER, {"params": {"p": "x" * n}}))))
    assert doors.start((OVER, {"params": {"p": "x" * last}})) == ""
    [request] = doors.submitted
    assert len(json.dumps(request["containerOverrides"])) == OVERRIDES_CHARS_MAX
    refusal = doors.start((OVER, {"params": {"p": "x" * first}}))
    assert "8,193 characters; above 8,192 AWS Batch accepts the job and then fails it" in refusal
    last, first = edge(1, 9_000, refused_by(doors.run, overriding))
    for door in FILES:
        made = getattr(doors, door)
        assert made(overriding(last)) == ""
        assert "8,193 characters; above 8,192 AWS Batch" in made(overriding(first))


def overriding(length: int) -> Json:
    return of_step(containerOverrides={"command": ["true", "x" * length]})


def test_a_queue_of_runs_that_is_full() -> None:
    """Where runs come from that must not overlap: a trigger."""
    there = MemoryCloud(pipeline(step("a")))
    there.engine.start(StartRequest(run_id="r", pipeline="test", version=1, overlap=Overlap.QUEUE))
    run_queue = there.runs.run_queue("test")
    waiting = tuple(f"w{number}" for number in range(QUEUED_RUNS_MAX - 1))
    there.runs.run_queues["test"] = replace(run_queue, waiting=waiting)
    order = StartRequest(run_id="last", pipeline="test", version=1, overlap=Overlap.QUEUE)
    there.engine.start(order)
    assert len(there.runs.run_queue("test").waiting) == QUEUED_RUNS_MAX
    with pytest.raises(InputError, match=r"^1,000 runs of test are QUEUED: cancel"):
        there.engine.start(replace(order, run_id="more"))
