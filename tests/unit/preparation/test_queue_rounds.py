"""What is left in a work queue when a round's workers have ended: by their records alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import Step
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import RunStatus
from batchrelay.domain.step_state import StepStatus
from batchrelay.preparation.failures import queue_items
from tests.builders import Flow, key, step, variables_of
from tests.unit.preparation.collected import LIST, OOM, Collected, child

RETRY = RetryFailed(rounds=1)
SPOT = "Host EC2 (instance i-0123456789abcdef0) terminated."


def a(**flow: Any) -> Step:
    more: Flow = {"retry_failed": RETRY, "workers": 3, **flow}  # type: ignore[typeddict-item]
    return step("a", file=LIST, **more)


def done(*numbers: int) -> list[dict[str, Any]]:
    return [{"n": number, "ok": True, "code": 0} for number in numbers]


def bad(number: int, code: int = 1, why: str = "exit code 1", **more: Any) -> dict[str, Any]:
    return {"n": number, "ok": False, "code": code, "why": why, **more}


def record(
    one: Collected,
    worker: int,
    entries: list[dict[str, Any]],
    *,
    ended: bool = True,
    segment: int = 0,
    round_number: int = 0,
) -> None:
    name = f"{worker:07d}-{segment}" if segment else f"{worker:07d}"
    uri = f"s3://the-bucket/runs/run1/a/r{round_number}/results/{name}.json"
    one.cloud.objects.objects[uri] = json.dumps({"done": ended, "items": entries}).encode()


def failures(one: Collected) -> list[tuple[int, str, int | None, str]]:
    lines = one.lines("failures.jsonl")
    return [(f["number"], f["class"], f["exitCode"], f["reason"]) for f in lines]


def messages(one: Collected) -> list[str]:
    return one.cloud.queues.messages[str(one.run.state("a").queue)]


def test_what_no_worker_recorded_as_done_runs_again_from_a_queue_of_its_own() -> None:
    one = Collected(a())
    before = one.run.state("a").queue
    record(one, 0, done(0, 1))
    record(one, 0, [*done(2), bad(3, 7, "exit code 7")], segment=1)
    record(one, 1, done(4, 5), ended=False)
    record(one, 2, done(6, 7, 9))
    one.end("a", child(0, 7), child(1, None, SPOT))
    one.prepare()
    assert failures(one) == [
        (3, "ExitCode", 7, "exit code 7"),
        (8, "SpotInterruption", None, SPOT),
    ]
    assert one.file("numbers.txt") == b"         3\n         8\n"
    assert one.lines("items.jsonl") == [{"name": "n3"}, {"name": "n8"}]
    state = one.run.state("a")
    assert state.queue != before
    assert messages(one) == ["0", "1"]
    assert [part.size for part in state.parts] == [2]
    variables = variables_of(submit_request(one.run, key("a", round=1)))
    assert variables["BATCHRELAY_QUEUE"] == state.queue
    assert variables["BATCHRELAY_MANIFEST"] == state.failures + "items.jsonl"
    one.end("a", round_number=1)
    assert one.run.state("a").status is StepStatus.SUCCEEDED


def test_a_message_of_the_next_round_is_a_chunk_too() -> None:
    one = Collected(a(chunk=2, workers=2))
    record(one, 0, [*done(0, 1), bad(2), bad(3), bad(4), *done(5, 6, 7)])
    record(one, 1, [bad(8), bad(9)])
    one.end("a", child(0), child(1))
    one.prepare()
    assert [number for number, *_ in failures(one)] == [2, 3, 4, 8, 9]
    assert messages(one) == ["0", "1", "2"]
    assert [part.size for part in one.run.state("a").parts] == [2]


def test_an_item_that_another_worker_did_after_all_is_done() -> None:
    one = Collected(a())
    record(one, 0, [bad(0), bad(1)])
    record(one, 2, done(0, *range(2, 10)))
    one.end("a", child(0))
    one.prepare()
    assert [number for number, *_ in failures(one)] == [1]


def test_the_class_is_what_the_worker_saw_and_its_text_decides_nothing() -> None:
    one = Collected(a())
    record(one, 0, done(*range(3, 10)))
    record(one, 1, [
        bad(0, 137, "signal 9: out of memory", oom=True), bad(1, 137, "signal 9"),
        {"n": 2, "ok": False, "why": "item 2 has no key: Host EC2 spot"},
    ])  # fmt: skip
    one.end("a", child(1))
    one.prepare()
    assert [(number, named, code) for number, named, code, _ in failures(one)] == [
        (0, "OutOfMemory", 137),
        (1, "Killed", 137),
        (2, "ExitCode", 1),
    ]


@pytest.mark.parametrize(
    ("ended", "entries", "named"),
    [(True, [bad(0)], "Timeout"), (False, [], "OutOfMemory"), (True, [], "OutOfMemory")],
    ids=["a worker that has failed items for it", "one that did not end", "one of a dead letter"],
)
def test_what_was_lost_is_blamed_on_the_worker_that_may_have_had_it(
    ended: bool, entries: list[dict[str, Any]], named: str
) -> None:
    one = Collected(a())
    record(one, 0, entries, ended=ended)
    record(one, 1, done(*range(2, 10)), ended=not entries)
    record(one, 2, [bad(0)])
    one.end("a", child(0, 137, OOM), child(1, None, "Job attempt duration exceeded timeout"))
    one.prepare()
    assert dict(entry[:2] for entry in failures(one))[1] == named


def test_a_step_whose_items_are_all_recorded_as_done_has_succeeded() -> None:
    one = Collected(a())
    record(one, 0, done(*range(6)))
    record(one, 1, done(*range(6, 10)), ended=False)
    one.end("a", child(1, 137))
    one.prepare()
    state = one.run.state("a")
    assert (state.status, state.failed_items, state.reason) == (StepStatus.SUCCEEDED, 0, "")
    assert one.run.status is RunStatus.SUCCEEDED
    assert one.cloud.queues.messages == {}


def test_what_is_left_may_be_tolerated() -> None:
    one = Collected(a(retry_failed=None, tolerate=Tolerate(count=2)))
    record(one, 0, [*done(*range(8)), bad(8)])
    one.end("a", child(0))
    one.prepare()
    state = one.run.state("a")
    assert (state.status, state.failed_items) == (StepStatus.PARTIAL, 2)
    assert len(one.lines("succeeded.jsonl")) == 8


def test_nothing_is_looked_for_in_a_later_round_that_succeeded() -> None:
    retry = RetryFailed(rounds=1, when=frozenset({"ExitCode:7"}))
    one = Collected(a(retry_failed=retry, tolerate=Tolerate(count=1)))
    record(one, 0, [*done(*range(8)), bad(8, 7), bad(9)])
    one.end("a", child(0))
    one.prepare()
    one.end("a", round_number=1)
    one.prepare()
    state = one.run.state("a")
    assert (state.status, state.failed_items) == (StepStatus.PARTIAL, 1)
    assert [number for number, *_ in failures(one)] == [9]


@pytest.mark.parametrize("body", [None, b"{", b"[]", b'{"items": [{"n": "x"}]}'])
def test_without_any_record_the_step_fails_and_says_why(body: bytes | None) -> None:
    one = Collected(a(tolerate=Tolerate(count=9)))
    if body is not None:
        uri = "s3://the-bucket/runs/run1/a/r0/results/0000000.json"
        one.cloud.objects.objects[uri] = body
    one.end("a", child(0), child(1))
    one.prepare()
    state = one.run.state("a")
    assert (state.status, state.failed_items) == (StepStatus.FAILED, 10)
    assert state.reason == (
        "no worker recorded its items, as batchrelay-worker run does, so all are left: "
        "10 × ExitCode (exit code 1)"
    )


def test_a_worker_that_was_killed_in_its_first_item_has_recorded_that_it_has_none() -> None:
    one = Collected(a(workers=1))
    record(one, 0, [], ended=False)
    one.end("a", child(0, 137))
    one.prepare()
    assert len(messages(one)) == 10


def test_the_memory_of_an_item_of_a_queue_does_not_grow_alone() -> None:
    one = Collected(a(retry_failed=RetryFailed(rounds=1, memory_factor=2.0, memory_mib=64)))
    record(one, 0, [bad(0, 137, "signal 9", oom=True), bad(1), *done(*range(2, 10))])
    one.end("a", child(0))
    one.prepare()
    assert messages(one) == ["0", "1"]


def test_records_beyond_the_limit_are_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_items, "QUEUE_RECORDS_READ_MAX", 3)
    one = Collected(a())
    for segment in range(2):
        record(one, 0, [bad(segment)], segment=segment)
    one.end("a", child(0))
    one.prepare()
    state = one.run.state("a")
    assert state.status is StepStatus.FAILED
    assert "has more than 3 result records" in state.reason


def test_as_many_records_as_the_limit_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_items, "QUEUE_RECORDS_READ_MAX", 5)
    one = Collected(a())
    for segment in range(2):
        record(one, 0, [bad(segment)], segment=segment)
    one.end("a", child(0))
    one.prepare()
    assert len(messages(one)) == 10


def test_a_queue_whose_items_do_not_run_again_has_failed_at_once() -> None:
    one = Collected(a(retry_failed=None))
    one.end("a", child(0))
    state = one.run.state("a")
    assert (state.status, state.reason) == (StepStatus.FAILED, "Array Child Job failed")
