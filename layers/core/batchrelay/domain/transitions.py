"""Every change of a run: two tables, and the laws they keep.

1. `advance` is pure. A stale, duplicate or foreign event returns the very same object.
2. An event-triggered transition is a row of EVENT_TABLE; what follows from state alone is a row
   of DERIVED_TABLE (derived_transitions.py), applied until nothing moves. A status that is not
   in its row is a bug.
3. A terminal step never changes its status again.
4. A job acts on its part only while the part has no other job: the first one heard of is
   adopted, any other is a twin. A twin's end changes nothing; a twin's submission owes its stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from batchrelay.domain.array_split import split
from batchrelay.domain.cancellation import job_terminated, overdue_taken_over, stopped
from batchrelay.domain.derived_transitions import derive, with_parts
from batchrelay.domain.effects import (
    ContinueRun,
    DeleteQueues,
    Notify,
    Prepare,
    SubmitJob,
    TerminateJob,
    WithdrawSubmission,
)
from batchrelay.domain.errors import TransitionError
from batchrelay.domain.events import (
    AttemptFailed,
    CancelRequested,
    DeadlinePassed,
    EffectsPostponed,
    Event,
    GraceExpired,
    JobBlocked,
    JobEvent,
    JobFailed,
    JobMissing,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    JobTerminated,
    NoticeRefused,
    NoticeSent,
    PreparationBegun,
    PreparationContinued,
    PreparationEvent,
    PreparationFailed,
    Prepared,
    QueuesDeleted,
    QueuesLeft,
    RunContinued,
    RunDequeued,
    RunEvent,
    SubmissionRefused,
    SubmissionWithdrawn,
)
from batchrelay.domain.job_events import job_missing, job_reported, job_submitted, on_part
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.pipeline import Overlap, Pipeline, Step
from batchrelay.domain.postponed_effects import effects_postponed, run_continued
from batchrelay.domain.preparation_attempts import (
    attempt_failed,
    begun,
    continued,
    not_prepared,
    requested_again,
)
from batchrelay.domain.run import (
    NO_ATTEMPTS,
    DuplicateJob,
    NoticeState,
    Part,
    Run,
    RunStatus,
    StepState,
    StepStatus,
)
from batchrelay.domain.run_size import SizeBudget
from batchrelay.domain.values import JobKey

PREPARING, SUBMITTING, ACTIVE, SUCCEEDED, FAILED, SKIPPED, CANCELLED = (
    StepStatus.PREPARING,
    StepStatus.SUBMITTING,
    StepStatus.ACTIVE,
    StepStatus.SUCCEEDED,
    StepStatus.FAILED,
    StepStatus.SKIPPED,
    StepStatus.CANCELLED,
)

EVENT_TABLE: Mapping[tuple[StepStatus, type[Event]], frozenset[StepStatus]] = {
    (PREPARING, Prepared): frozenset({SUBMITTING, SKIPPED, FAILED}),
    (PREPARING, PreparationFailed): frozenset({FAILED}),
    (PREPARING, PreparationContinued): frozenset({PREPARING}),
    (PREPARING, PreparationBegun): frozenset({PREPARING}),
    (PREPARING, AttemptFailed): frozenset({PREPARING, FAILED}),
    (PREPARING, GraceExpired): frozenset({PREPARING, FAILED}),
    (PREPARING, JobSubmitted): frozenset({PREPARING}),
    (SUBMITTING, JobSubmitted): frozenset({SUBMITTING, ACTIVE}),
    (SUBMITTING, SubmissionRefused): frozenset({SUBMITTING, ACTIVE, FAILED, CANCELLED}),
    (SUBMITTING, SubmissionWithdrawn): frozenset({SUBMITTING, ACTIVE, CANCELLED}),
    (SUBMITTING, JobProgressed): frozenset({SUBMITTING}),
    (SUBMITTING, JobBlocked): frozenset({SUBMITTING}),
    (SUBMITTING, JobMissing): frozenset({SUBMITTING}),
    (SUBMITTING, JobSucceeded): frozenset(
        {SUBMITTING, ACTIVE, SUCCEEDED, FAILED, CANCELLED, PREPARING}
    ),
    (SUBMITTING, JobFailed): frozenset({SUBMITTING, ACTIVE, FAILED, CANCELLED}),
    (ACTIVE, JobProgressed): frozenset({ACTIVE}),
    (ACTIVE, JobBlocked): frozenset({ACTIVE}),
    (ACTIVE, JobMissing): frozenset({ACTIVE, FAILED, CANCELLED}),
    (ACTIVE, JobSucceeded): frozenset({ACTIVE, SUCCEEDED, FAILED, CANCELLED, PREPARING}),
    (ACTIVE, JobFailed): frozenset({ACTIVE, FAILED, CANCELLED}),
    (ACTIVE, JobSubmitted): frozenset({ACTIVE}),
    (SUCCEEDED, JobSubmitted): frozenset({SUCCEEDED}),
    (FAILED, JobSubmitted): frozenset({FAILED}),
    (CANCELLED, JobSubmitted): frozenset({CANCELLED}),
}
"""Which event may take a step from which status to which. Anything else is stale: ignored."""


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

    One that must not overlap is QUEUED: it begins when its turn comes.
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
    match event:
        case (
            Prepared()
            | PreparationFailed()
            | PreparationContinued()
            | PreparationBegun()
            | AttemptFailed()
        ):
            changed = _step_event(run, event.step, event)
        case (
            JobSubmitted()
            | SubmissionRefused()
            | SubmissionWithdrawn()
            | JobProgressed()
            | JobBlocked()
            | JobMissing()
            | JobSucceeded()
            | JobFailed()
        ):
            step = run.pipeline.step_of_label(event.key.label)
            if step is None or event.key.run_id != run.id:
                return run
            changed = _step_event(run, step.name, event)
        case _:
            changed = _run_event(run, event)
    return run if changed is run else derive(changed, event.at)


# --- event-triggered ---------------------------------------------------------


def _run_event(run: Run, event: RunEvent) -> Run:
    match event:
        case JobTerminated():
            return job_terminated(run, event)
        case RunDequeued():
            is_queued = run.status is RunStatus.QUEUED
            return (
                replace(run, status=RunStatus.RUNNING, dequeued_at=event.at) if is_queued else run
            )
        case CancelRequested() | DeadlinePassed():
            return stopped(run, event)
        case QueuesDeleted() | QueuesLeft():
            return _note_queues(run, event)
        case NoticeSent() | NoticeRefused():
            return _note_notice(run, event)
        case EffectsPostponed():
            return effects_postponed(run, event)
        case RunContinued():
            return run_continued(run, event)
        case GraceExpired():
            return _take_over(run, event)


def _step_event(run: Run, name: str, event: PreparationEvent | GraceExpired | JobEvent) -> Run:
    step, state = run.pipeline.step(name), run.state(name)
    targets = EVENT_TABLE.get((state.status, type(event)))
    if targets is None:
        return run
    changed_run, changed = run, state
    match event:
        case GraceExpired():
            changed = requested_again(state, event.at)
        case JobSubmitted():
            changed_run, changed = job_submitted(run, step, state, event)
        case JobProgressed() | JobBlocked():
            changed = job_reported(run, step, state, event)
        case JobMissing():
            changed_run, changed = job_missing(run, step, state, event)
        case SubmissionRefused() | SubmissionWithdrawn() | JobSucceeded() | JobFailed():
            changed = on_part(run, step, state, event)
        case _:
            if event.round == state.round:
                prepared = _preparation(run, step, state, event)
                changed = SizeBudget(run).fitted(step, state, prepared, event.at)
    if changed is state:
        return changed_run
    if changed.status not in targets:
        raise TransitionError(
            f"{name}: {state.status} + {type(event).__name__} -> {changed.status}"
        )
    return changed_run.with_step(name, changed)


def _preparation(run: Run, step: Step, state: StepState, event: PreparationEvent) -> StepState:
    match event:
        case PreparationFailed():
            return not_prepared(state, FAILED, event.at, event.reason)
        case PreparationContinued():
            return continued(state, event)
        case PreparationBegun():
            return begun(state, event)
        case AttemptFailed():
            return attempt_failed(state, event)
        case Prepared():
            return _prepared(run, step, state, event)


def _prepared(run: Run, step: Step, state: StepState, event: Prepared) -> StepState:
    state = replace(
        state,
        items=event.items,
        existing=event.existing,
        manifest=event.manifest,
        attempts=NO_ATTEMPTS,
        resume="",
        reason="",
    )
    has_n_to_n_needs = any(run.state(name).parts for name in step.n_to_n_needs)
    if event.items == 0 and not has_n_to_n_needs:
        reason = _nothing(event)
        return replace(state, status=SKIPPED, since=event.at, children=0, reason=reason)
    groups = enumerate(event.children)
    parts = tuple(Part(size=size, group=g) for g, children in groups for size in split(children))
    known = replace(state, chunk=event.chunk, queue=event.queue)
    return with_parts(run, step, known, parts, event.at)


def _nothing(event: Prepared) -> str:
    """Why there are no items."""
    if event.existing:
        return f"0 items, {event.existing:,} were there"
    return f"0 items, {event.passed:,} objects do not match" if event.passed else "0 items"


def _note_notice(run: Run, event: NoticeSent | NoticeRefused) -> Run:
    rule, rules = event.rule, run.pipeline.notify
    if not run.status.is_terminal or rule in run.notices or rule >= len(rules):
        return run
    state = NoticeState.SENT if isinstance(event, NoticeSent) else NoticeState.REFUSED
    return replace(run, notices={**run.notices, rule: state})


def _note_queues(run: Run, event: QueuesDeleted | QueuesLeft) -> Run:
    if isinstance(event, QueuesLeft):
        return replace(run, queues_since=event.at) if run.status.is_terminal else run
    return replace(run, queues_since=None) if run.queues_since is not None else run


def _take_over(run: Run, event: GraceExpired) -> Run:
    """Whoever saves this has sole charge of what was overdue: its grace begins anew."""
    taken, now = run, event.at
    for effect in pending_effects(run):
        if not effect.is_overdue(now):
            continue
        match effect:
            case Prepare():
                taken = _step_event(taken, effect.step, event)
            case SubmitJob() | WithdrawSubmission():
                taken = _take_over_part(taken, effect.key, now)
            case TerminateJob():
                taken = _take_over_termination(taken, effect.job_id, now)
            case DeleteQueues():
                taken = replace(taken, queues_since=now)
            case ContinueRun():
                taken = replace(taken, continue_since=now)
            case Notify():
                taken = replace(taken, notices_since=now)
    return taken


def _take_over_termination(run: Run, job_id: str, now: datetime) -> Run:
    if all(duplicate.job_id != job_id for duplicate in run.duplicate_jobs):
        return run if run.stop is None else overdue_taken_over(run, now)
    others = (other for other in run.duplicate_jobs if other.job_id != job_id)
    return replace(run, duplicate_jobs=(*others, DuplicateJob(job_id=job_id, since=now)))


def _take_over_part(run: Run, key: JobKey, now: datetime) -> Run:
    step = run.pipeline.step_of_label(key.label)
    assert step is not None, key
    state = run.state(step.name)
    part = replace(state.parts[key.part], since=now)
    return run.with_step(step.name, replace(state, parts=state.with_part(key.part, part)))
