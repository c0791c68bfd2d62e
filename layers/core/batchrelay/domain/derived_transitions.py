"""What follows from a run's state alone: steps become ready, parts may be submitted, runs end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from batchrelay.domain.array_split import own_size, split
from batchrelay.domain.cancellation import ended_status, withdrawn
from batchrelay.domain.conditions import parse_condition
from batchrelay.domain.errors import InvalidItems, TransitionError
from batchrelay.domain.n_to_n import may_submit, unsatisfiable_reason
from batchrelay.domain.n_to_n_chains import continues
from batchrelay.domain.pipeline import Step
from batchrelay.domain.postponed_effects import free_submissions
from batchrelay.domain.preparation_attempts import not_prepared
from batchrelay.domain.run import JobOutcome, Part, Run, StepState, StepStatus
from batchrelay.domain.run_size import SizeBudget
from batchrelay.domain.values import short
from batchrelay.domain.variables import condition_lookup, variables_of

WAITING, PREPARING, SUBMITTING, ACTIVE, SUCCEEDED, FAILED, SKIPPED, CANCELLED = (
    StepStatus.WAITING,
    StepStatus.PREPARING,
    StepStatus.SUBMITTING,
    StepStatus.ACTIVE,
    StepStatus.SUCCEEDED,
    StepStatus.FAILED,
    StepStatus.SKIPPED,
    StepStatus.CANCELLED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedRow:
    """A transition that needs no event: what must hold, and where it may lead."""

    source: StepStatus
    targets: frozenset[StepStatus]
    when: str


def _row(source: StepStatus, *targets: StepStatus, when: str) -> DerivedRow:
    return DerivedRow(source=source, targets=frozenset(targets), when=when)


_BLOCKED = _row(WAITING, SKIPPED, when="a need ended and does not let it run")
_CONDITION_FALSE = _row(WAITING, SKIPPED, when="every need lets it run, `when` does not hold")
_EMPTY_NEEDS = _row(WAITING, SKIPPED, FAILED, when="an N_TO_N need has no children")
_READY_ITEMS = _row(WAITING, PREPARING, when="every need lets it run, it has items")
_READY = _row(WAITING, SUBMITTING, FAILED, SKIPPED, when="every need lets it run")
_PART_UNSATISFIABLE = _row(
    SUBMITTING, SUBMITTING, ACTIVE, FAILED, when="a job a part waits for failed"
)
_NOT_BEGUN = _row(WAITING, CANCELLED, when="the run is being stopped")
_NOT_PREPARED = _row(PREPARING, CANCELLED, when="the run is being stopped")
_PART_NOT_BEGUN = _row(
    SUBMITTING, SUBMITTING, ACTIVE, CANCELLED, when="the run is being stopped, a part waits"
)

DERIVED_TABLE: tuple[DerivedRow, ...] = (
    _NOT_BEGUN,
    _NOT_PREPARED,
    _PART_NOT_BEGUN,
    _BLOCKED,
    _CONDITION_FALSE,
    _EMPTY_NEEDS,
    _READY_ITEMS,
    _READY,
    _PART_UNSATISFIABLE,
)


def derive(run: Run, at: datetime) -> Run:
    """Apply DERIVED_TABLE to the fixed point; one pass reaches it, steps being sorted."""
    free = free_submissions(run)
    budget = SizeBudget(run)
    for step in run.pipeline.order:
        if step.name not in run.steps or (run.stop is not None and _is_preparing(run, step)):
            row = _row_for(run, step)
            if row is not None:
                state = _derived(run, step, row, at)
                state = budget.fitted(step, run.state(step.name), state, at)
                run = _moved(run, step, row, state)
        if run.state(step.name).status is SUBMITTING:
            run, free = _with_free_parts(run, step, at, free)
    if not run.status.is_terminal and _all_ended(run):
        run = _ended(run, at)
    return run


def after_parts(
    step: Step, state: StepState, parts: tuple[Part, ...], at: datetime, reason: str = ""
) -> StepState:
    """The step's status is what its parts say together; an aggregate goes on to its next level."""
    if any(part.is_unsubmitted for part in parts):
        status = SUBMITTING
    elif any(part.is_active for part in parts):
        status = ACTIVE
    elif any(part.outcome is JobOutcome.CANCELLED for part in parts):
        status = CANCELLED
    elif not all(part.outcome is JobOutcome.SUCCEEDED for part in parts):
        status = FAILED
    elif step.aggregate is not None and (state.children or 0) > 1:
        level = state.round + 1
        return replace(
            state,
            status=PREPARING,
            since=at,
            round=level,
            parts=(),
            items=None,
            children=None,
            counted_at=None,
            reason="",
        )
    else:
        status = SUCCEEDED
    since = state.since if status is state.status else at
    return replace(
        state,
        status=status,
        since=since,
        parts=parts,
        reason=state.reason or short(reason),
        counted_at=None if status.is_terminal else state.counted_at,  # exact, and for good
    )


def with_parts(
    run: Run, step: Step, state: StepState, parts: tuple[Part, ...], at: datetime
) -> StepState:
    """A step whose children are known: SUBMITTING, or FAILED if its lanes do not line up."""
    sizes = [part.size for part in parts]
    for name in sorted(step.n_to_n_needs):
        others = [part.size for part in run.state(name).parts]
        if others and others != sizes:
            return replace(state, status=FAILED, since=at, reason=_unequal(sizes, others, name))
    return replace(state, status=SUBMITTING, since=at, children=sum(sizes), parts=parts)


def _unequal(sizes: list[int], others: list[int], name: str) -> str:
    here, there = f"{sum(sizes):,} children here", f"{sum(others):,} of {name}"
    if sum(sizes) != sum(others):
        return short(f"N_TO_N needs equal sizes: {here}, {there}")
    return short(
        f"N_TO_N needs equal parts: {here} in {sizes}, {there} in {others} (groups are parts)"
    )


# --- which row ---------------------------------------------------------------


def _is_preparing(run: Run, step: Step) -> bool:
    return run.state(step.name).status is PREPARING


def _row_for(run: Run, step: Step) -> DerivedRow | None:
    if run.stop is not None:
        return _NOT_PREPARED if _is_preparing(run, step) else _NOT_BEGUN
    if next(_blockers(run, step), None) is not None:
        return _BLOCKED
    if not all(_lets_run(run, step, need) for need in step.needs):
        return None
    if step.when is not None and not parse_condition(step.when).holds(condition_lookup(run)):
        return _CONDITION_FALSE
    if step.has_items:
        return _READY_ITEMS
    if any(run.state(name).children == 0 for name in step.n_to_n_needs):
        return _EMPTY_NEEDS
    return _READY


def _blockers(run: Run, step: Step) -> Iterator[str]:
    for need in step.needs:
        state = run.state(need)
        if state.status.is_terminal and not state.lets_dependents_run:
            yield need


def _lets_run(run: Run, step: Step, need: str) -> bool:
    """An event edge wants its need ended well; an N_TO_N one wants its children known."""
    state = run.state(need)
    if need in step.n_to_n_needs and state.status in (SUBMITTING, ACTIVE):
        return True
    return state.lets_dependents_run


def _moved(run: Run, step: Step, row: DerivedRow, state: StepState) -> Run:
    if state.status not in row.targets:
        raise TransitionError(f"{step.name}: {row.source} ({row.when}) -> {state.status}")
    return run.with_step(step.name, state)


def _derived(run: Run, step: Step, row: DerivedRow, at: datetime) -> StepState:
    waiting = run.state(step.name)
    if row is _READY_ITEMS:
        return replace(waiting, status=PREPARING, since=at)
    if row is _READY:
        return _ready(run, step, waiting, at)
    if run.stop is not None:
        return not_prepared(waiting, CANCELLED, at, run.stop.reason)
    skipped = replace(waiting, status=SKIPPED, since=at)
    if row is _EMPTY_NEEDS:
        return _empty(run, step, skipped)
    if row is _CONDITION_FALSE:
        return replace(skipped, reason=short(f"when: {step.when} does not hold"))
    blocker = next(_blockers(run, step))
    reason = short(f"needs {blocker}, which is {run.state(blocker).status}")
    return replace(skipped, reason=reason)


def _ready(run: Run, step: Step, waiting: StepState, at: datetime) -> StepState:
    """A step that says no size of its own continues the lanes before it, items and all."""
    if continues(step):
        lead = run.state(min(step.n_to_n_needs))
        known = replace(_with_existing(waiting, lead), items=lead.items, chunk=lead.chunk)
        parts = tuple(Part(size=part.size, group=part.group) for part in lead.parts)
        return with_parts(run, step, known, parts, at)
    try:
        size = own_size(step, variables_of(run))
        if size == 0:
            return replace(waiting, status=SKIPPED, since=at, children=0, reason="0 children")
        parts = tuple(Part(size=size) for size in split(size))
    except InvalidItems as error:
        return replace(waiting, status=FAILED, since=at, reason=short(str(error)))
    return with_parts(run, step, waiting, parts, at)


def _empty(run: Run, step: Step, skipped: StepState) -> StepState:
    """Nothing to do; what the steps before it left out because it is there, this one has too."""
    nothing = replace(skipped, items=0, children=0, reason="0 items")
    if not continues(step):
        return nothing
    lead = run.state(min(step.n_to_n_needs))
    return replace(_with_existing(nothing, lead), reason=lead.reason or nothing.reason)


def _with_existing(state: StepState, lead: StepState) -> StepState:
    return replace(state, existing=lead.existing, manifest=lead.manifest)


# --- parts -------------------------------------------------------------------


def _with_free_parts(run: Run, step: Step, at: datetime, free: int) -> tuple[Run, int]:
    """Parts whose jobs may be submitted are pending from now on, as many as are free; those that
    never can be have failed."""
    for number in range(len(run.state(step.name).parts)):
        state = run.state(step.name)
        part = state.parts[number]
        if part.since is not None or not part.is_unsubmitted:
            continue
        if run.stop is not None:
            parts = state.with_part(number, withdrawn(part))
            after = after_parts(step, state, parts, at, run.stop.reason)
            run = _moved(run, step, _PART_NOT_BEGUN, after)
        elif (reason := unsatisfiable_reason(run, step, number)) is not None:
            failed = replace(part, outcome=JobOutcome.FAILED, failed=part.size)
            parts = state.with_part(number, failed)
            run = _moved(
                run, step, _PART_UNSATISFIABLE, after_parts(step, state, parts, at, reason)
            )
        elif free > 0 and may_submit(run, step, number):
            parts = state.with_part(number, replace(part, since=at))
            run = run.with_step(step.name, replace(state, parts=parts))
            free -= 1
    return run, free


# --- the run -----------------------------------------------------------------


def _all_ended(run: Run) -> bool:
    return len(run.steps) == len(run.pipeline.steps) and all(
        state.status.is_terminal for state in run.steps.values()
    )


def _ended(run: Run, at: datetime) -> Run:
    queues = any(step.workers is not None for step in run.pipeline.steps)
    return replace(
        run,
        status=ended_status(run),
        ended_at=at,
        continue_since=None,
        notices_since=at,
        queues_since=at if queues else None,
    )
