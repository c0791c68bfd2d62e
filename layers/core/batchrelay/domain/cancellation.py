"""Ending a run before its time: a cancellation, or a deadline that has passed.

What has not begun never will. What has a job is told to stop, and ends when AWS Batch says so.
What is just being submitted may have a job: it is found, and told, once its submitter is heard of
or taken for dead. A run is over when all of that is known.
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
    StepStatus,
    Stop,
    StopCause,
)
from batchrelay.domain.values import short


def stopped(run: Run, event: CancelRequested | DeadlinePassed) -> Run:
    """CANCELLING from now on; the same object if it has ended, is being stopped, or has time."""
    if run.status not in (RunStatus.QUEUED, RunStatus.RUNNING):
        return run
    if isinstance(event, CancelRequested):
        cause, reason = StopCause.CANCEL, event.reason or "the run was cancelled"
    elif event.open_days_max is not None:
        if event.at < run.started_at + timedelta(days=event.open_days_max):
            return run
        cause, reason = StopCause.TIMEOUT, _too_old(event.open_days_max)
    elif run.deadline is not None and event.at >= run.deadline:
        timeout_s = run.pipeline.timeout_s
        cause, reason = StopCause.TIMEOUT, f"the run's timeout of {timeout_s:,} s has passed"
    else:
        return run
    stop = Stop(cause=cause, reason=short(reason), requested_at=event.at, since=event.at)
    return replace(run, status=RunStatus.CANCELLING, stop=stop)


def _too_old(days: int) -> str:
    return f"the run was open for {days} days, and its lists expire soon: raise RunTtlDays"


def job_terminated(run: Run, event: JobTerminated) -> Run:
    """The run whose job was told to stop: a part's, or a twin that may now be forgotten."""
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
    """Also where its end is heard of before we have noted that it was told.

    By the time, because an array's reason, or a lane's behind a stopped one, is not ours.
    """
    if part.is_terminate_accepted or event.reason.startswith(stop.job_reason):
        return True
    return event.stopped_at is None or event.stopped_at >= stop.requested_at


def withdrawn(part: Part) -> Part:
    """A part that will have no job."""
    return replace(part, outcome=JobOutcome.CANCELLED)


def ended_status(run: Run) -> RunStatus:
    """What a run comes to, all of whose steps have ended. A stop that stopped nothing is none."""
    statuses = {state.status for state in run.steps.values()}
    if run.stop is not None and StepStatus.CANCELLED in statuses:
        by_hand = run.stop.cause is StopCause.CANCEL
        return RunStatus.CANCELLED if by_hand else RunStatus.FAILED
    return RunStatus.FAILED if StepStatus.FAILED in statuses else RunStatus.SUCCEEDED


def overdue_taken_over(run: Run, now: datetime) -> Run:
    """A stop whose jobs were not told in time is owed anew."""
    assert run.stop is not None, run.id
    return replace(run, stop=replace(run.stop, since=now))
