"""What an invocation of the engine gives back, and what it does to the run queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from batchrelay.adapters.memory import MemoryBackoff, MemoryClock, MemoryRunStore
from batchrelay.domain.effects import ContinueRun, PublishRunEnd, SubmitJob, TerminateJob
from batchrelay.domain.errors import RunConflict, RunNotFound
from batchrelay.domain.events import CancelRequested, Event, JobSucceeded, RunDequeued
from batchrelay.domain.limits import EFFECTS_PER_SAVE, QUEUED_RUNS_MAX
from batchrelay.domain.pipeline import InlineItems, Overlap, Param
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.transitions import advance
from batchrelay.engine.concurrency import Concurrency
from batchrelay.engine.outcome import Handled
from tests.builders import ENVIRONMENT, T0, MemoryCloud, at, key, pipeline, run_of, step

ORDER = StartRequest(run_id="run1", pipeline="test", version=1)


# --- one run


def test_a_start_gives_the_run_and_what_was_performed() -> None:
    cloud = MemoryCloud(pipeline(step("a"), step("b", "a")))
    handled = cloud.engine.start(ORDER)
    assert handled == Handled(
        run=cloud.runs.load("run1"), performed=(SubmitJob(since=T0, key=key("a")),)
    )


def test_what_becomes_pending_now_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = MemoryCloud(pipeline(step("a"), step("b", "a")))
    monkeypatch.setattr(cloud.jobs, "find", None)
    run = cloud.engine.start(ORDER).run
    end = JobSucceeded(at=at(1), key=key("a"), job_id=run.state("a").parts[0].job_id or "")
    cloud.engine.handle("run1", [end])
    assert [job.name for job in cloud.jobs.jobs.values()] == [key("a").name, key("b").name]


def test_a_run_of_which_nothing_is_to_be_done_ends_at_its_start() -> None:
    cloud = MemoryCloud(pipeline(step("a", when="1 == 2")))
    handled = cloud.engine.start(ORDER)
    published = PublishRunEnd(run_id="run1", redrive=0, since=T0)
    ended = Handled(run=cloud.runs.load("run1"), performed=(published,), ended=True)
    assert handled == ended
    assert handled.run.status is RunStatus.SUCCEEDED


def test_a_run_ends_once() -> None:
    cloud = MemoryCloud(pipeline(step("a"), step("b")))
    run = cloud.engine.start(ORDER).run
    ends = [
        JobSucceeded(at=at(1), key=key(label), job_id=run.state(label).parts[0].job_id or "")
        for label in "ab"
    ]
    assert [cloud.engine.handle("run1", [end]).ended for end in (*ends, *ends)] == [
        False,
        True,
        False,
        False,
    ]


def test_an_end_that_reconcile_finds_ends_the_run_once() -> None:
    cloud = MemoryCloud(pipeline(step("a")))
    run = cloud.engine.start(ORDER).run
    cloud.jobs.end(run.state("a").parts[0].job_id or "", JobOutcome.SUCCEEDED)
    assert [cloud.engine.reconcile("run1").ended for _ in range(2)] == [True, False]


def test_a_cancellation_has_its_reason_or_none() -> None:
    for reason, kept in (("by hand", "by hand"), (None, "")):
        cloud = MemoryCloud(pipeline(step("a")))
        cloud.engine.start(ORDER)
        run = (
            cloud.engine.cancel("run1") if reason is None else cloud.engine.cancel("run1", reason)
        ).run
        assert run.stop is not None
        assert (run.stop.reason.endswith(kept), run.stop.requested_at) == (True, T0)


class Rivals(MemoryRunStore):
    """Of our next saves, so many come too late."""

    faster = 0

    def save(self, run: Run) -> Run:
        if self.faster:
            self.faster -= 1
            stored = super().save(replace(self.load(run.id), params={"n": str(self.faster)}))
            raise RunConflict(f"run {stored.id}")
        return super().save(run)


def test_writes_that_rivals_were_faster_with_are_counted() -> None:
    cloud = MemoryCloud(pipeline(step("a"), step("b", "a")))
    rivals = Rivals()
    engine = replace(cloud.engine, runs=rivals)
    run = engine.start(ORDER).run
    rivals.faster = 3
    end = JobSucceeded(at=at(1), key=key("a"), job_id=run.state("a").parts[0].job_id or "")
    handled = engine.handle("run1", [end])
    assert (handled.conflicts, handled.performed) == (3, (SubmitJob(since=at(1), key=key("b")),))
    assert handled.run.params == {"n": "0"}
    assert handled.run.state("b").status is StepStatus.ACTIVE


def test_an_invocation_that_rivals_always_outrun_gives_up() -> None:
    cloud = MemoryCloud(pipeline(step("a")))
    rivals = Rivals()
    engine = replace(cloud.engine, runs=rivals, backoff=MemoryBackoff(tries_max=4))
    engine.start(ORDER)
    rivals.faster = 9
    with pytest.raises(RunConflict) as caught:
        engine.cancel("run1")
    assert str(caught.value) == "run run1: 4 writers were faster"


def test_a_preparation_performs_all_that_it_makes_pending() -> None:
    """An invocation that only prepares has the time for all."""
    steps = [step(f"s{n}", "a", n_to_n_needs=frozenset({"a"})) for n in range(EFFECTS_PER_SAVE + 5)]
    cloud = MemoryCloud(pipeline(step("a", for_each=InlineItems(items=(1, 2))), *steps))
    cloud.engine.start(ORDER)
    handled = cloud.engine.prepare("run1", "a", 0)
    assert len(cloud.jobs.jobs) == EFFECTS_PER_SAVE + 6
    assert len(handled.performed) == EFFECTS_PER_SAVE + 6
    assert handled.run.continue_since is None


def test_a_default_may_be_a_value_of_the_stack_or_of_the_trigger() -> None:
    params = (
        Param(name="bucket", default="${env.bucket}"),
        Param(name="key", default="${trigger.key}"),
        Param(name="id", default="${run.id}"),
    )
    cloud = MemoryCloud(pipeline(step("a"), params=params))
    run = cloud.engine.start(replace(ORDER, trigger={"key": "k"})).run
    assert run.params == {"bucket": ENVIRONMENT["bucket"], "key": "k", "id": "run1"}


def test_stops_that_were_postponed_go_on_behind_what_is_new() -> None:
    count = EFFECTS_PER_SAVE * 10 + 20
    cloud = MemoryCloud(pipeline(*(step(f"s{number}") for number in range(count))))
    cloud.engine.start(ORDER)
    cloud.engine.continue_run("run1")
    assert len(cloud.jobs.jobs) == count
    first = cloud.engine.cancel("run1")
    assert (len(first.performed), first.performed[-1]) == (
        EFFECTS_PER_SAVE * 10 + 1,
        ContinueRun(since=T0, run_id="run1"),
    )
    second = cloud.engine.continue_run("run1")
    assert len(second.performed) == 19 + 1
    assert {type(effect) for effect in second.performed} == {TerminateJob}
    assert cloud.engine.continue_run("run1").performed == ()


# --- the run queue


def queued(run_id: str, overlap: Overlap = Overlap.QUEUE) -> Run:
    whole = run_of(step("a"))
    return replace(whole, id=run_id, overlap=overlap, status=RunStatus.QUEUED, steps={}, version=0)


class Handler:
    """Folds events into a stored run, and notes them."""

    def __init__(self, runs: MemoryRunStore) -> None:
        self.runs = runs
        self.calls: list[tuple[str, tuple[Event, ...]]] = []

    def __call__(self, run_id: str, events: Sequence[Event]) -> Handled:
        self.calls.append((run_id, tuple(events)))
        run = self.runs.load(run_id)
        for event in events:
            run = advance(run, event)
        return Handled(run=self.runs.save(run), ended=run.status.is_terminal)


def concurrency(runs: MemoryRunStore) -> tuple[Concurrency, Handler]:
    handler = Handler(runs)
    clock = MemoryClock(time=at(9))
    return Concurrency(runs=runs, clock=clock, backoff=MemoryBackoff(), handle=handler), handler


def test_a_run_that_cancels_the_others_gives_them_its_name_and_time() -> None:
    runs = MemoryRunStore()
    rooms, handler = concurrency(runs)
    for run_id in ("one", "two"):
        rooms.create(queued(run_id))
    newest = rooms.create(queued("three", Overlap.CANCEL_RUNNING))
    handled = rooms.advance_run_queue(Handled(run=newest))
    reason = "run three takes its place"
    assert handler.calls == [
        (run_id, (CancelRequested(at=at(9), reason=reason),)) for run_id in ("one", "two")
    ]
    assert [other.run.id for other in handled.others] == ["one", "two"]
    assert runs.run_queue("test") == RunQueue(
        pipeline="test", holder="one", waiting=("three",), version=runs.run_queue("test").version
    )


def test_a_run_that_expired_is_not_cancelled() -> None:
    runs = MemoryRunStore()
    rooms, _ = concurrency(runs)
    for run_id in ("one", "two"):
        rooms.create(queued(run_id))
    newest = rooms.create(queued("three", Overlap.CANCEL_RUNNING))
    del runs.runs["two"]
    handled = rooms.advance_run_queue(Handled(run=newest))
    assert [other.run.id for other in handled.others] == ["one"]
    with pytest.raises(RunNotFound):
        runs.load("two")


def test_the_run_that_begins_is_given_back_begun() -> None:
    runs = MemoryRunStore()
    rooms, handler = concurrency(runs)
    one = rooms.create(queued("one"))
    two = rooms.create(queued("two"))
    assert rooms.advance_run_queue(Handled(run=two)) == Handled(run=two)
    runs.save(replace(one, status=RunStatus.SUCCEEDED))
    handled = rooms.advance_run_queue(Handled(run=two))
    begun = runs.load("two")
    assert handler.calls == [("two", (RunDequeued(at=at(9)),))]
    assert begun.status is RunStatus.RUNNING
    assert handled == Handled(run=begun, others=(Handled(run=begun),))


def test_the_end_of_a_run_begins_the_next_and_keeps_itself() -> None:
    runs = MemoryRunStore()
    rooms, _ = concurrency(runs)
    one = rooms.create(queued("one"))
    rooms.create(queued("two"))
    over = runs.save(replace(one, status=RunStatus.SUCCEEDED))
    handled = rooms.advance_run_queue(Handled(run=over, ended=True))
    assert handled == Handled(run=over, ended=True, others=(Handled(run=runs.load("two")),))
    assert rooms.advance_run_queue(Handled(run=over)) == Handled(run=over), "it ends once"


class Contended(MemoryRunStore):
    """A run queue that others always write first."""

    is_contended = False
    tries = 0

    def save_run_queue(self, run_queue: RunQueue) -> None:
        if not self.is_contended:
            return super().save_run_queue(run_queue)
        self.tries += 1
        raise RunConflict("the run queue")


def test_a_run_queue_that_others_always_write_first_is_given_up() -> None:
    runs = Contended()
    rooms, _ = concurrency(runs)
    one = rooms.create(queued("one"))
    rooms.create(queued("two"))
    over = runs.save(replace(one, status=RunStatus.SUCCEEDED))
    runs.is_contended = True
    with pytest.raises(RunConflict) as caught:
        rooms.advance_run_queue(Handled(run=over, ended=True))
    assert str(caught.value) == "the run queue of test: others were faster"
    assert runs.tries == QUEUED_RUNS_MAX
