"""Runs that must not overlap: one is open at a time, also after crashes and duplicate messages."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.api.views import history, run_document
from batchrelay.domain.errors import InputError, RunConflict, RunSkipped
from batchrelay.domain.events import JobSucceeded
from batchrelay.domain.limits import QUEUED_RUNS_MAX
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import JobKey
from tests.builders import MemoryCloud, at, dies_at, pipeline, step

SKIP, QUEUE, CANCEL = Overlap.SKIP, Overlap.QUEUE, Overlap.CANCEL_RUNNING


@pytest.fixture
def cloud() -> MemoryCloud:
    return MemoryCloud(pipeline(step("a"), timeout_s=600))


def start(cloud: MemoryCloud, run_id: str, overlap: Overlap = QUEUE) -> Run:
    order = StartRequest(run_id=run_id, pipeline="test", version=1, key=run_id, overlap=overlap)
    return cloud.engine.start(order).run


def end(cloud: MemoryCloud, run_id: str) -> Any:
    """The run's job succeeds, and the engine handles the event."""
    key = JobKey(run_id=run_id, label="a", round=0, part=0)
    [job] = [job for job in cloud.jobs.jobs.values() if job.name == key.name]
    cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
    event = JobSucceeded(at=cloud.clock.now(), key=key, job_id=job.job_id)
    return cloud.engine.handle(run_id, [event])


def statuses(cloud: MemoryCloud) -> dict[str, RunStatus]:
    return {run_id: run.status for run_id, run in cloud.runs.runs.items()}


def test_queued_runs_begin_in_the_order_in_which_they_came(cloud: MemoryCloud) -> None:
    for run_id in ("one", "two", "three"):
        start(cloud, run_id)
    assert statuses(cloud) == {"one": "RUNNING", "two": "QUEUED", "three": "QUEUED"}
    assert len(cloud.jobs.jobs) == 1
    cloud.clock.move(1_000)
    ended = end(cloud, "one")
    assert [other.run.id for other in ended.others] == ["two"]
    assert statuses(cloud) == {"one": "SUCCEEDED", "two": "RUNNING", "three": "QUEUED"}
    end(cloud, "two")
    end(cloud, "three")
    assert set(statuses(cloud).values()) == {RunStatus.SUCCEEDED}
    assert start(cloud, "four").status is RunStatus.RUNNING


def test_a_queued_run_has_its_timeout_from_its_begin_on(cloud: MemoryCloud) -> None:
    start(cloud, "one")
    waiting = start(cloud, "two")
    assert (waiting.deadline, run_document(waiting)["dequeuedAt"]) == (None, None)
    assert history(waiting)[0]["what"] == "run QUEUED: test, version 1"
    cloud.clock.move(1_000)
    end(cloud, "one")
    begun = cloud.runs.load("two")
    assert (begun.dequeued_at, begun.deadline) == (at(1_000), at(1_600))
    assert [job_terminated["what"] for job_terminated in history(begun)[:2]] == [
        "run QUEUED: test, version 1",
        "the run began",
    ]


def test_a_trigger_that_skips_leaves_no_run_while_one_is_open(cloud: MemoryCloud) -> None:
    start(cloud, "one", SKIP)
    with pytest.raises(RunSkipped, match="run one of test is open"):
        start(cloud, "two", SKIP)
    assert list(statuses(cloud)) == ["one"]
    end(cloud, "one")
    assert start(cloud, "three", SKIP).status is RunStatus.RUNNING


def test_the_newest_takes_the_place_of_what_runs_and_of_what_waits(cloud: MemoryCloud) -> None:
    start(cloud, "one")
    start(cloud, "two")
    newest = start(cloud, "three", CANCEL)
    assert newest.status is RunStatus.QUEUED
    assert statuses(cloud) == {"one": "CANCELLING", "two": "CANCELLED", "three": "QUEUED"}
    one = cloud.runs.load("one")
    assert one.stop is not None
    assert one.stop.reason == "run three takes its place"
    cloud.clock.move(400)
    for run_id in ("one", "three", "two"):
        cloud.engine.reconcile(run_id)
    assert statuses(cloud) == {"one": "CANCELLED", "two": "CANCELLED", "three": "RUNNING"}


def test_a_run_that_waits_can_be_cancelled(cloud: MemoryCloud) -> None:
    for run_id in ("one", "two", "three"):
        start(cloud, run_id)
    cancelled = cloud.engine.cancel("two").run
    assert (cancelled.status, cancelled.dequeued_at) == (RunStatus.CANCELLED, None)
    assert history(cancelled)[0]["what"] == "run QUEUED: test, version 1"
    end(cloud, "one")
    assert statuses(cloud) == {"one": "SUCCEEDED", "two": "CANCELLED", "three": "RUNNING"}


def test_a_parallel_run_does_not_enter_the_run_queue(cloud: MemoryCloud) -> None:
    start(cloud, "one")
    assert start(cloud, "two", Overlap.PARALLEL).status is RunStatus.RUNNING
    end(cloud, "one")
    assert start(cloud, "three").status is RunStatus.RUNNING


def test_the_same_start_again_is_one_place_in_the_run_queue(cloud: MemoryCloud) -> None:
    start(cloud, "one")
    for _ in range(10):
        assert start(cloud, "two").status is RunStatus.QUEUED
    assert cloud.runs.run_queue("test").waiting == ("two",)


def test_runs_that_have_nothing_to_do_leave_the_run_queue() -> None:
    cloud = MemoryCloud(pipeline(step("a", when="1 == 2")))
    for number in range(300):
        assert start(cloud, f"r{number}").status is RunStatus.SUCCEEDED
    blocked = MemoryCloud(pipeline(step("a")))
    for number in range(300):
        start(blocked, f"r{number}")
    for number in range(1, 300):
        blocked.engine.cancel(f"r{number}")
    end(blocked, "r0")
    assert start(blocked, "last").status is RunStatus.RUNNING


def test_after_a_crash_at_the_end_of_a_run_reconcile_begins_the_next(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(cloud, "one")
    start(cloud, "two")
    with dies_at(monkeypatch, cloud.runs, "run_queue"), pytest.raises(KeyboardInterrupt):
        end(cloud, "one")
    assert statuses(cloud) == {"one": "SUCCEEDED", "two": "QUEUED"}
    cloud.engine.reconcile("two")
    assert statuses(cloud)["two"] is RunStatus.RUNNING


def test_after_a_crash_of_the_dequeue_reconcile_begins_the_run(cloud: MemoryCloud) -> None:
    start(cloud, "one")
    start(cloud, "two")
    end_without_the_run_queue = JobSucceeded(
        at=at(1),
        key=JobKey(run_id="one", label="a", round=0, part=0),
        job_id=next(iter(cloud.jobs.jobs)),
    )
    cloud.engine._handled("one", [end_without_the_run_queue])
    cloud.runs.save_run_queue(cloud.runs.run_queue("test").passed_on())
    assert cloud.runs.run_queue("test").holder == "two"
    cloud.engine.reconcile("two")
    assert statuses(cloud)["two"] is RunStatus.RUNNING


def test_a_holder_whose_time_to_live_has_passed_holds_the_run_queue_no_more(
    cloud: MemoryCloud,
) -> None:
    start(cloud, "one")
    start(cloud, "two")
    del cloud.runs.runs["one"]
    cloud.engine.reconcile("two")
    assert statuses(cloud) == {"two": "RUNNING"}


def test_a_rival_enters_the_run_queue_first(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = cloud.runs.create

    def late(run: Run, run_queue: RunQueue | None = None) -> Run:
        monkeypatch.setattr(cloud.runs, "create", create)
        start(cloud, "rival")
        return create(run, run_queue)

    monkeypatch.setattr(cloud.runs, "create", late)
    with pytest.raises(RunSkipped):
        start(cloud, "one", SKIP)
    assert statuses(cloud) == {"rival": "RUNNING"}


def test_a_run_begins_only_when_the_run_before_it_has_ended(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run before it ends between its start and its look at the run queue."""
    start(cloud, "one")
    look = cloud.runs.run_queue

    def after_the_end(pipeline: str) -> RunQueue:
        monkeypatch.setattr(cloud.runs, "run_queue", look)
        cloud.clock.move(5)
        end(cloud, "one")
        return look(pipeline)

    monkeypatch.setattr(cloud.runs, "run_queue", after_the_end)
    begun = start(cloud, "two")
    assert (begun.status, begun.started_at) == (RunStatus.RUNNING, at(0))
    assert begun.dequeued_at == cloud.runs.load("one").ended_at == at(5)


def test_a_run_that_comes_while_the_run_queue_moves_on_comes_last(cloud: MemoryCloud) -> None:
    start(cloud, "one")
    start(cloud, "two")
    del cloud.runs.runs["one"]  # it has ended, and the run queue has not moved on yet
    assert start(cloud, "three").status is RunStatus.QUEUED
    assert statuses(cloud) == {"two": "RUNNING", "three": "QUEUED"}


def test_a_run_queue_of_cancelled_runs_only_is_free(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the first run crashed, and reconcile sees no QUEUED run."""
    start(cloud, "one")
    start(cloud, "two")
    with dies_at(monkeypatch, cloud.runs, "save_run_queue"):
        with pytest.raises(KeyboardInterrupt):
            cloud.engine.cancel("two")
        with pytest.raises(KeyboardInterrupt):
            end(cloud, "one")
    assert cloud.runs.run_queue("test").waiting == ("two",)
    assert list(cloud.runs.open_runs()) == []
    assert start(cloud, "three", SKIP).status is RunStatus.RUNNING


def test_cancelled_runs_leave_the_run_queue(cloud: MemoryCloud) -> None:
    start(cloud, "one")
    for number in range(QUEUED_RUNS_MAX):
        start(cloud, f"r{number}")
    cloud.engine.cancel("r500")
    assert len(cloud.runs.run_queue("test").waiting) == QUEUED_RUNS_MAX - 1
    assert start(cloud, "more").status is RunStatus.QUEUED


def test_any_number_of_runs_may_replace_the_open_one(cloud: MemoryCloud) -> None:
    start(cloud, "one")
    for number in range(QUEUED_RUNS_MAX + 1):
        start(cloud, f"r{number}", CANCEL)
    assert cloud.runs.run_queue("test").waiting == (f"r{QUEUED_RUNS_MAX}",)


def test_a_run_queue_has_a_limit(cloud: MemoryCloud) -> None:
    waiting = tuple(f"r{number}" for number in range(QUEUED_RUNS_MAX))
    start(cloud, "one")
    run_queue = cloud.runs.run_queue("test")
    cloud.runs.run_queues["test"] = RunQueue(
        pipeline="test", holder="one", waiting=waiting, version=run_queue.version
    )
    with pytest.raises(InputError, match="1,000 runs of test are QUEUED"):
        start(cloud, "two")
    assert list(statuses(cloud)) == ["one"]


def test_a_run_queue_that_always_changes_is_tried_again_later(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faster(*_: object) -> Run:
        raise RunConflict("another process")

    monkeypatch.setattr(cloud.runs, "create", faster)
    with pytest.raises(RunConflict, match="were faster"):
        start(cloud, "one")


@pytest.mark.parametrize(
    ("trigger", "cause"),
    [
        ({}, ""),
        ({"time": "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00Z"),
        ({"bucket": "b", "key": "a/é", "folder": "s3://b/a/"}, "s3://b/a/é"),
        ({"bucket": "b", "uploads": "s3://x/y", "count": "500"}, "500 uploads to s3://b/"),
    ],
)
def test_a_run_says_what_started_it(
    cloud: MemoryCloud, trigger: dict[str, str], cause: str
) -> None:
    order = StartRequest(run_id="one", pipeline="test", version=1, trigger=trigger)
    run = cloud.engine.start(order).run
    assert (run.cause, run_document(run)["cause"]) == (cause, cause or None)
    by = f" by {cause}" if cause else ""
    assert history(run)[0]["what"] == f"run started{by}: test, version 1"
