"""Every change of a run: two tables, and the laws they keep.

1. `advance` is pure. A stale, duplicate or foreign event returns the very same object.
2. An event-triggered transition is a row of EVENT_TABLE; what follows from state alone is a row
   of SETTLE_TABLE (settling.py), applied until nothing moves. A status not in its row is a bug.
3. A terminal step never changes its status again.
4. A job acts on its part only while the part has no other job: the first one heard of is
   adopted, any other is a twin. A twin's end changes nothing; a twin's submission owes its stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from batchrelay.domain.effects import DeleteQueues, Notify, Prepare, SubmitJob, TerminateJob
from batchrelay.domain.errors import TransitionError
from batchrelay.domain.events import (
    Event,
    GraceExpired,
    JobEvent,
    JobFailed,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    NoticeRefused,
    NoticeSent,
    PreparationContinued,
    PreparationFailed,
    Prepared,
    QueuesDeleted,
    SubmissionRefused,
    TwinTerminated,
)
from batchrelay.domain.obligations import owed
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.run import (
    JobOutcome,
    NoticeState,
    Part,
    Run,
    StepState,
    StepStatus,
    Twin,
)
from batchrelay.domain.settling import after_parts, settle, short, with_parts
from batchrelay.domain.sizes import split
from batchrelay.domain.values import JobKey

PREPARING, SUBMITTING, ACTIVE, SUCCEEDED, FAILED, SKIPPED = (
    StepStatus.PREPARING,
    StepStatus.SUBMITTING,
    StepStatus.ACTIVE,
    StepStatus.SUCCEEDED,
    StepStatus.FAILED,
    StepStatus.SKIPPED,
)

EVENT_TABLE: Mapping[tuple[StepStatus, type[Event]], frozenset[StepStatus]] = {
    (PREPARING, Prepared): frozenset({SUBMITTING, SKIPPED, FAILED}),
    (PREPARING, PreparationFailed): frozenset({FAILED}),
    (PREPARING, PreparationContinued): frozenset({PREPARING}),
    (PREPARING, JobSubmitted): frozenset({PREPARING}),
    (SUBMITTING, JobSubmitted): frozenset({SUBMITTING, ACTIVE}),
    (SUBMITTING, SubmissionRefused): frozenset({SUBMITTING, ACTIVE, FAILED}),
    (SUBMITTING, JobProgressed): frozenset({SUBMITTING}),
    (SUBMITTING, JobSucceeded): frozenset({SUBMITTING, ACTIVE, SUCCEEDED, FAILED, PREPARING}),
    (SUBMITTING, JobFailed): frozenset({SUBMITTING, ACTIVE, FAILED}),
    (ACTIVE, JobProgressed): frozenset({ACTIVE}),
    (ACTIVE, JobSucceeded): frozenset({ACTIVE, SUCCEEDED, FAILED, PREPARING}),
    (ACTIVE, JobFailed): frozenset({ACTIVE, FAILED}),
    (ACTIVE, JobSubmitted): frozenset({ACTIVE}),
    (SUCCEEDED, JobSubmitted): frozenset({SUCCEEDED}),
    (FAILED, JobSubmitted): frozenset({FAILED}),
}
"""Which event may take a step from which status to which. Anything else is stale: ignored."""


def new_run(
    *,
    run_id: str,
    pipeline: Pipeline,
    params: Mapping[str, str],
    environment: Mapping[str, str],
    at: datetime,
) -> Run:
    """A run that has begun: the steps that need nothing are already ready."""
    run = Run(id=run_id, pipeline=pipeline, params=params, environment=environment, started_at=at)
    return settle(run, at)


def advance(run: Run, event: Event) -> Run:
    """The run after a fact; the same object if the fact changes nothing."""
    match event:
        case Prepared() | PreparationFailed() | PreparationContinued():
            changed = _step_event(run, event.step, event)
        case JobSubmitted() | SubmissionRefused() | JobProgressed() | JobSucceeded() | JobFailed():
            step = run.pipeline.step_of_label(event.key.label)
            if step is None or event.key.run_id != run.id:
                return run
            changed = _step_event(run, step.name, event)
        case TwinTerminated():
            changed = _forget_twin(run, event.job_id)
        case QueuesDeleted():
            changed = replace(run, queues_since=None) if run.queues_since is not None else run
        case NoticeSent():
            changed = _note_notice(run, event.rule, NoticeState.SENT)
        case NoticeRefused():
            changed = _note_notice(run, event.rule, NoticeState.REFUSED)
        case GraceExpired():
            changed = _take_over(run, event.at)
    return run if changed is run else settle(changed, event.at)


# --- event-triggered ---------------------------------------------------------


_Preparing = Prepared | PreparationFailed | PreparationContinued


def _step_event(run: Run, name: str, event: _Preparing | JobEvent) -> Run:
    step, state = run.pipeline.step(name), run.state(name)
    targets = EVENT_TABLE.get((state.status, type(event)))
    if targets is None:
        return run
    changed_run, changed = run, state
    match event:
        case Prepared() | PreparationFailed() | PreparationContinued():
            if event.round == state.round:
                changed = _preparation(run, step, state, event)
        case JobSubmitted():
            changed_run, changed = _job_submitted(run, step, state, event)
        case JobProgressed():
            changed = _progress(state, event)
        case SubmissionRefused():
            changed = _on_part(step, state, event, _refuse)
        case JobSucceeded() | JobFailed():
            changed = _on_part(step, state, event, _end)
    if changed is state:
        return changed_run
    if changed.status not in targets:
        raise TransitionError(
            f"{name}: {state.status} + {type(event).__name__} -> {changed.status}"
        )
    return changed_run.with_step(name, changed)


def _preparation(run: Run, step: Step, state: StepState, event: _Preparing) -> StepState:
    match event:
        case PreparationFailed():
            return replace(state, status=FAILED, since=event.at, reason=short(event.reason))
        case PreparationContinued():
            return replace(state, since=event.at)
        case Prepared():
            return _prepared(run, step, state, event)


def _prepared(run: Run, step: Step, state: StepState, event: Prepared) -> StepState:
    state = replace(state, items=event.items, existing=event.existing, manifest=event.manifest)
    has_lanes = any(run.state(name).parts for name in step.lanes)
    if event.items == 0 and not has_lanes:
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


def _job_submitted(
    run: Run, step: Step, state: StepState, event: JobSubmitted
) -> tuple[Run, StepState]:
    if event.key.round < state.round:  # the level went on without it
        return _note_twin(run, event), state
    part = _part(state, event.key)
    if part is None or part.job_id == event.job_id:
        return run, state
    if not part.is_unsubmitted:
        return _note_twin(run, event), state
    parts = state.with_part(event.key.part, replace(part, job_id=event.job_id))
    return run, after_parts(step, state, parts, event.at)


def _note_twin(run: Run, event: JobSubmitted) -> Run:
    if any(twin.job_id == event.job_id for twin in run.twins):
        return run
    return replace(run, twins=(*run.twins, Twin(job_id=event.job_id, since=event.at)))


def _progress(state: StepState, event: JobProgressed) -> StepState:
    part = _part(state, event.key)
    if part is None or part.job_id != event.job_id or not part.is_active:
        return state
    now = replace(part, succeeded=event.succeeded, failed=event.failed, running=event.running)
    if now == part:
        return state
    return replace(state, parts=state.with_part(event.key.part, now))


_PartEvent = SubmissionRefused | JobSucceeded | JobFailed


def _on_part(
    step: Step, state: StepState, event: _PartEvent, change: Callable[[Part, _PartEvent], Part]
) -> StepState:
    part = _part(state, event.key)
    if part is None or part.outcome is not None:
        return state
    changed = change(part, event)
    if changed is part:
        return state
    reason = "" if isinstance(event, JobSucceeded) else event.reason
    parts = state.with_part(event.key.part, changed)
    return after_parts(step, state, parts, event.at, reason)


def _refuse(part: Part, event: _PartEvent) -> Part:
    if part.job_id is not None or not isinstance(event, SubmissionRefused):
        return part
    return replace(part, outcome=JobOutcome.FAILED, failed=part.size)


def _end(part: Part, event: _PartEvent) -> Part:
    if isinstance(event, SubmissionRefused) or part.job_id not in (None, event.job_id):
        return part
    match event:
        case JobSucceeded():
            return replace(
                part,
                job_id=event.job_id,
                outcome=JobOutcome.SUCCEEDED,
                succeeded=part.size,
                failed=0,
                running=0,
            )
        case JobFailed():
            return replace(
                part,
                job_id=event.job_id,
                outcome=JobOutcome.FAILED,
                succeeded=event.succeeded,
                failed=event.failed,
                running=0,
            )


def _part(state: StepState, key: JobKey) -> Part | None:
    if key.round != state.round or key.part >= len(state.parts):
        return None
    return state.parts[key.part]


def _forget_twin(run: Run, job_id: str) -> Run:
    left = tuple(twin for twin in run.twins if twin.job_id != job_id)
    return run if len(left) == len(run.twins) else replace(run, twins=left)


def _note_notice(run: Run, rule: int, state: NoticeState) -> Run:
    if not run.status.is_terminal or rule in run.notices or rule >= len(run.pipeline.notify):
        return run
    return replace(run, notices={**run.notices, rule: state})


def _take_over(run: Run, now: datetime) -> Run:
    """Whoever saves this has sole charge of what was overdue: its grace begins anew."""
    taken = run
    for effect in owed(run):
        if not effect.is_overdue(now):
            continue
        match effect:
            case Prepare():
                state = taken.state(effect.step)
                taken = taken.with_step(effect.step, replace(state, since=now))
            case SubmitJob():
                taken = _take_over_part(taken, effect.key, now)
            case TerminateJob():
                twin = Twin(job_id=effect.job_id, since=now)
                others = (other for other in taken.twins if other.job_id != effect.job_id)
                taken = replace(taken, twins=(*others, twin))
            case DeleteQueues():
                taken = replace(taken, queues_since=now)
            case Notify():
                taken = replace(taken, notices_since=now)
    return taken


def _take_over_part(run: Run, key: JobKey, now: datetime) -> Run:
    step = run.pipeline.step_of_label(key.label)
    assert step is not None, key
    state = run.state(step.name)
    part = replace(state.parts[key.part], since=now)
    return run.with_step(step.name, replace(state, parts=state.with_part(key.part, part)))
