"""failFast: a step with more failures than it tolerates is stopped, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batchrelay.domain.effects import SubmitJob, TerminateJob, WithdrawSubmission
from batchrelay.domain.events import (
    CancelRequested,
    GraceExpired,
    JobFailed,
    JobProgressed,
    JobTerminated,
    SubmissionWithdrawn,
)
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.redrive import RedriveOrder, event_of
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.stops import EarlyStop, EarlyStopCause
from tests.builders import CAUSES, at, fold, key, run_of, step
from tests.unit.domain.facts import PUBLISHED, collected, failed, outcomes, submitted, succeeded

REASON = "failFast: more items failed than are tolerated"
LATER = timedelta(seconds=10_000)


def progress(
    count: int, *, part: int = 0, round_number: int = 0, seconds: int = 2
) -> JobProgressed:
    return JobProgressed(
        at=at(seconds),
        key=key("a", part, round=round_number),
        job_id=f"a-{round_number}-{part}",
        succeeded=1,
        failed=count,
        running=2,
    )


def active(
    *, size: int = 100, parts: int = 1, retry: RetryFailed | None = None,
    tolerate: Tolerate | None = None, fail_fast: bool = True,
) -> Run:  # fmt: skip
    run = run_of(step("a", size=size, retry_failed=retry, tolerate=tolerate, fail_fast=fail_fast))
    return fold(run, *(submitted("a", part=part) for part in range(parts)))


def terminations(run: Run) -> list[str]:
    return [effect.job_id for effect in pending_effects(run) if isinstance(effect, TerminateJob)]


def test_a_step_that_fails_fast_is_terminated_at_its_first_failure() -> None:
    run = fold(active(), progress(1))
    assert run.state("a").early_stop == EarlyStop(
        cause=EarlyStopCause.FAIL_FAST, at=at(2), since=at(2)
    )
    assert (run.state("a").status, run.state("a").reason) == (StepStatus.ACTIVE, REASON)
    assert pending_effects(run) == (
        TerminateJob(run_id="run1", job_id="a-0-0", reason=f"batchrelay: {REASON}", since=at(2)),
    )


def test_a_step_without_the_switch_runs_to_its_end() -> None:
    assert terminations(fold(active(fail_fast=False), progress(100))) == []


@pytest.mark.parametrize(
    ("tolerate", "count", "goes_on"),
    [
        (Tolerate(count=5), 5, True),
        (Tolerate(count=5), 6, False),
        (Tolerate(percent=10), 10, True),
        (Tolerate(percent=10), 11, False),
        (None, 0, True),
    ],
)
def test_only_failures_beyond_what_is_tolerated_count(
    tolerate: Tolerate | None, count: int, goes_on: bool
) -> None:
    run = fold(active(tolerate=tolerate), progress(count))
    assert (terminations(run) == []) is goes_on


def test_the_failures_of_all_parts_are_counted() -> None:
    run = active(size=25_000, parts=3, tolerate=Tolerate(count=5))
    run = fold(run, progress(3), failed("a", 2, part=1, of=8_333))
    assert terminations(run) == []
    assert terminations(fold(run, progress(1, part=2))) == ["a-0-0", "a-0-2"]


def test_what_may_run_again_is_no_reason_to_stop() -> None:
    retry = RetryFailed(rounds=1)
    run = fold(active(retry=retry), progress(60))
    assert terminations(run) == []
    run = fold(run, failed("a", 60, of=100), collected("a", 60))
    run = fold(run, submitted("a", round_number=1))
    assert terminations(fold(run, progress(1, round_number=1))) == ["a-1-0"]


def test_what_was_given_up_in_earlier_rounds_counts() -> None:
    run = active(retry=RetryFailed(rounds=1), tolerate=Tolerate(count=5))
    run = fold(run, failed("a", 60, of=100), collected("a", 55, failed=5))
    run = fold(run, submitted("a", round_number=1))
    assert terminations(fold(run, progress(1, round_number=1))) == ["a-1-0"]


def test_a_stopped_step_ends_failed_with_the_failures_before_its_termination() -> None:
    run = fold(active(), progress(3))
    run = fold(run, JobTerminated(at=at(3), job_id="a-0-0", failed=4))
    assert terminations(run) == []
    run = fold(run, progress(90, seconds=4))
    run = fold(run, failed("a", 93, of=100))
    state = run.state("a")
    assert (run.status, state.status) == (RunStatus.FAILED, StepStatus.FAILED)
    assert outcomes(run) == [JobOutcome.CANCELLED]
    assert (state.succeeded, state.failed, state.stopped) == (7, 4, 89)
    assert state.reason == f"{REASON}; {CAUSES}"


def test_a_step_that_collects_says_both_reasons() -> None:
    run = fold(active(tolerate=Tolerate(count=1)), progress(2))
    run = fold(run, JobTerminated(at=at(3), job_id="a-0-0", failed=2))
    run = fold(run, failed("a", 99, of=100))
    assert run.state("a").status is StepStatus.PREPARING
    run = fold(run, replace(collected("a", failed=1), stopped=98))
    assert (run.status, run.state("a").stopped) == (RunStatus.FAILED, 98)
    assert run.state("a").reason == f"{REASON}; 3 × ExitCode (exit code 1)"


def end(part: int, seconds: int, stopped: int | None, reason: str = "own") -> JobFailed:
    return JobFailed(
        at=at(seconds), key=key("a", part), job_id=f"a-0-{part}", succeeded=0, failed=8_000,
        reason=reason, stopped_at=None if stopped is None else at(stopped),
    )  # fmt: skip


def test_an_end_before_the_termination_is_the_job_s_own() -> None:
    run = fold(active(size=25_000, parts=3), progress(1))
    run = fold(run, end(0, 5, stopped=1), end(1, 5, stopped=4), succeeded("a", part=2))
    assert outcomes(run) == [JobOutcome.FAILED, JobOutcome.CANCELLED, JobOutcome.SUCCEEDED]
    assert run.status is RunStatus.FAILED


def test_our_reason_says_that_a_job_was_stopped() -> None:
    run = fold(active(), progress(1))
    run = fold(run, end(0, 5, stopped=1, reason=f"batchrelay: {REASON}"))
    assert outcomes(run) == [JobOutcome.CANCELLED]


def test_parts_without_a_job_never_have_one() -> None:
    run = run_of(step("a", size=25_000, canary=1, fail_fast=True))
    run = fold(run, submitted("a"), succeeded("a"), submitted("a", part=1))
    assert [type(effect) for effect in pending_effects(run)] == [SubmitJob, SubmitJob]
    run = fold(run, progress(1, part=1))
    assert [type(effect) for effect in pending_effects(run)] == [
        WithdrawSubmission, WithdrawSubmission, TerminateJob,
    ]  # fmt: skip
    run = fold(run, SubmissionWithdrawn(at=at(3), key=key("a", 2)))
    run = fold(run, submitted("a", part=3))
    assert terminations(run) == ["a-0-1", "a-0-3"]
    assert outcomes(run)[2] is JobOutcome.CANCELLED


def test_parts_that_wait_are_withdrawn_at_once() -> None:
    run = run_of(step("a", size=100, canary=10, fail_fast=True))
    run = fold(run, submitted("a"), progress(1))
    assert outcomes(run) == [None, JobOutcome.CANCELLED]
    assert terminations(run) == ["a-0-0"]


def test_an_overdue_termination_is_taken_over() -> None:
    run = fold(active(), progress(1))
    taken = fold(run, GraceExpired(at=at(2) + LATER))
    early = taken.state("a").early_stop
    assert early is not None
    assert (early.at, early.since) == (at(2), at(2) + LATER)
    assert terminations(taken) == ["a-0-0"]


def test_a_cancellation_meanwhile_ends_the_step_as_cancelled() -> None:
    run = fold(active(), progress(1))
    run = fold(run, CancelRequested(at=at(3), reason="enough"))
    (effect,) = pending_effects(run)
    assert isinstance(effect, TerminateJob)
    assert effect.reason == "batchrelay: enough"
    run = fold(run, end(0, 5, stopped=4))
    assert (run.status, run.state("a").status) == (RunStatus.CANCELLED, StepStatus.CANCELLED)


def test_a_run_that_is_being_cancelled_is_not_stopped_once_more() -> None:
    run = fold(active(), CancelRequested(at=at(2), reason="enough"))
    assert fold(run, progress(5, seconds=3)).state("a").early_stop is None


def test_a_job_that_succeeds_before_its_termination_succeeds() -> None:
    run = fold(active(), progress(1), succeeded("a"))
    assert (run.status, run.state("a").reason) == (RunStatus.SUCCEEDED, "")


def test_a_redrive_of_a_stopped_step_runs_the_rest() -> None:
    run = fold(active(), progress(1), end(0, 5, stopped=4))
    run = fold(run, PUBLISHED, event_of(run, RedriveOrder(), at(9)))
    run = fold(run, collected("a", 99), submitted("a", round_number=1))
    assert run.state("a").early_stop is None
    run = fold(run, succeeded("a", round_number=1))
    assert run.status is RunStatus.SUCCEEDED
