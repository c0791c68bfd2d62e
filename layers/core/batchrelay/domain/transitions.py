"""Every change of a run: two tables, and the laws they keep.

1. `advance` is pure. A stale, duplicate or foreign event returns the very same object.
2. An event-triggered transition is a row of EVENT_TABLE; what follows from state alone is a row
   of SETTLE_TABLE, applied until nothing moves. A status that is not in its row is a bug.
3. A terminal step never changes its status again.
4. A job acts on its part only while the part has no other job: the first one heard of is
   adopted, any other is a twin. A twin's end changes nothing; a twin's submission owes its stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from batchrelay.domain.effects import Notify, Prepare, SubmitJob, TerminateJob
from batchrelay.domain.errors import TransitionError
from batchrelay.domain.events import (
    Event,
    GraceExpired,
    JobEvent,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    NoticeRefused,
    NoticeSent,
    PreparationFailed,
    Prepared,
    SubmissionRefused,
    TwinTerminated,
)
from batchrelay.domain.limits import REASON_CHARS_MAX
from batchrelay.domain.obligations import owed
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.run import (
    JobOutcome,
    NoticeState,
    Part,
    Run,
    RunStatus,
    StepState,
    StepStatus,
    Twin,
)
from batchrelay.domain.sizes import split
from batchrelay.domain.values import JobKey

WAITING, PREPARING, SUBMITTING, ACTIVE, SUCCEEDED, FAILED, SKIPPED = (
    StepStatus.WAITING,
    StepStatus.PREPARING,
    StepStatus.SUBMITTING,
    StepStatus.ACTIVE,
    StepStatus.SUCCEEDED,
    StepStatus.FAILED,
    StepStatus.SKIPPED,
)

EVENT_TABLE: Mapping[tuple[StepStatus, type[Event]], frozenset[StepStatus]] = {
    (PREPARING, Prepared): frozenset({SUBMITTING, SKIPPED}),
    (PREPARING, PreparationFailed): frozenset({FAILED}),
    (SUBMITTING, JobSubmitted): frozenset({SUBMITTING, ACTIVE}),
    (SUBMITTING, SubmissionRefused): frozenset({SUBMITTING, ACTIVE, FAILED}),
    (SUBMITTING, JobSucceeded): frozenset({SUBMITTING, ACTIVE, SUCCEEDED, FAILED}),
    (SUBMITTING, JobFailed): frozenset({SUBMITTING, ACTIVE, FAILED}),
    (ACTIVE, JobSucceeded): frozenset({ACTIVE, SUCCEEDED, FAILED}),
    (ACTIVE, JobFailed): frozenset({ACTIVE, FAILED}),
    (ACTIVE, JobSubmitted): frozenset({ACTIVE}),
    (SUCCEEDED, JobSubmitted): frozenset({SUCCEEDED}),
    (FAILED, JobSubmitted): frozenset({FAILED}),
}
"""Which event may take a step from which status to which. Anything else is stale: ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleRow:
    """A transition that needs no event: what must hold, and where it leads."""

    source: StepStatus
    target: StepStatus
    when: str


_READY_ITEMS = SettleRow(
    source=WAITING, target=PREPARING, when="every need lets it run, it has forEach"
)
_READY = SettleRow(source=WAITING, target=SUBMITTING, when="every need lets it run")
_BLOCKED = SettleRow(source=WAITING, target=SKIPPED, when="a need ended and does not let it run")

SETTLE_TABLE: tuple[SettleRow, ...] = (_READY_ITEMS, _READY, _BLOCKED)


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
    return _settle(run, at)


def advance(run: Run, event: Event) -> Run:
    """The run after a fact; the same object if the fact changes nothing."""
    match event:
        case Prepared() | PreparationFailed():
            changed = _step_event(run, event.step, event)
        case JobSubmitted() | SubmissionRefused() | JobSucceeded() | JobFailed():
            step = run.pipeline.step_of_label(event.key.label)
            if step is None or event.key.run_id != run.id:
                return run
            changed = _step_event(run, step.name, event)
        case TwinTerminated():
            changed = _forget_twin(run, event.job_id)
        case NoticeSent():
            changed = _note_notice(run, event.rule, NoticeState.SENT)
        case NoticeRefused():
            changed = _note_notice(run, event.rule, NoticeState.REFUSED)
        case GraceExpired():
            changed = _take_over(run, event.at)
    return run if changed is run else _settle(changed, event.at)


# --- event-triggered ---------------------------------------------------------


def _step_event(run: Run, name: str, event: Prepared | PreparationFailed | JobEvent) -> Run:
    state = run.state(name)
    targets = EVENT_TABLE.get((state.status, type(event)))
    if targets is None:
        return run
    changed_run, changed = run, state
    match event:
        case Prepared():
            changed = _prepared(state, event)
        case PreparationFailed():
            changed = _preparation_failed(state, event)
        case JobSubmitted():
            changed_run, changed = _job_submitted(run, state, event)
        case SubmissionRefused():
            changed = _on_part(state, event, _refuse)
        case JobSucceeded() | JobFailed():
            changed = _on_part(state, event, _end)
    if changed is state:
        return changed_run
    if changed.status not in targets:
        raise TransitionError(
            f"{name}: {state.status} + {type(event).__name__} -> {changed.status}"
        )
    return changed_run.with_step(name, changed)


def _prepared(state: StepState, event: Prepared) -> StepState:
    if event.round != state.round:
        return state
    if event.children == 0:
        return replace(state, status=SKIPPED, since=event.at, children=0, reason="0 items")
    return replace(
        _submitting(state, event.children, event.at),
        manifest=event.manifest,
        items_file=event.items_file,
    )


def _preparation_failed(state: StepState, event: PreparationFailed) -> StepState:
    if event.round != state.round:
        return state
    return replace(state, status=FAILED, since=event.at, reason=_short(event.reason))


def _job_submitted(run: Run, state: StepState, event: JobSubmitted) -> tuple[Run, StepState]:
    part = _part(state, event.key)
    if part is None or part.job_id == event.job_id:
        return run, state
    if not part.is_unsubmitted:
        return _note_twin(run, event), state
    parts = _with_part(state, event.key.part, replace(part, job_id=event.job_id))
    return run, _after_parts(state, parts, event.at)


def _note_twin(run: Run, event: JobSubmitted) -> Run:
    if any(twin.job_id == event.job_id for twin in run.twins):
        return run
    return replace(run, twins=(*run.twins, Twin(job_id=event.job_id, since=event.at)))


_PartEvent = SubmissionRefused | JobSucceeded | JobFailed


def _on_part(
    state: StepState, event: _PartEvent, change: Callable[[Part, _PartEvent], Part]
) -> StepState:
    part = _part(state, event.key)
    if part is None or part.outcome is not None:
        return state
    changed = change(part, event)
    if changed is part:
        return state
    reason = "" if isinstance(event, JobSucceeded) else event.reason
    return _after_parts(state, _with_part(state, event.key.part, changed), event.at, reason)


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
                part, job_id=event.job_id, outcome=JobOutcome.SUCCEEDED, succeeded=part.size
            )
        case JobFailed():
            return replace(
                part,
                job_id=event.job_id,
                outcome=JobOutcome.FAILED,
                succeeded=event.succeeded,
                failed=event.failed,
            )


def _after_parts(
    state: StepState, parts: tuple[Part, ...], at: datetime, reason: str = ""
) -> StepState:
    """The step's status is what its parts say together."""
    if any(part.is_unsubmitted for part in parts):
        status = SUBMITTING
    elif any(part.is_active for part in parts):
        status = ACTIVE
    elif all(part.outcome is JobOutcome.SUCCEEDED for part in parts):
        status = SUCCEEDED
    else:
        status = FAILED
    since = state.since if status is state.status else at
    return replace(
        state, status=status, since=since, parts=parts, reason=state.reason or _short(reason)
    )


def _part(state: StepState, key: JobKey) -> Part | None:
    if key.round != state.round or key.part >= len(state.parts):
        return None
    return state.parts[key.part]


def _with_part(state: StepState, number: int, part: Part) -> tuple[Part, ...]:
    return (*state.parts[:number], part, *state.parts[number + 1 :])


def _short(reason: str) -> str:
    return reason if len(reason) <= REASON_CHARS_MAX else reason[: REASON_CHARS_MAX - 1] + "…"


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
            case Notify():
                taken = replace(taken, notices_since=now)
    return taken


def _take_over_part(run: Run, key: JobKey, now: datetime) -> Run:
    step = run.pipeline.step_of_label(key.label)
    assert step is not None, key
    state = run.state(step.name)
    part = replace(state.parts[key.part], since=now)
    return run.with_step(step.name, replace(state, parts=_with_part(state, key.part, part)))


# --- state-triggered ---------------------------------------------------------


def _settle(run: Run, at: datetime) -> Run:
    """Apply SETTLE_TABLE to the fixed point; one pass reaches it, steps being sorted."""
    for step in run.pipeline.order:
        if step.name in run.steps:
            continue
        row = _row_for(run, step)
        if row is not None:
            settled = _settled(run, step, row, at)
            if settled.status is not row.target:
                raise TransitionError(f"{step.name}: {row.source} ({row.when}) -> {settled.status}")
            run = run.with_step(step.name, settled)
    if run.status is RunStatus.RUNNING and _all_ended(run):
        failed = any(state.status is FAILED for state in run.steps.values())
        status = RunStatus.FAILED if failed else RunStatus.SUCCEEDED
        run = replace(run, status=status, ended_at=at, notices_since=at)
    return run


def _row_for(run: Run, step: Step) -> SettleRow | None:
    needs = [run.state(need) for need in step.needs]
    if any(need.status.is_terminal and not need.lets_dependents_run for need in needs):
        return _BLOCKED
    if not all(need.lets_dependents_run for need in needs):
        return None
    return _READY_ITEMS if step.for_each is not None else _READY


def _settled(run: Run, step: Step, row: SettleRow, at: datetime) -> StepState:
    waiting = run.state(step.name)
    if row is _READY_ITEMS:
        return replace(waiting, status=PREPARING, since=at)
    if row is _READY:
        return _submitting(waiting, step.fixed_children, at)
    blocker = next(
        need
        for need in step.needs
        if run.state(need).status.is_terminal and not run.state(need).lets_dependents_run
    )
    reason = f"needs {blocker}, which is {run.state(blocker).status}"
    return replace(waiting, status=SKIPPED, since=at, reason=reason)


def _submitting(state: StepState, children: int, at: datetime) -> StepState:
    parts = tuple(Part(size=size, since=at) for size in split(children))
    return replace(state, status=SUBMITTING, since=at, children=children, parts=parts)


def _all_ended(run: Run) -> bool:
    return len(run.steps) == len(run.pipeline.steps) and all(
        state.status.is_terminal for state in run.steps.values()
    )
