"""Ending a run before its time: a cancellation, or a deadline that has passed.

A step that has not begun never will. A job is terminated, and ends when AWS Batch reports its end.
A part that is just being submitted may have a job: the job is looked up and terminated once the
submission is reported or overdue. Then the finally steps run, unless they are stopped too. The run
ends when all of that is known.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from batchrelay.domain.copies import replace
from batchrelay.domain.events import CancelRequested, DeadlinePassed, JobFailed, JobTerminated
from batchrelay.domain.finally_steps import ordinary_steps_have_ended, stop_of
from batchrelay.domain.missing_jobs import reported
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import JobOutcome, Part, StepState
from batchrelay.domain.stops import FAIL_FAST_JOB_REASON, Stop, StopCause
from batchrelay.domain.values import short


def is_past_its_deadline(run: Run, event: DeadlinePassed) -> bool:
    """the run's timeout, or the life of its lists, has passed"""
    if event.open_days_max is not None:
        return _lists_expire(run, event, event.open_days_max)
    is_past = run.deadline is not None and event.at >= run.deadline
    return is_past and not ordinary_steps_have_ended(run)


def lists_of_finally_steps_expire(run: Run, event: DeadlinePassed) -> bool:
    """the life of its lists has passed, its finally steps go on"""
    days = event.open_days_max
    return days is not None and _lists_expire(run, event, days) and finally_steps_go_on(run)


def _lists_expire(run: Run, event: DeadlinePassed, days: int) -> bool:
    return event.at >= run.started_at + timedelta(days=days)


def ordinary_steps_go_on(run: Run, _event: CancelRequested) -> bool:
    """ordinary steps have not ended"""
    return not ordinary_steps_have_ended(run)


def finally_steps_are_stopped(run: Run, event: CancelRequested) -> bool:
    """its finally steps go on, and are to be stopped too"""
    return event.stops_finally and finally_steps_go_on(run)


def finally_steps_go_on(run: Run) -> bool:
    """Whether there are finally steps that nothing has stopped yet; the run has not ended."""
    return run.pipeline.has_finally_steps and run.finally_stop is None


def cancelled(run: Run, event: CancelRequested) -> Run:
    """CANCELLING from now on. A run that never began has nothing to clean up."""
    reason = event.reason or "the run was cancelled"
    stops_finally = event.stops_finally or run.status is RunStatus.QUEUED
    return _stopping(run, _stop(StopCause.CANCEL, reason, event.at), stops_finally)


def timed_out(run: Run, event: DeadlinePassed) -> Run:
    """CANCELLING from now on. Finally steps have no time left once the lists expire."""
    if event.open_days_max is not None:
        stop = _stop(StopCause.TIMEOUT, _too_old(event.open_days_max), event.at)
        return _stopping(run, stop, stops_finally=True)
    reason = f"the run's timeout of {run.pipeline.timeout_s:,} s has passed"
    return _stopping(run, _stop(StopCause.TIMEOUT, reason, event.at), stops_finally=False)


def _stop(cause: StopCause, reason: str, at: datetime) -> Stop:
    return Stop(cause=cause, reason=short(reason), requested_at=at, since=at)


def _stopping(run: Run, stop: Stop, stops_finally: bool) -> Run:
    """What was stopped before keeps its reason."""
    is_over = ordinary_steps_have_ended(run) or run.stop is not None
    return replace(
        run,
        status=RunStatus.CANCELLING,
        stop=run.stop if is_over else stop,
        finally_stop=stop if stops_finally and finally_steps_go_on(run) else run.finally_stop,
    )


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


def failed_part(stop: Stop | None, state: StepState, part: Part, event: JobFailed) -> Part:
    """A part whose job has FAILED: of its own, or because a stop of its step ended it."""
    ended = replace(
        reported(part),
        job_id=event.job_id,
        outcome=JobOutcome.FAILED,
        succeeded=part.counted(event.succeeded),
        running=0,
        blocked="",
    )
    if _was_stopped(stop, state, part, event):
        return replace(ended, outcome=JobOutcome.CANCELLED)
    return replace(ended, failed=part.counted(event.failed))


def _was_stopped(stop: Stop | None, state: StepState, part: Part, event: JobFailed) -> bool:
    """Whether the end of its run, or of its step (failFast), has ended its job."""
    early = state.early_stop
    if stop is not None and _was_stopped_by(stop.job_reason, stop.requested_at, part, event):
        return True
    return early is not None and _was_stopped_by(FAIL_FAST_JOB_REASON, early.at, part, event)


def _was_stopped_by(reason: str, at: datetime, part: Part, event: JobFailed) -> bool:
    """Also where its end is reported before TerminateJob was recorded.

    By the time, because the reason of an array, or of a child behind a stopped one, is not ours.
    """
    if part.is_terminate_accepted or event.reason.startswith(reason):
        return True
    return event.stopped_at is None or event.stopped_at >= at


def withdrawn(part: Part) -> Part:
    """A part that will have no job."""
    return replace(part, outcome=JobOutcome.CANCELLED)


def overdue_taken_over(run: Run, step: Step, now: datetime) -> Run:
    """A stop of a step whose jobs were not terminated in time is pending anew."""
    stop = stop_of(run, step)
    if stop is None:
        return run
    taken = replace(stop, since=now)
    return replace(run, finally_stop=taken) if step.is_finally else replace(run, stop=taken)
