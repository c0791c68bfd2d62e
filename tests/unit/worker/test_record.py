"""What became of a child's items is written as one document, and taken up by the next attempt."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from batchrelay_worker import record
from batchrelay_worker.errors import ServiceError
from batchrelay_worker.items import Child
from batchrelay_worker.record import Record
from tests.unit.worker.services import MemoryAws

RESULTS = "s3://b/results/"
FIRST, SECOND = f"{RESULTS}0000007.json", f"{RESULTS}0000007-1.json"
WELL: dict[str, Any] = {"ok": True, "s": 1.25, "tries": 1, "code": 0}
FAILED: dict[str, Any] = {"ok": False, "s": 0.5, "tries": 2, "code": 9, "why": "exit code 9"}


class Clock:
    """Seconds that only a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def child(attempt: int = 1, results: str = RESULTS) -> Child:
    return Child(
        number=7, row=7, chunk=9, manifest="s3://b/m.jsonl", results=results, queue="", attempt=attempt
    )  # fmt: skip


def document(*items: dict[str, Any], attempt: int = 1, done: bool = False) -> bytes:
    whole = {"schema": 1, "child": 7, "attempt": attempt, "done": done, "items": list(items)}
    return json.dumps(whole, separators=(",", ":")).encode()


def test_a_record_is_one_compact_document(clock: Clock) -> None:
    aws = MemoryAws()
    kept = Record(child(attempt=3), aws)
    kept.note(700, WELL)
    kept.note(701, FAILED)
    assert aws.objects == {}, "quick items wait for the next checkpoint"
    kept.save(done=True)
    assert aws.objects == {
        FIRST: document({"n": 700, **WELL}, {"n": 701, **FAILED}, attempt=3, done=True)
    }
    assert (kept.failed, kept.first_failure, kept.exit_code) == (1, (701, "exit code 9"), 9)
    assert (kept.is_done(700), kept.is_done(701), kept.is_done(702)) == (True, False, False)


def test_an_item_that_takes_longer_than_a_second_is_kept_at_once(clock: Clock) -> None:
    aws = MemoryAws()
    kept = Record(child(), aws)
    clock.now += 1.0
    kept.note(700, WELL)
    assert aws.objects == {}
    clock.now += 0.01
    kept.note(701, WELL)
    assert aws.objects == {FIRST: document({"n": 700, **WELL}, {"n": 701, **WELL})}
    clock.now += 1.0
    kept.note(702, WELL)
    assert aws.calls == [("put", FIRST)], "the second begins with the write"


def test_nothing_new_is_not_written_again(clock: Clock) -> None:
    aws = MemoryAws()
    kept = Record(child(), aws)
    kept.save()
    assert aws.calls == []
    kept.note(700, WELL)
    kept.save()
    kept.save()
    assert aws.calls == [("put", FIRST)]
    kept.save(done=True)
    assert aws.calls == [("put", FIRST)] * 2


def test_outside_of_batchrelay_nothing_is_read_or_written(clock: Clock) -> None:
    aws = MemoryAws({FIRST: document({"n": 700, **WELL})})
    kept = Record(child(attempt=2, results=""), aws)
    assert kept.resume(with_failed=False) == 0
    kept.note(700, WELL)
    kept.save(done=True)
    assert aws.calls == []


def test_a_first_attempt_takes_nothing_up(clock: Clock) -> None:
    aws = MemoryAws({FIRST: document({"n": 700, **WELL})})
    kept = Record(child(attempt=1), aws)
    assert (kept.resume(with_failed=True), kept.items, aws.calls) == (0, {}, [])


def test_a_second_attempt_takes_up_what_is_done_in_every_object(clock: Clock) -> None:
    aws = MemoryAws(
        {
            FIRST: document({"n": 700, **WELL}, {"n": 701, **FAILED}),
            SECOND: document({"n": 702, **WELL}),
        }
    )
    kept = Record(child(attempt=2), aws)
    assert kept.resume(with_failed=False) == 2
    assert kept.items == {700: {"n": 700, **WELL}, 702: {"n": 702, **WELL}}
    assert aws.calls == [("get", FIRST), ("get", SECOND), ("get", f"{RESULTS}0000007-2.json")]
    kept.note(703, WELL)
    kept.save()
    assert aws.objects[SECOND] == document({"n": 702, **WELL}, {"n": 703, **WELL}, attempt=2)


def test_the_failed_items_of_a_queue_stay_failed(clock: Clock) -> None:
    aws = MemoryAws({FIRST: document({"n": 700, **WELL}, {"n": 701, **FAILED})})
    kept = Record(child(attempt=2), aws)
    assert kept.resume(with_failed=True) == 1
    assert kept.items == {700: {"n": 700, **WELL}, 701: {"n": 701, **FAILED}}


def test_a_second_attempt_without_a_record_begins_one(clock: Clock) -> None:
    aws = MemoryAws()
    kept = Record(child(attempt=2), aws)
    assert kept.resume(with_failed=False) == 0
    kept.note(700, WELL)
    kept.save()
    assert aws.objects == {FIRST: document({"n": 700, **WELL}, attempt=2)}


def test_a_record_that_may_not_be_read_counts_as_absent(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = MemoryAws()
    aws.refusals["get"] = 403
    assert Record(child(attempt=2), aws).resume(with_failed=False) == 0
    assert capsys.readouterr().err == (
        "[batchrelay] get: 403 Refused: taken for absent; with s3:ListBucket it would be sure\n"
    )


def test_any_other_refusal_ends_the_attempt(clock: Clock) -> None:
    aws = MemoryAws()
    aws.refusals["get"] = 500
    with pytest.raises(ServiceError, match="get: 500 Refused"):
        Record(child(attempt=2), aws).resume(with_failed=False)


def test_a_long_record_goes_on_in_another_object(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "SEGMENT_ITEMS", 2)
    aws = MemoryAws()
    kept = Record(child(), aws)
    for number in (700, 701, 702, 703):
        kept.note(number, WELL)
    assert aws.objects == {FIRST: document({"n": 700, **WELL}, {"n": 701, **WELL})}
    kept.note(704, WELL)
    kept.save(done=True)
    assert aws.objects == {
        FIRST: document({"n": 700, **WELL}, {"n": 701, **WELL}),
        SECOND: document({"n": 702, **WELL}, {"n": 703, **WELL}),
        f"{RESULTS}0000007-2.json": document({"n": 704, **WELL}, done=True),
    }
    assert list(kept.items) == [700, 701, 702, 703, 704]


def test_an_object_that_could_not_be_written_takes_the_next_item_too(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "SEGMENT_ITEMS", 1)
    aws = MemoryAws()
    kept = Record(child(), aws)
    kept.note(700, WELL)
    aws.refusals["put"] = 500
    kept.note(701, WELL)
    assert capsys.readouterr().err == "[batchrelay] no checkpoint: put: 500 Refused\n"
    aws.refusals.clear()
    kept.save()
    assert aws.objects == {FIRST: document({"n": 700, **WELL}, {"n": 701, **WELL})}


@pytest.mark.parametrize(
    ("codes", "exit_code"), [([9, 9], 9), ([9, 8], 1), ([None, None], 1), ([9, None], 1)]
)
def test_the_exit_code_is_the_one_that_all_failed_items_share(
    clock: Clock, codes: list[int | None], exit_code: int
) -> None:
    kept = Record(child(), MemoryAws())
    kept.note(0, WELL)
    for number, code in enumerate(codes, start=1):
        entry = {"ok": False, "why": "x"} if code is None else {**FAILED, "code": code}
        kept.note(number, entry)
    assert (kept.failed, kept.exit_code) == (2, exit_code)
