"""What an event of a job makes of its part, and so of its step.

A job acts on its part only while the part has no other job: the first that is reported is adopted,
any other is a duplicate that must be terminated. The predicates say which events are news; a stale
or foreign one matches no row.
"""

from __future__ import annotations

from batchrelay.domain.cancellation import failed_part, withdrawn
from batchrelay.domain.copies import replace
from batchrelay.domain.events import (
    JobBlocked,
    JobFailed,
    JobMissing,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    SubmissionRefused,
    SubmissionWithdrawn,
)
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.limits import BLOCKED_CHARS_MAX, DUPLICATE_JOBS_MAX
from batchrelay.domain.missing_jobs import (
    MISSING,
    after_missing_look,
    is_missing_for_good,
    reported,
    still_to_terminate,
)
from batchrelay.domain.run import DuplicateJob, Run
from batchrelay.domain.run_size import SizeBudget
from batchrelay.domain.step_state import JobOutcome, Part, StepState
from batchrelay.domain.table import Situation
from batchrelay.domain.values import JobKey, short, storable

# --- JobSubmitted


def part_has_no_job(here: Situation[JobSubmitted]) -> bool:
    """its part has no job"""
    part = _part(here.state, here.event.key)
    return part is not None and part.is_unsubmitted


def is_duplicate(here: Situation[JobSubmitted]) -> bool:
    """its part has another job, or the next level has begun"""
    if here.event.key.round < here.state.round:
        return _is_recordable(here)
    part = _part(here.state, here.event.key)
    if part is None or part.is_unsubmitted or part.job_id == here.event.job_id:
        return False
    return _is_recordable(here)


def _is_recordable(here: Situation[JobSubmitted]) -> bool:
    """Beyond the limit the engine terminates it without a record."""
    duplicates = here.run.duplicate_jobs
    is_recorded = any(duplicate.job_id == here.event.job_id for duplicate in duplicates)
    return not is_recorded and len(duplicates) < DUPLICATE_JOBS_MAX


def adopt_job(here: Situation[JobSubmitted]) -> StepState:
    """The part has this job from now on."""
    number = here.event.key.part
    part = replace(here.state.parts[number], job_id=here.event.job_id)
    return replace(here.state, parts=here.state.with_part(number, part))


def record_duplicate(here: Situation[JobSubmitted]) -> Run:
    """The run with one more job to terminate."""
    duplicate = DuplicateJob(job_id=here.event.job_id, since=here.at)
    return replace(here.run, duplicate_jobs=(*here.run.duplicate_jobs, duplicate))


# --- JobProgressed, JobBlocked


def is_progress(here: Situation[JobProgressed]) -> bool:
    """its counts are news"""
    return _is_of_active_part(here) and _progressed(here) != _part(here.state, here.event.key)


def record_progress(here: Situation[JobProgressed]) -> StepState:
    """The counts that AWS Batch reports; advisory."""
    parts = here.state.with_part(here.event.key.part, _progressed(here))
    return replace(here.state, parts=parts, counted_at=here.at)


def _progressed(here: Situation[JobProgressed]) -> Part:
    event, part = here.event, here.state.parts[here.event.key.part]
    has_begun = event.running or event.succeeded or event.failed
    failed = part.counted(event.failed)
    if part.is_terminate_accepted:  # the others that failed are those that we terminated
        failed = part.failed
    return replace(
        reported(part),
        succeeded=part.counted(event.succeeded),
        failed=failed,
        running=part.counted(event.running),
        blocked="" if has_begun else part.blocked,
    )


def is_blocked_news(here: Situation[JobBlocked]) -> bool:
    """its reason is news"""
    return _is_of_active_part(here) and _blocked(here) != here.state


def record_blocked(here: Situation[JobBlocked]) -> StepState:
    """Why AWS Batch does not begin with the job."""
    return _blocked(here)


def _blocked(here: Situation[JobBlocked]) -> StepState:
    """Left out where the stored run may not grow by it."""
    state, number = here.state, here.event.key.part
    part = reported(state.parts[number])
    text = here.event.reason
    if len(text) > BLOCKED_CHARS_MAX:
        text = text[: BLOCKED_CHARS_MAX - 1] + "…"
    reason = part.blocked or storable(text)
    changed = replace(state, parts=state.with_part(number, replace(part, blocked=reason)))
    if SizeBudget(here.run).admits(here.step, state, changed):
        return changed
    return replace(state, parts=state.with_part(number, part))


# --- JobMissing


def is_missing_news(here: Situation[JobMissing]) -> bool:
    """DescribeJobs has left it out, for the first time or for an hour"""
    part = here.state.parts[here.event.key.part] if _is_of_active_part(here) else None
    return part is not None and after_missing_look(part, here.at) is not part


def is_lost(here: Situation[JobMissing]) -> bool:
    """DescribeJobs has left it out long after it was to be terminated"""
    if not _is_of_active_part(here):
        return False
    return is_missing_for_good(here.state.parts[here.event.key.part], here.at)


def record_missing(here: Situation[JobMissing]) -> StepState:
    """Since when it is missing, or that it is to be terminated."""
    number = here.event.key.part
    part = after_missing_look(here.state.parts[number], here.at)
    return replace(here.state, parts=here.state.with_part(number, part))


def fail_lost(here: Situation[JobMissing]) -> Run:
    """Its part has FAILED; the job is terminated if it could not be so far."""
    part = here.state.parts[here.event.key.part]
    event = JobFailed(
        at=here.at,
        key=here.event.key,
        job_id=here.event.job_id,
        succeeded=0,
        failed=part.size,
        reason=MISSING,
    )
    run = still_to_terminate(here.run, part, here.at)
    ended = failed_part(stop_of(here.run, here.step), here.state, part, event)
    return run.with_step(here.step.name, _with_ended(here, ended, MISSING))


# --- the end of a submission or of a job


def is_refused(here: Situation[SubmissionRefused]) -> bool:
    """its part has no job"""
    return _is_unsubmitted(here)


def is_withdrawn(here: Situation[SubmissionWithdrawn]) -> bool:
    """its part has no job"""
    return _is_unsubmitted(here)


def ends_its_part(here: Situation[JobSucceeded | JobFailed]) -> bool:
    """its part has not ended, and has no other job"""
    part = _part(here.state, here.event.key)
    if part is None or part.outcome is not None:
        return False
    return part.job_id in (None, here.event.job_id)


def refuse_submission(here: Situation[SubmissionRefused]) -> StepState:
    """The part has FAILED without a job."""
    part = here.state.parts[here.event.key.part]
    failed = replace(part, outcome=JobOutcome.FAILED, failed=part.size)
    state = _with_ended(here, failed, here.event.reason)
    # in a later round the first reason is the causes of the one before
    return replace(state, reason=short(here.event.reason)) if state.is_retry else state


def withdraw_submission(here: Situation[SubmissionWithdrawn]) -> StepState:
    """The part is CANCELLED without a job."""
    return _with_ended(here, withdrawn(here.state.parts[here.event.key.part]), "")


def succeed_part(here: Situation[JobSucceeded]) -> StepState:
    """Its counts are exact."""
    part = here.state.parts[here.event.key.part]
    succeeded = replace(
        reported(part),
        job_id=here.event.job_id,
        outcome=JobOutcome.SUCCEEDED,
        succeeded=part.size,
        failed=0,
        running=0,
        blocked="",
    )
    return _with_ended(here, succeeded, "")


def fail_part(here: Situation[JobFailed]) -> StepState:
    """FAILED of its own, or CANCELLED because its run was stopped."""
    stop = stop_of(here.run, here.step)
    part = failed_part(stop, here.state, here.state.parts[here.event.key.part], here.event)
    return _with_ended(here, part, here.event.reason)


_Ending = SubmissionRefused | SubmissionWithdrawn | JobSucceeded | JobFailed | JobMissing


def _with_ended(here: Situation[_Ending], part: Part, reason: str) -> StepState:
    """The first reason stays; that of a stopped part is the stop's."""
    stop = stop_of(here.run, here.step)
    if part.outcome is JobOutcome.CANCELLED and stop is not None:
        reason = stop.reason
    parts = here.state.with_part(here.event.key.part, part)
    return replace(here.state, parts=parts, reason=here.state.reason or short(reason))


def _is_unsubmitted(here: Situation[SubmissionRefused | SubmissionWithdrawn]) -> bool:
    part = _part(here.state, here.event.key)
    return part is not None and part.is_unsubmitted


def _is_of_active_part(here: Situation[JobProgressed | JobBlocked | JobMissing]) -> bool:
    part = _part(here.state, here.event.key)
    return part is not None and part.job_id == here.event.job_id and part.is_active


def _part(state: StepState, key: JobKey) -> Part | None:
    if key.round != state.round or key.part >= len(state.parts):
        return None
    return state.parts[key.part]
