"""What an event of a job makes of its part, whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batchrelay.domain.events import (
    CancelRequested,
    DeadlinePassed,
    JobBlocked,
    JobFailed,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    JobTerminated,
    SubmissionRefused,
    SubmissionWithdrawn,
)
from batchrelay.domain.limits import BLOCKED_CHARS_MAX, DUPLICATE_JOBS_MAX
from batchrelay.domain.run import DuplicateJob, Run, RunStatus
from batchrelay.domain.step_state import JobOutcome, Part
from batchrelay.domain.stops import Stop, StopCause
from tests.builders import T0, at, fold, key, run_of, step

NEW = Part(size=5, since=T0)
AT_WORK = replace(NEW, job_id="j")


def run_with(*events: Any) -> Run:
    """A run of one array of five children, whose job is at work, after these events."""
    submitted = JobSubmitted(at=at(1), key=key("a"), job_id="j")
    return fold(run_of(step("a", size=5), step("b", "a")), submitted, *events)


def part_of(run: Run) -> Part:
    return run.state("a").parts[0]


def progressed(succeeded: int = 0, failed: int = 0, running: int = 0) -> JobProgressed:
    counts = {"succeeded": succeeded, "failed": failed, "running": running}
    return JobProgressed(at=at(2), key=key("a"), job_id="j", **counts)


def failed(succeeded: int = 0, count: int = 5, **fields: Any) -> JobFailed:
    counts = {"succeeded": succeeded, "failed": count}
    return JobFailed(at=at(3), key=key("a"), job_id="j", **{**counts, "reason": "why", **fields})


def blocked(reason: str = "no image") -> JobBlocked:
    return JobBlocked(at=at(2), key=key("a"), job_id="j", reason=reason)


def test_progress_is_counted_up_to_the_size() -> None:
    run = run_with(progressed(1, 2, 1))
    assert part_of(run) == replace(AT_WORK, succeeded=1, failed=2, running=1)
    assert run.state("a").counted_at == at(2)
    assert fold(run, progressed(1, 2, 1)) is run
    assert part_of(fold(run, progressed(9, 9, 9))) == replace(
        AT_WORK, succeeded=5, failed=5, running=5
    )


def test_a_blocked_job_has_its_first_reason_until_it_begins() -> None:
    run = run_with(blocked(), blocked("another"))
    assert part_of(run) == replace(AT_WORK, blocked="no image")
    assert fold(run, blocked()) is run
    assert part_of(fold(run, replace(progressed(), at=at(4)))).blocked == "no image"
    for begun in (progressed(1), progressed(0, 1), progressed(0, 0, 1)):
        assert part_of(fold(run, begun)).blocked == ""
    long = part_of(run_with(blocked("x" * (BLOCKED_CHARS_MAX + 1))))
    assert long.blocked == "x" * (BLOCKED_CHARS_MAX - 1) + "…"


def test_a_job_that_succeeds_has_exact_counts() -> None:
    run = run_with(progressed(1, 2, 1), blocked())
    run = fold(run, JobSucceeded(at=at(3), key=key("a"), job_id="j"))
    assert part_of(run) == replace(AT_WORK, outcome=JobOutcome.SUCCEEDED, succeeded=5)
    assert (run.state("a").reason, run.state("a").since) == ("", at(3))


def test_a_job_that_fails_has_the_counts_of_its_end() -> None:
    run = fold(run_with(progressed(0, 0, 5), blocked()), failed(1, 4))
    assert part_of(run) == replace(AT_WORK, outcome=JobOutcome.FAILED, succeeded=1, failed=4)
    assert (run.state("a").reason, run.state("a").since) == ("why", at(3))
    first = run_of(step("a", size=5))
    assert part_of(fold(first, failed(9, 9))) == replace(
        AT_WORK, outcome=JobOutcome.FAILED, succeeded=5, failed=5
    )


def test_a_submission_that_was_refused_has_failed_whole() -> None:
    run = run_of(step("a", size=5))
    run = fold(run, SubmissionRefused(at=at(3), key=key("a"), reason="no queue"))
    assert part_of(run) == replace(NEW, outcome=JobOutcome.FAILED, failed=5)
    assert run.state("a").reason == "no queue"


def test_the_first_reason_of_a_step_stays() -> None:
    run = run_of(step("a", size=25_000))
    for part in range(3):
        reason = f"reason {part}"
        run = fold(run, SubmissionRefused(at=at(3), key=key("a", part), reason=reason))
    assert run.state("a").reason == "reason 0"


# --- a run that is being stopped

CANCEL = CancelRequested(at=at(10), reason="by hand")


def stopped(*events: Any) -> Run:
    return run_with(CANCEL, *events)


def test_a_stop_has_its_cause_and_times() -> None:
    for reason, kept in (("by hand", "by hand"), ("", "the run was cancelled")):
        run = run_with(CancelRequested(at=at(10), reason=reason))
        assert run.status is RunStatus.CANCELLING
        assert run.stop == Stop(
            cause=StopCause.CANCEL, reason=kept, requested_at=at(10), since=at(10)
        )


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (DeadlinePassed(at=at(1_199)), None),
        (DeadlinePassed(at=at(1_200)), "the run's timeout of 1,200 s has passed"),
        (DeadlinePassed(at=at(86_399), open_days_max=1), None),
        (
            DeadlinePassed(at=at(86_400), open_days_max=1),
            "the run was open for 1 days, and its lists expire soon: raise RunTtlDays",
        ),
    ],
)
def test_a_deadline_stops_a_run_from_its_second_on(
    event: DeadlinePassed, reason: str | None
) -> None:
    run = run_of(step("a"), timeout_s=1_200)
    stop = fold(run, event).stop
    if reason is None:
        assert stop is None
    else:
        assert stop == Stop(
            cause=StopCause.TIMEOUT, reason=reason, requested_at=event.at, since=event.at
        )


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, JobOutcome.CANCELLED),
        ({"stopped_at": at(10)}, JobOutcome.CANCELLED),
        ({"stopped_at": at(9)}, JobOutcome.FAILED),
        ({"stopped_at": at(9), "reason": "batchrelay: by hand"}, None),
    ],
)
def test_a_job_was_stopped_if_it_ended_after_the_stop(
    fields: dict[str, Any], outcome: JobOutcome | None
) -> None:
    run = stopped()
    assert run.stop is not None
    if "reason" in fields:
        fields, outcome = {**fields, "reason": run.stop.job_reason}, JobOutcome.CANCELLED
    run = fold(run, failed(1, 4, **fields))
    is_failed = outcome is JobOutcome.FAILED
    count = 4 if is_failed else 0
    assert part_of(run) == replace(AT_WORK, outcome=outcome, succeeded=1, failed=count)
    assert run.state("a").reason == ("why" if is_failed else "by hand")


def test_a_job_that_was_terminated_keeps_what_had_failed_before() -> None:
    run = stopped(progressed(1, 1, 1), JobTerminated(at=at(11), job_id="j", failed=2))
    part = replace(AT_WORK, succeeded=1, failed=2, running=1, is_terminate_accepted=True)
    assert part_of(run) == part
    assert fold(run, JobTerminated(at=at(12), job_id="j", failed=3)) is run
    assert part_of(fold(run, progressed(2, 5, 0))) == replace(part, succeeded=2, running=0)
    ended = fold(run, failed(2, 3, stopped_at=at(9)))
    assert part_of(ended) == replace(
        part, outcome=JobOutcome.CANCELLED, succeeded=2, failed=2, running=0
    )


def test_fewer_failures_than_were_counted_are_no_news() -> None:
    run = stopped(progressed(0, 3, 1), JobTerminated(at=at(11), job_id="j", failed=2))
    assert part_of(run).failed == 3


def test_a_submission_that_was_withdrawn_is_cancelled() -> None:
    run = fold(run_of(step("a", size=5)), CANCEL, SubmissionWithdrawn(at=at(11), key=key("a")))
    assert part_of(run) == replace(NEW, outcome=JobOutcome.CANCELLED)
    assert run.state("a").reason == "by hand"


# --- duplicates


def test_a_second_job_is_recorded_once_and_forgotten_when_it_is_terminated() -> None:
    second = JobSubmitted(at=at(5), key=key("a"), job_id="k")
    run = run_with(second)
    assert run.duplicate_jobs == (DuplicateJob(job_id="k", since=at(5)),)
    assert part_of(run) == AT_WORK
    assert fold(run, second) is run
    third = fold(run, replace(second, job_id="l", at=at(6)))
    assert third.duplicate_jobs == (*run.duplicate_jobs, DuplicateJob(job_id="l", since=at(6)))
    left = fold(third, JobTerminated(at=at(7), job_id="k", failed=0))
    assert left.duplicate_jobs == (DuplicateJob(job_id="l", since=at(6)),)
    assert fold(left, JobTerminated(at=at(8), job_id="x", failed=0)) is left


def test_so_many_second_jobs_are_recorded() -> None:
    duplicates = tuple(DuplicateJob(job_id=str(n), since=T0) for n in range(DUPLICATE_JOBS_MAX - 1))
    run = replace(run_with(), duplicate_jobs=duplicates)
    run = fold(run, JobSubmitted(at=at(5), key=key("a"), job_id="k"))
    assert len(run.duplicate_jobs) == DUPLICATE_JOBS_MAX
    assert fold(run, JobSubmitted(at=at(5), key=key("a"), job_id="l")) is run
