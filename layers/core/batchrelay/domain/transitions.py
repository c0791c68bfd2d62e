"""Every change of a run: tables that the program reads, and the laws they keep.

1. `advance` is pure. A stale, duplicate or foreign event matches no row: it returns the very same
   object.
2. A row of EVENT_TABLE or RUN_TABLE is an event-triggered transition. What follows from state alone
   are rows of STEP_TABLE and RUN_END_TABLE (derived_transitions.py), applied until none matches.
3. A terminal step never changes its status again, but by a redrive of its run.
4. A job acts on its part only while the part has no other job: the first one reported is adopted,
   any other is a duplicate. Its end changes nothing; its submission must be terminated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from batchrelay.domain.budget_events import BudgetRaised, CostMeasured
from batchrelay.domain.cancellation import (
    job_terminated,
)
from batchrelay.domain.copies import replace
from batchrelay.domain.derived_transitions import derive, fitted
from batchrelay.domain.effects import (
    ContinueRun,
    DeleteConsumableResources,
    DeleteQueues,
    MeasureCost,
    Notify,
    Prepare,
    PublishRunEnd,
    SubmitJob,
    TerminateJob,
    WithdrawSubmission,
    WriteReport,
)
from batchrelay.domain.end_effects import end_effect_taken_over, record_end_effect
from batchrelay.domain.events import (
    AttemptFailed,
    CancelRequested,
    DeadlinePassed,
    EffectsPostponed,
    EndEffectEvent,
    Event,
    FailuresCollected,
    GraceExpired,
    JobBlocked,
    JobFailed,
    JobMissing,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    JobTerminated,
    PreparationBegun,
    PreparationContinued,
    PreparationFailed,
    Prepared,
    RedriveRequested,
    RunContinued,
    RunDequeued,
    RunEvent,
    SubmissionRefused,
    SubmissionWithdrawn,
)
from batchrelay.domain.held_submissions import (
    cost_measured,
    measurement_taken_over,
)
from batchrelay.domain.job_events import (
    adopt_job,
    ends_its_part,
    fail_lost,
    fail_part,
    is_blocked_news,
    is_duplicate,
    is_lost,
    is_missing_news,
    is_progress,
    is_refused,
    is_withdrawn,
    part_has_no_job,
    record_blocked,
    record_duplicate,
    record_missing,
    record_progress,
    refuse_submission,
    succeed_part,
    withdraw_submission,
)
from batchrelay.domain.overdue_effects import part_taken_over, termination_taken_over
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.pipeline import Overlap, Pipeline
from batchrelay.domain.postponed_effects import effects_postponed, run_continued
from batchrelay.domain.preparation_attempts import (
    count_attempt,
    fail_after_attempts,
    fail_killed,
    fail_preparation,
    fail_requests,
    failed_at_once,
    is_new_attempt,
    is_next_stage,
    last_attempt_was_killed,
    may_be_tried_again,
    record_failed_attempt,
    record_stage,
    request_again,
    was_last_attempt,
    was_requested_too_often,
)
from batchrelay.domain.prepared import (
    fail_unequal_parts,
    has_no_items,
    has_parts,
    has_unequal_parts,
    skip,
    submit_parts,
)
from batchrelay.domain.retry_rounds import (
    end_done,
    end_not_tolerated,
    end_partial,
    failures_are_not_tolerated,
    failures_are_tolerated,
    items_run_again,
    nothing_is_left,
    submit_again,
)
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_size import SizeBudget
from batchrelay.domain.run_transitions import run_event_row
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.table import (
    Situation,
    StepRow,
    applied,
    by_event,
    first_match,
    on,
    run_applied,
)

PREPARING, SUBMITTING, ACTIVE, SUCCEEDED, PARTIAL, FAILED, SKIPPED, CANCELLED = (
    StepStatus.PREPARING,
    StepStatus.SUBMITTING,
    StepStatus.ACTIVE,
    StepStatus.SUCCEEDED,
    StepStatus.PARTIAL,
    StepStatus.FAILED,
    StepStatus.SKIPPED,
    StepStatus.CANCELLED,
)


# --- the tables --------------------------------------------------------------

EVENT_TABLE: tuple[StepRow, ...] = (
    on(PREPARING, Prepared, skip, to=SKIPPED, when=has_no_items, grows=True),
    on(PREPARING, Prepared, fail_unequal_parts, to=FAILED, when=has_unequal_parts),
    on(PREPARING, Prepared, submit_parts, to=SUBMITTING, when=has_parts, grows=True),
    on(PREPARING, PreparationFailed, fail_preparation, to=FAILED, when=failed_at_once),
    on(PREPARING, PreparationContinued, record_stage, when=is_next_stage, grows=True),
    on(PREPARING, PreparationBegun, count_attempt, when=is_new_attempt),
    on(PREPARING, AttemptFailed, fail_after_attempts, to=FAILED, when=was_last_attempt),
    on(PREPARING, AttemptFailed, record_failed_attempt, when=may_be_tried_again),
    on(PREPARING, GraceExpired, fail_killed, to=FAILED, when=last_attempt_was_killed),
    on(PREPARING, GraceExpired, fail_requests, to=FAILED, when=was_requested_too_often),
    on(PREPARING, GraceExpired, request_again),
    on(PREPARING, FailuresCollected, submit_again, to=SUBMITTING, when=items_run_again, grows=True),
    on(PREPARING, FailuresCollected, end_done, to=SUCCEEDED, when=nothing_is_left, grows=True),
    on(
        PREPARING,
        FailuresCollected,
        end_partial,
        to=PARTIAL,
        when=failures_are_tolerated,
        grows=True,
    ),
    on(
        PREPARING,
        FailuresCollected,
        end_not_tolerated,
        to=FAILED,
        when=failures_are_not_tolerated,
        grows=True,
    ),
    on(SUBMITTING, JobSubmitted, adopt_job, when=part_has_no_job),
    *(
        on(source, JobSubmitted, record_duplicate, when=is_duplicate)
        for source in (PREPARING, SUBMITTING, ACTIVE, SUCCEEDED, PARTIAL, FAILED, CANCELLED)
    ),
    on(SUBMITTING, SubmissionRefused, refuse_submission, when=is_refused),
    on(SUBMITTING, SubmissionWithdrawn, withdraw_submission, when=is_withdrawn),
    *(
        row
        for source in (SUBMITTING, ACTIVE)
        for row in (
            on(source, JobProgressed, record_progress, when=is_progress),
            on(source, JobBlocked, record_blocked, when=is_blocked_news),
            on(source, JobMissing, fail_lost, when=is_lost),
            on(source, JobMissing, record_missing, when=is_missing_news),
            on(source, JobSucceeded, succeed_part, when=ends_its_part),
            on(source, JobFailed, fail_part, when=ends_its_part),
        )
    ),
)
"""The transitions of a step that an event triggers. The first row whose predicate holds decides;
an event without such a row is stale. The end of a part moves its step by STEP_TABLE."""


_EVENT_ROWS = by_event(EVENT_TABLE)


def new_run(
    *,
    run_id: str,
    pipeline: Pipeline,
    params: Mapping[str, str],
    environment: Mapping[str, str],
    at: datetime,
    trigger: Mapping[str, str] | None = None,
    overlap: Overlap = Overlap.PARALLEL,
) -> Run:
    """A run that has begun: the steps that need nothing are already ready.

    One that must not overlap is QUEUED: it begins when it reaches the front of its run queue.
    """
    has_begun = overlap is Overlap.PARALLEL
    run = Run(
        id=run_id,
        pipeline=pipeline,
        params=params,
        environment=environment,
        started_at=at,
        trigger=trigger or {},
        overlap=overlap,
        status=RunStatus.RUNNING if has_begun else RunStatus.QUEUED,
    )
    return derive(run, at) if has_begun else run


def advance(run: Run, event: Event) -> Run:
    """The run after a fact; the same object if the fact changes nothing."""
    changed = event_applied(run, event)
    return run if changed is run else derive(changed, event.at)


def event_applied(run: Run, event: Event) -> Run:
    """The run after the fact itself, before what follows from the new state."""
    match event:
        case (
            JobSucceeded()
            | JobFailed()
            | JobSubmitted()
            | JobProgressed()
            | SubmissionRefused()
            | SubmissionWithdrawn()
            | JobBlocked()
            | JobMissing()
        ):
            step = run.pipeline.step_of_label(event.key.label)
            if step is None or event.key.run_id != run.id:
                return run
            return _step_changed(run, step.name, event)
        case (
            Prepared()
            | PreparationFailed()
            | PreparationContinued()
            | PreparationBegun()
            | AttemptFailed()
            | FailuresCollected()
        ):
            return _step_changed(run, event.step, event)
        case _:
            return _run_changed(run, event)


def event_row(run: Run, name: str, event: Event) -> StepRow | None:
    """The row that decides what an event makes of a step; None for a stale one."""
    return _row(_situation(run, name, event))


def _situation(run: Run, name: str, event: Event) -> Situation[Event]:
    step, state = run.pipeline.step(name), run.state(name)
    return Situation(run=run, step=step, state=state, event=event, at=event.at)


def _row(here: Situation[Event]) -> StepRow | None:
    return first_match(_EVENT_ROWS.get((type(here.event), here.state.status), ()), here)


def _step_changed(run: Run, name: str, event: Event) -> Run:
    here = _situation(run, name, event)
    row = _row(here)
    if row is None:
        return run
    changed = applied(row, here)
    return fitted(row, here, changed, SizeBudget(run)) if row.grows else changed


def _run_changed(run: Run, event: RunEvent) -> Run:
    """By RUN_TABLE; the events after it change no status."""
    row = run_event_row(run, event)
    if row is not None:
        return run_applied(row, run, event)
    if isinstance(event, EndEffectEvent):
        return record_end_effect(run, event)
    match event:
        case (
            CancelRequested()
            | DeadlinePassed()
            | RunDequeued()
            | RedriveRequested()
            | BudgetRaised()
        ):
            return run
        case CostMeasured():
            return cost_measured(run, event)
        case JobTerminated():
            return job_terminated(run, event)
        case EffectsPostponed():
            return effects_postponed(run, event)
        case RunContinued():
            return run_continued(run, event)
        case GraceExpired():
            return _take_over(run, event)


def _take_over(run: Run, event: GraceExpired) -> Run:
    """The process that saves this alone performs what was overdue: its grace begins anew."""
    taken, now = run, event.at
    for effect in pending_effects(run):
        if not effect.is_overdue(now):
            continue
        match effect:
            case Prepare():
                taken = _step_changed(taken, effect.step, event)
            case SubmitJob() | WithdrawSubmission():
                taken = part_taken_over(taken, effect.key, now)
            case TerminateJob():
                taken = termination_taken_over(taken, effect.job_id, now)
            case ContinueRun():
                taken = replace(taken, continue_since=now)
            case MeasureCost():
                taken = measurement_taken_over(taken, now)
            case (
                WriteReport()
                | Notify()
                | PublishRunEnd()
                | DeleteQueues()
                | DeleteConsumableResources()
            ):
                taken = end_effect_taken_over(taken, effect, now)
    return taken
