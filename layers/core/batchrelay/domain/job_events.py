"""What an event of a job makes of its part, and so of its step.

A job acts on its part only while the part has no other job: the first that is reported is adopted,
any other is a duplicate that must be stopped.
"""

from __future__ import annotations

from dataclasses import replace

from batchrelay.domain.cancellation import failed_part, withdrawn
from batchrelay.domain.derived_transitions import after_parts
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
from batchrelay.domain.limits import BLOCKED_CHARS_MAX, DUPLICATE_JOBS_MAX
from batchrelay.domain.missing_jobs import MISSING, missed_events, reported, still_stopped
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import DuplicateJob, JobOutcome, Part, Run, StepState
from batchrelay.domain.run_size import SizeBudget
from batchrelay.domain.values import JobKey, storable


def job_submitted(
    run: Run, step: Step, state: StepState, event: JobSubmitted
) -> tuple[Run, StepState]:
    if event.key.round < state.round:  # the level went on without it
        return _record_duplicate(run, event), state
    part = _part(state, event.key)
    if part is None or part.job_id == event.job_id:
        return run, state
    if not part.is_unsubmitted:
        return _record_duplicate(run, event), state
    parts = state.with_part(event.key.part, replace(part, job_id=event.job_id))
    return run, after_parts(step, state, parts, event.at)


def _record_duplicate(run: Run, event: JobSubmitted) -> Run:
    if any(duplicate.job_id == event.job_id for duplicate in run.duplicate_jobs):
        return run
    if len(run.duplicate_jobs) >= DUPLICATE_JOBS_MAX:  # the engine stops it without a note
        return run
    return replace(
        run, duplicate_jobs=(*run.duplicate_jobs, DuplicateJob(job_id=event.job_id, since=event.at))
    )


def job_reported(
    run: Run, step: Step, state: StepState, event: JobProgressed | JobBlocked
) -> StepState:
    part = _part(state, event.key)
    if part is None or part.job_id != event.job_id or not part.is_active:
        return state
    if isinstance(event, JobBlocked):
        return _blocked(run, step, state, part, event)
    return _progress(state, part, event)


def _progress(state: StepState, part: Part, event: JobProgressed) -> StepState:
    has_begun = event.running or event.succeeded or event.failed
    now = replace(
        reported(part),
        succeeded=part.counted(event.succeeded),
        failed=part.failed
        if part.is_terminate_accepted
        else part.counted(event.failed),  # the others we stopped
        running=part.counted(event.running),
        blocked="" if has_begun else part.blocked,
    )
    if now == part:
        return state
    return replace(state, parts=state.with_part(event.key.part, now), counted_at=event.at)


def _blocked(run: Run, step: Step, state: StepState, part: Part, event: JobBlocked) -> StepState:
    """Why a job does not begin; left out where the run has no room for it."""
    known = reported(part)
    blocked = replace(known, blocked=part.blocked or storable(event.reason[:BLOCKED_CHARS_MAX]))
    changed = replace(state, parts=state.with_part(event.key.part, blocked))
    if not SizeBudget(run).admits(step, state, changed):
        changed = replace(state, parts=state.with_part(event.key.part, known))
    return state if changed == state else changed


def job_missing(run: Run, step: Step, state: StepState, event: JobMissing) -> tuple[Run, StepState]:
    part = _part(state, event.key)
    if part is None or part.job_id != event.job_id or not part.is_active:
        return run, state
    changed = missed_events(part, event)
    if changed is part:
        return run, state
    if changed is not None:
        return run, replace(state, parts=state.with_part(event.key.part, changed))
    failed = JobFailed(
        at=event.at,
        key=event.key,
        job_id=event.job_id,
        succeeded=0,
        failed=part.size,
        reason=MISSING,
    )
    return still_stopped(run, part, event.at), on_part(run, step, state, failed)


_PartEvent = SubmissionRefused | SubmissionWithdrawn | JobSucceeded | JobFailed


def on_part(run: Run, step: Step, state: StepState, event: _PartEvent) -> StepState:
    part = _part(state, event.key)
    if part is None or part.outcome is not None:
        return state
    changed = _ended(run, part, event)
    if changed is part:
        return state
    parts = state.with_part(event.key.part, changed)
    return after_parts(step, state, parts, event.at, _why(run, changed, event))


def _ended(run: Run, part: Part, event: _PartEvent) -> Part:
    if isinstance(event, SubmissionRefused | SubmissionWithdrawn):
        if part.job_id is not None:
            return part
        if isinstance(event, SubmissionWithdrawn):
            return withdrawn(part)
        return replace(part, outcome=JobOutcome.FAILED, failed=part.size)
    if part.job_id not in (None, event.job_id):
        return part
    if isinstance(event, JobFailed):
        return failed_part(run, part, event)
    return replace(
        reported(part),
        job_id=event.job_id,
        outcome=JobOutcome.SUCCEEDED,
        succeeded=part.size,
        failed=0,
        running=0,
        blocked="",
    )


def _why(run: Run, part: Part, event: _PartEvent) -> str:
    if part.outcome is JobOutcome.CANCELLED and run.stop is not None:
        return run.stop.reason
    return event.reason if isinstance(event, SubmissionRefused | JobFailed) else ""


def _part(state: StepState, key: JobKey) -> Part | None:
    if key.round != state.round or key.part >= len(state.parts):
        return None
    return state.parts[key.part]
