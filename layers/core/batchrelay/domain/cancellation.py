"""Ending a run before its time: a cancellation, or a deadline that has passed.

A step that has not begun never will. A job is terminated, and ends when AWS Batch reports its end.
A part that is just being submitted may have a job: the job is looked up and terminated once the
submission is reported or overdue. The run ends when all of that is known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from batchrelay.domain.events import CancelRequested, DeadlinePassed, JobFailed, JobTerminated
from batchrelay.domain.missing_jobs import reported
from batchrelay.domain.run import (
    JobOutcome,
    Part,
    Run,
    RunStatus,
    Stop,
    StopCause,
)
from batchrelay.domain.values import short


def is_past_its_deadline(run: Run, event: DeadlinePassed) -> bool:
    """the run's timeout, or the life of its lists, has passed"""
    if event.open_days_max is not None:
        return event.at >= run.started_at + timedelta(days=event.open_days_max)
    return run.deadline is not None and event.at >= run.deadline


def cancelled(run: Run, event: CancelRequested) -> Run:
    """CANCELLING from now on."""
    reason = event.reason or "the run was cancelled"
    return _stopping(run, StopCause.CANCEL, reason, event.at)


def timed_out(run: Run, event: DeadlinePassed) -> Run:
    """CANCELLING from now on."""
    if event.open_days_max is not None:
        reason = _too_old(event.open_days_max)
    else:
        reason = f"the run's timeout of {run.pipeline.timeout_s:,} s has passed"
    return _stopping(run, StopCause.TIMEOUT, reason, event.at)


def _stopping(run: Run, cause: StopCause, reason: str, at: datetime) -> Run:
    stop = Stop(cause=cause, reason=short(reason), requested_at=at, since=at)
    return replace(run, status=RunStatus.CANCELLING, stop=stop)


def _too_old(days: int) -> str:
    return f"the run was open for {days} days, and its lists expire soon: raise RunTtlDays"


def job_terminated(run: Run, event: JobTerminated) -> Run:
    """The run of a job whose TerminateJob was accepted: a part's, or a duplicate job."""
    left = tuple(duplicate for duplicate in run.duplicate_jobs if duplicate.job_id != event.job_id)
    if len(left) != len(run.duplicate_jobs):
        return replace(run, duplicate_jobs=left)
    for name, state in run.steps.items():
        for number, part in enumerate(state.parts):
            if part.job_id == event.job_id and part.is_active and not part.is_terminate_accepted:
                failed = max(part.failed, part.counted(event.failed))
                changed = replace(part, is_terminate_accepted=True, failed=failed)
                return run.with_step(name, replace(state, parts=state.with_part(number, changed)))
    return run


def failed_part(run: Run, part: Part, event: JobFailed) -> Part:
    """A part whose job has FAILED: of its own, or because we stopped it."""
    ended = replace(
        reported(part),
        job_id=event.job_id,
        outcome=JobOutcome.FAILED,
        succeeded=part.counted(event.succeeded),
        running=0,
        blocked="",
    )
    if run.stop is not None and _was_stopped(part, event, run.stop):
        return replace(ended, outcome=JobOutcome.CANCELLED)
    return replace(ended, failed=part.counted(event.failed))


def _was_stopped(part: Part, event: JobFailed, stop: Stop) -> bool:
    """Also where its end is reported before TerminateJob was recorded.

    By the time, because the reason of an array, or of a child behind a stopped one, is not ours.
    """
    if part.is_terminate_accepted or event.reason.startswith(stop.job_reason):
        return True
    return event.stopped_at is None or event.stopped_at >= stop.requested_at


def withdrawn(part: Part) -> Part:
    """A part that will have no job."""
    return replace(part, outcome=JobOutcome.CANCELLED)


def overdue_taken_over(run: Run, now: datetime) -> Run:
    """A stop whose jobs were not terminated in time is pending anew."""
    assert run.stop is not None, run.id
    return replace(run, stop=replace(run.stop, since=now))
