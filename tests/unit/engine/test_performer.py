"""What comes of effects, whole: the events that acknowledge them, and what stays pending."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from batchrelay.adapters.memory import (
    MemoryBackoff,
    MemoryClock,
    MemoryConsumableResources,
    MemoryEventBus,
    MemoryNotices,
    MemoryObjects,
    MemoryPreparations,
    MemoryQueues,
)
from batchrelay.domain.effects import (
    ContinueRun,
    DeleteQueues,
    Effect,
    Notify,
    Prepare,
    SubmitJob,
    TerminateJob,
    WithdrawSubmission,
)
from batchrelay.domain.errors import Ambiguous, NotDone, Refused, Throttled
from batchrelay.domain.events import (
    EffectsPostponed,
    Event,
    JobBlocked,
    JobFailed,
    JobMissing,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    JobTerminated,
    NoticeRefused,
    NoticeSent,
    QueuesDeleted,
    RunContinued,
    RunEndPublished,
    RunEndRefused,
    SubmissionRefused,
    SubmissionWithdrawn,
)
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.job_queues import JobQueue
from batchrelay.domain.limits import DUPLICATE_JOBS_MAX, EFFECT_S_MAX, FRUITLESS_MAX, STUCK_S
from batchrelay.domain.notices import Notice
from batchrelay.domain.pending_effects import DUPLICATE_REASON, MISSING_REASON, pending_effects
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.run import DuplicateJob, Run
from batchrelay.domain.state_change import StateChange, state_change_of
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import Json
from batchrelay.engine.duplicate_jobs import stop_unnoted
from batchrelay.engine.effects import Budget, Pending, Performed, Performer, postponed
from batchrelay.engine.reconcile import STUCK_REASON, missed_events
from tests.builders import T0, at, fold, key, run_of, step

NOW = at(50)
UNTIL = NOW + timedelta(hours=1)
RULE = NoticeRule(topic="arn:t", on=frozenset({"SUCCEEDED"}))


@dataclass
class Jobs:
    """AWS Batch as a test wants it; what it was asked."""

    answers: list[str | Exception] = field(default_factory=list)
    listings: list[tuple[str, ...]] = field(default_factory=list)
    reports: tuple[JobReport, ...] = ()
    lives_on: frozenset[str] = frozenset()
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def failed_children(self, job_id: str) -> Iterator[ChildFailure]:
        raise NotImplementedError(job_id)

    def submit_all(self, requests: Sequence[Mapping[str, Json]]) -> Sequence[str | Exception]:
        self.calls.append(("submit", *(request["jobName"] for request in requests)))
        return [self.answers.pop(0) for _ in requests]

    def find(self, queue: str, name: str) -> tuple[str, ...]:
        self.calls.append(("find", queue, name))
        listing = self.listings.pop(0)
        if listing == ("refused",):
            raise Refused("no queue")
        if listing == ("throttled",):
            raise Throttled("later")
        return listing

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        self.calls.append(("describe", *job_ids))
        return self.reports

    def queues(self) -> Sequence[JobQueue]:
        raise NotImplementedError

    def terminate(self, job_ids: Sequence[str], reason: str) -> tuple[str, ...]:
        self.calls.append(("terminate", tuple(job_ids), reason))
        return tuple(job_id for job_id in job_ids if job_id not in self.lives_on)


@dataclass
class RefusedNotices:
    """An SNS that never accepts a notice, or not now."""

    error: Exception

    def publish(self, _: Notice | StateChange) -> None:
        raise self.error


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def performer(jobs: Jobs) -> Performer:
    return Performer(
        jobs=jobs,
        notices=MemoryNotices(),
        event_bus=MemoryEventBus(),
        presigner=MemoryObjects(),
        queues=MemoryQueues(),
        consumable_resources=MemoryConsumableResources(),
        preparations=MemoryPreparations(),
        clock=MemoryClock(time=NOW),
    )


def events_of(
    performer: Performer, run: Run, *effects: Effect, again: bool = False, goes_on: bool = True
) -> tuple[Event, ...]:
    done = performer.perform(run, [(effect, again) for effect in effects], goes_on=goes_on)
    assert done.problem is None
    return done.events


def submission(label: str = "a") -> SubmitJob:
    return SubmitJob(since=T0, key=key(label))


def withdrawal() -> WithdrawSubmission:
    return WithdrawSubmission(since=T0, key=key("a"))


# --- submissions


def test_each_answer_of_a_submission_is_its_event(performer: Performer, jobs: Jobs) -> None:
    run = run_of(*(step(name) for name in "abcd"))
    jobs.answers = ["j", Refused("no queue"), Throttled("later"), Ambiguous("timeout")]
    assert events_of(performer, run, *(submission(name) for name in "abcd")) == (
        JobSubmitted(at=NOW, key=key("a"), job_id="j"),
        SubmissionRefused(at=NOW, key=key("b"), reason="no queue"),
        EffectsPostponed(at=NOW, effects=(submission("c"),)),
    )
    assert jobs.calls == [("submit", *(key(name).name for name in "abcd"))]


def test_what_a_submission_raises_is_the_problem(performer: Performer, jobs: Jobs) -> None:
    run = run_of(step("a"), step("b"), step("c"))
    first, second = RuntimeError("first"), RuntimeError("second")
    jobs.answers = [first, second, "j"]
    effects: list[Pending] = [(submission(name), False) for name in "abc"]
    assert performer.perform(run, effects, goes_on=True) == Performed(
        events=(JobSubmitted(at=NOW, key=key("c"), job_id="j"),), problem=first
    )


def test_an_effect_that_raises_is_the_problem(performer: Performer) -> None:
    error = RuntimeError("no SNS")
    run = fold(run_of(step("a"), notify=(RULE,)), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    broken = replace(performer, notices=RefusedNotices(error))
    effects: list[Pending] = [
        (Notify(since=T0, run_id="run1", rule=0), False),
        (DeleteQueues(since=T0, run_id="run1"), False),
    ]
    assert broken.perform(run, effects, goes_on=True) == Performed(
        events=(QueuesDeleted(at=NOW),), problem=error
    )


def test_a_submission_that_is_overdue_is_left_to_reconcile(
    performer: Performer, jobs: Jobs
) -> None:
    late = replace(performer, clock=MemoryClock(time=at(SubmitJob.GRACE_S)))
    assert events_of(late, run_of(step("a")), submission()) == ()
    assert jobs.calls == []


FIND = ("find", "queue", key("a").name)


def test_a_submission_is_looked_up_twice_before_it_is_made_again(
    performer: Performer, jobs: Jobs
) -> None:
    jobs.listings, jobs.answers = [(), ()], ["j"]
    submitted = JobSubmitted(at=NOW, key=key("a"), job_id="j")
    assert events_of(performer, run_of(step("a")), submission(), again=True) == (submitted,)
    assert jobs.calls == [FIND, FIND, ("submit", key("a").name)]


@pytest.mark.parametrize("effect", [submission(), withdrawal()])
def test_every_job_that_is_there_is_reported(
    performer: Performer, jobs: Jobs, effect: Effect
) -> None:
    jobs.listings = [(), ("j", "k")]
    assert events_of(performer, run_of(step("a")), effect, again=True) == (
        JobSubmitted(at=NOW, key=key("a"), job_id="j"),
        JobSubmitted(at=NOW, key=key("a"), job_id="k"),
    )
    assert jobs.calls == [FIND, FIND]


def test_a_submission_that_is_not_there_is_withdrawn(performer: Performer, jobs: Jobs) -> None:
    run = run_of(step("a"))
    withdrawn = (SubmissionWithdrawn(at=NOW, key=key("a")),)
    jobs.listings = [(), (), ("refused",), ("throttled",)]
    assert events_of(performer, run, withdrawal()) == (), "it waits for its grace"
    assert jobs.calls == []
    assert events_of(performer, run, withdrawal(), again=True) == withdrawn
    assert events_of(performer, run, withdrawal(), again=True) == withdrawn, "its queue is gone"
    assert events_of(performer, run, withdrawal(), again=True) == ()


def test_a_submission_whose_queue_is_gone_is_refused(performer: Performer, jobs: Jobs) -> None:
    jobs.listings = [("refused",), ("throttled",)]
    run = run_of(step("a"))
    refused = SubmissionRefused(at=NOW, key=key("a"), reason="no queue")
    assert events_of(performer, run, submission(), again=True) == (refused,)
    assert events_of(performer, run, submission(), again=True) == ()


# --- terminations


def termination(job_id: str, reason: str = "why") -> TerminateJob:
    return TerminateJob(since=T0, run_id="run1", job_id=job_id, reason=reason)


def at_work(*labels: str) -> Run:
    submitted = (JobSubmitted(at=T0, key=key(label), job_id=f"j-{label}") for label in labels)
    return fold(run_of(*(step(label) for label in labels)), *submitted)


def report(label: str, outcome: JobOutcome | None, **fields: int) -> JobReport:
    return JobReport(job_id=f"j-{label}", outcome=outcome, **fields)  # type: ignore[arg-type]


def test_jobs_are_terminated_together_with_their_reason(performer: Performer, jobs: Jobs) -> None:
    run = at_work("a", "b", "c")
    jobs.reports = (report("a", None, failed=3), report("b", None))
    jobs.lives_on = frozenset({"j-c"})
    effects = (
        termination("j-a"),
        termination("j-x", "other"),
        termination("j-b"),
        termination("j-c"),
    )
    assert events_of(performer, run, *effects) == (
        JobTerminated(at=NOW, job_id="j-a", failed=3),
        JobTerminated(at=NOW, job_id="j-b", failed=0),
        JobTerminated(at=NOW, job_id="j-x", failed=0),
    )
    assert jobs.calls == [
        ("describe", "j-a", "j-x", "j-b", "j-c"),
        ("terminate", ("j-a", "j-b", "j-c"), "why"),
        ("terminate", ("j-x",), "other"),
    ]


def test_a_job_that_has_ended_by_now_has_ended_of_its_own(performer: Performer, jobs: Jobs) -> None:
    run = at_work("a", "b")
    jobs.reports = (
        report("a", JobOutcome.SUCCEEDED),
        report("b", JobOutcome.FAILED, succeeded=1, failed=2),
        report("x", JobOutcome.FAILED, failed=1),
    )
    effects = (termination("j-a"), termination("j-b"), termination("j-x", "other"))
    assert events_of(performer, run, *effects) == (
        JobSucceeded(at=NOW, key=key("a"), job_id="j-a"),
        JobFailed(at=NOW, key=key("b"), job_id="j-b", succeeded=1, failed=2, reason=""),
        JobTerminated(at=NOW, job_id="j-x", failed=1),
    )
    assert jobs.calls[1:] == [("terminate", ("j-x",), "other")]


def test_a_job_that_was_missing_and_is_there_goes_on(performer: Performer, jobs: Jobs) -> None:
    run = at_work("a", "b")
    jobs.reports = (report("a", None, running=1), report("b", None))
    effects = (termination("j-a", MISSING_REASON), termination("j-b"))
    assert events_of(performer, run, *effects) == (
        JobProgressed(at=NOW, key=key("a"), job_id="j-a", succeeded=0, failed=0, running=1),
        JobTerminated(at=NOW, job_id="j-b", failed=0),
    )


def test_a_duplicate_without_room_is_stopped_at_once(jobs: Jobs) -> None:
    duplicates = tuple(DuplicateJob(job_id=str(n), since=T0) for n in range(DUPLICATE_JOBS_MAX))
    full = replace(at_work("a"), duplicate_jobs=duplicates)
    results = [
        JobSubmitted(at=NOW, key=key("a"), job_id=job_id) for job_id in ("j-a", "0", "y", "x", "z")
    ]
    assert stop_unnoted(jobs, replace(full, duplicate_jobs=duplicates[1:]), results) is None
    assert jobs.calls == []
    assert stop_unnoted(jobs, full, results[:2]) is None
    assert jobs.calls == []
    assert stop_unnoted(jobs, full, results) is None
    assert jobs.calls == [("terminate", ("y", "x", "z"), DUPLICATE_REASON)]
    jobs.lives_on = frozenset({"x", "y"})
    problem = stop_unnoted(jobs, full, results)
    assert (type(problem), str(problem)) == (
        NotDone,
        "run run1: duplicate jobs may run on: x, y",
    )


# --- the others


def test_a_notice_is_sent_or_refused_or_stays_pending(performer: Performer) -> None:
    run = fold(run_of(step("a"), notify=(RULE,)), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    effect = Notify(since=T0, run_id="run1", rule=0)
    for again in (False, True):
        assert events_of(performer, run, effect, again=again) == (NoticeSent(at=NOW, rule=0),)
    refusing = replace(performer, notices=RefusedNotices(Refused("no topic")))
    assert events_of(refusing, run, effect) == (NoticeRefused(at=NOW, rule=0),)
    throttling = replace(performer, notices=RefusedNotices(Throttled("later")))
    assert events_of(throttling, run, effect) == ()


def test_the_end_of_a_run_is_published_or_refused_or_stays_pending(performer: Performer) -> None:
    run = fold(run_of(step("a")), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    [effect] = pending_effects(run)
    for again in (False, True):
        events = events_of(performer, run, effect, again=again)
        assert events == (RunEndPublished(at=NOW, redrive=0),)
    assert performer.event_bus.published == [state_change_of(run)] * 2  # type: ignore[attr-defined]
    refusing = replace(performer, event_bus=RefusedNotices(Refused("no such bus")))
    assert events_of(refusing, run, effect) == (RunEndRefused(at=NOW, redrive=0),)
    throttling = replace(performer, event_bus=RefusedNotices(Throttled("later")))
    assert events_of(throttling, run, effect) == ()


class RefusingPresigner:
    def presigned(self, uri: str, seconds: int) -> str:
        raise Refused(f"{uri} for {seconds} s")


@pytest.mark.parametrize(
    ("link", "presign_s", "line"),
    [
        ("s3://b/k", None, ""),
        (
            "s3://b/k",
            3_600,
            (
                f"Download (anyone who has this URL, at most until {UNTIL:%Y-%m-%d %H:%M} UTC): "
                "https://b.s3.example/k?X-Amz-Expires=3600"
            ),
        ),
        ("s3://b/k/", 3_600, "No URL to download it: it is no single object of S3."),
    ],
)
def test_a_link_to_one_object_is_presigned_if_its_rule_says_so(
    performer: Performer, link: str, presign_s: int | None, line: str
) -> None:
    rule = replace(RULE, link=link, presign_s=presign_s)
    run = fold(run_of(step("a"), notify=(rule,)), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    effect = Notify(since=T0, run_id="run1", rule=0)
    assert events_of(performer, run, effect) == (NoticeSent(at=NOW, rule=0),)
    [notice] = performer.notices.published  # type: ignore[attr-defined]
    assert notice.message.splitlines()[2:4] == [f"Output: {link}", line]


def test_a_link_that_cannot_be_presigned_is_sent_plain_with_the_reason(
    performer: Performer,
) -> None:
    rule = replace(RULE, link="s3://b/k", presign_s=60)
    run = fold(run_of(step("a"), notify=(rule,)), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    broken = replace(performer, presigner=RefusingPresigner())
    effect = Notify(since=T0, run_id="run1", rule=0)
    assert events_of(broken, run, effect) == (NoticeSent(at=NOW, rule=0),)
    [notice] = performer.notices.published  # type: ignore[attr-defined]
    assert "\nNo URL to download it: s3://b/k for 60 s.\n" in notice.message


def test_only_the_queues_of_the_run_are_deleted(performer: Performer) -> None:
    for name in ("br_run1-a", "br_run12-a"):
        performer.queues.create(name)
    effect = DeleteQueues(since=T0, run_id="run1")
    assert events_of(performer, run_of(step("a")), effect) == (QueuesDeleted(at=NOW),)
    assert performer.queues == MemoryQueues(messages={"memory://br_run12-a": []})


def test_a_preparation_is_requested_where_it_goes_on(performer: Performer) -> None:
    effect = Prepare(since=T0, run_id="run1", step="a", round=0, resume="s3://b/r")
    assert events_of(performer, run_of(step("a", file="s3://f")), effect) == ()
    assert performer.preparations == MemoryPreparations(requested=[effect], resumes=["s3://b/r"])


def test_a_run_is_continued_here_or_elsewhere(performer: Performer) -> None:
    effect = ContinueRun(since=T0, run_id="run1")
    run = run_of(step("a"))
    assert events_of(performer, run, effect, goes_on=True) == (RunContinued(at=NOW),)
    assert performer.preparations == MemoryPreparations()
    assert events_of(performer, run, effect, goes_on=False) == ()
    assert performer.preparations == MemoryPreparations(requested=[effect], resumes=[""])


# --- the budget of an invocation


def budget(effects: float, seconds: float = math.inf) -> Budget:
    return Budget(backoff=MemoryBackoff(seconds=seconds), effects=effects)


@pytest.mark.parametrize(
    ("effects", "seconds", "is_left", "goes_on"),
    [
        (0, math.inf, False, False),
        (1, math.inf, True, False),
        (25, math.inf, True, False),
        (26, math.inf, True, True),
        (26, EFFECT_S_MAX, False, False),
        (26, EFFECT_S_MAX + 0.1, True, True),
    ],
)
def test_what_an_invocation_may_still_begin(
    effects: float, seconds: float, is_left: bool, goes_on: bool
) -> None:
    left = budget(effects, seconds)
    assert (left.is_left(), left.goes_on()) == (is_left, goes_on)


CONTINUE: Pending = (ContinueRun(since=T0, run_id="run1"), False)


def submissions(count: int) -> list[Pending]:
    return [(submission(f"s{number}"), False) for number in range(count)]


def terminations(count: int) -> list[Pending]:
    return [(termination(str(number)), False) for number in range(count)]


@pytest.mark.parametrize(
    ("pending", "effects", "size", "left"),
    [
        (submissions(30), 40, 25, 15),
        (submissions(30), 10, 10, 0),
        (submissions(30), 0, 1, -1),
        ([*submissions(2), CONTINUE], 40, 2, 38),
        ([CONTINUE, *submissions(2)], 40, 1, 40),
        ([], 40, 0, 40),
    ],
)
def test_effects_are_saved_in_batches(
    pending: list[Pending], effects: float, size: int, left: float
) -> None:
    rest = budget(effects)
    waiting = deque(pending)
    assert rest.next_batch(waiting) == pending[:size]
    assert (list(waiting), rest.effects) == (pending[size:], left)


def test_ten_terminations_count_as_one_effect() -> None:
    rest = budget(40)
    waiting = deque([*terminations(20), *submissions(30)])
    assert len(rest.next_batch(waiting)) in (43, 44)
    assert 14.5 < rest.effects < 15.5


def test_batches_of_which_nothing_comes_end_an_invocation() -> None:
    rest = budget(1_000)
    nothing = (EffectsPostponed(at=NOW, effects=()), RunContinued(at=NOW))
    for _ in range(FRUITLESS_MAX - 1):
        rest.note(nothing)
    rest.note((*nothing, JobSubmitted(at=NOW, key=key("a"), job_id="j")))
    assert (rest.fruitless, rest.effects) == (0, 1_000)
    for number in range(FRUITLESS_MAX - 1):
        rest.note(nothing)
        rest.note(())
        rest.note((RunContinued(at=NOW),))
        assert (rest.fruitless, rest.effects) == (number + 1, 1_000)
    rest.note(nothing)
    assert rest.effects == 0


def test_only_what_surely_was_not_made_is_postponed() -> None:
    notice: Pending = (Notify(since=T0, run_id="run1", rule=0), False)
    prepare = Prepare(since=T0, run_id="run1", step="a", round=0)
    again: Pending = (submission("b"), True)
    waiting = deque([(submission(), False), again, notice, (prepare, False), *terminations(1)])
    assert postponed(waiting, NOW) == (EffectsPostponed(at=NOW, effects=(submission(), prepare)),)
    assert list(waiting) == [notice]
    assert postponed(deque([again]), NOW) == ()
    assert postponed(deque(terminations(1)), NOW) == (EffectsPostponed(at=NOW, effects=()),)


# --- what was missed


def test_what_a_report_says_of_a_job_is_its_event(jobs: Jobs) -> None:
    run = at_work("a", "b", "c", "d")
    stuck = replace(report("b", None), waits_since=at(50 - STUCK_S))
    jobs.reports = (
        report("a", JobOutcome.SUCCEEDED),
        stuck,
        replace(report("c", None, running=1), waits_since=at(51 - STUCK_S)),
    )
    assert list(missed_events(run, jobs, NOW)) == [
        JobSucceeded(at=NOW, key=key("a"), job_id="j-a"),
        JobBlocked(at=NOW, key=key("b"), job_id="j-b", reason=STUCK_REASON),
        JobProgressed(at=NOW, key=key("c"), job_id="j-c", succeeded=0, failed=0, running=1),
        JobMissing(at=NOW, key=key("d"), job_id="j-d"),
    ]
    assert jobs.calls == [("describe", "j-a", "j-b", "j-c", "j-d")]
    jobs.reports = (replace(stuck, reason="no image"),)
    (event, *_) = missed_events(run, jobs, NOW)
    assert event == JobBlocked(at=NOW, key=key("b"), job_id="j-b", reason="no image")


def test_a_run_without_jobs_asks_nothing(jobs: Jobs) -> None:
    assert list(missed_events(run_of(step("a")), jobs, NOW)) == []
    assert jobs.calls == []
