"""What follows from a run's state alone: steps become ready, parts may be submitted, runs end.

`STEP_TABLE` is read row by row until none matches, step after step in topological order, so that
one pass reaches the fixed point. Finally steps come last in that order, and no row of theirs is
read before the ordinary steps have ended. `RUN_END_TABLE` is read once the steps are done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from batchrelay.domain.canary import canary_failed, stop_by_canary, waits_for_canary
from batchrelay.domain.cancellation import withdrawn
from batchrelay.domain.copies import replace
from batchrelay.domain.fail_fast import failures_exceed, stop_by_failures
from batchrelay.domain.finally_steps import ordinary_steps_have_ended, stop_of
from batchrelay.domain.held_submissions import (
    is_held,
    paused,
    reason_to_hold,
    unpaused,
    with_pending_measurement,
)
from batchrelay.domain.n_to_n import may_submit, unsatisfiable_reason
from batchrelay.domain.pipeline import Step
from batchrelay.domain.postponed_effects import free_submissions
from batchrelay.domain.readiness import (
    cancel,
    condition_is_false,
    fail_size,
    fail_unequal,
    has_items,
    n_to_n_need_is_empty,
    need_does_not_let_it_run,
    needs_let_it_run,
    parts_are_unequal,
    prepare,
    run_is_stopping,
    size_is_invalid,
    size_is_zero,
    skip_blocked,
    skip_empty,
    skip_unmet,
    skip_zero,
    submit,
    waits_for_needs,
)
from batchrelay.domain.retry_rounds import (
    collect_failures,
    end_without_causes,
    failed_without_causes,
    failures_are_to_be_collected,
)
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_end import (
    a_step_failed,
    a_step_is_partial,
    end_cancelled_run,
    end_failed,
    end_partial_run,
    end_succeeded,
    every_step_has_ended,
    no_step_failed,
    stopped_by_a_cancellation,
    stopped_otherwise,
)
from batchrelay.domain.run_size import SizeBudget
from batchrelay.domain.step_end import (
    a_part_failed,
    a_part_was_cancelled,
    another_level_follows,
    begin_next_level,
    end_cancelled,
    every_part_has_a_job,
    every_part_has_ended,
    fail,
    no_part_failed,
    run_step,
    succeed,
)
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.table import (
    RunRow,
    Situation,
    StepRow,
    applied,
    by_event,
    derived,
    first_match,
    group,
    run_applied,
    run_row,
)
from batchrelay.domain.values import short

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

_Here = Situation[None]


def derive(run: Run, at: datetime) -> Run:
    """The run after everything that its state alone brings about; the same object if nothing."""
    for _, changed in derivation(run, at):
        run = changed
    return run


def derivation(run: Run, at: datetime) -> Iterator[tuple[StepRow | RunRow | None, Run]]:
    """Each change in its order, with its row; None for a change of parts, not of a status."""
    if run.status is RunStatus.QUEUED or run.status.is_terminal:
        return
    for row, changed in _of_steps(run, at):
        run = changed
        yield row, run
    pending = with_pending_measurement(run, at)
    if pending is not run:
        run = pending
        yield None, run
    for rows in _RUN_ROWS:
        decisive = first_match(rows.get((None, run.status), ()), run, at)
        if decisive is not None:
            run = run_applied(decisive, run, at)
            yield decisive, run


def _of_steps(run: Run, at: datetime) -> Iterator[tuple[StepRow | None, Run]]:
    free = free_submissions(run)
    budget = SizeBudget(run)
    for step in run.pipeline.order:
        if step.is_finally and not ordinary_steps_have_ended(run):
            break
        if not _may_change(run, step):
            continue
        for row, changed in _rows_applied(run, step, at, budget):
            run = changed
            yield row, run
        if run.state(step.name).status is not SUBMITTING:
            continue
        changed, free = _with_parts_decided(run, step, at, free)
        if changed is not run:
            run = changed
            yield None, run
        for row, changed in _rows_applied(run, step, at, budget):
            run = changed
            yield row, run


def _may_change(run: Run, step: Step) -> bool:
    """Whether a row may match: most steps of a large run have ended or wait, and cost no more."""
    state = run.steps.get(step.name)
    if state is None or state.status is WAITING:
        return stop_of(run, step) is not None or not waits_for_needs(run, step)
    return not state.status.is_terminal


def _rows_applied(
    run: Run, step: Step, at: datetime, budget: SizeBudget
) -> Iterator[tuple[StepRow, Run]]:
    while not (state := run.state(step.name)).status.is_terminal:
        here = Situation(run=run, step=step, state=state, event=None, at=at)
        row = first_match(_STEP_ROWS.get((None, here.state.status), ()), here)
        if row is None or (_is_begun_by(row) and is_held(run, step)):
            return
        run = fitted(row, here, applied(row, here), budget)
        yield row, run
        if row.source is WAITING and row.target is SUBMITTING:
            return  # no row matches before its parts are decided


def _is_begun_by(row: StepRow) -> bool:
    """Whether a step begins by a row: a held one does not, but it is skipped, or fails."""
    return row.source is WAITING and row.target in (PREPARING, SUBMITTING)


def fitted(row: StepRow, here: Situation[object], changed: Run, budget: SizeBudget) -> Run:
    """The run after a row, or with its step FAILED where the stored run may not grow by it."""
    if not row.grows:
        return changed
    name = here.step.name
    state = budget.fitted(here.step, here.state, changed.state(name), here.at)
    return changed if state is changed.state(name) else changed.with_step(name, state)


STEP_TABLE: tuple[StepRow, ...] = (
    derived(WAITING, cancel, to=CANCELLED, when=run_is_stopping),
    derived(WAITING, skip_blocked, to=SKIPPED, when=need_does_not_let_it_run),
    *group(
        needs_let_it_run,
        derived(WAITING, skip_unmet, to=SKIPPED, when=condition_is_false),
        derived(WAITING, prepare, to=PREPARING, when=has_items),
        derived(WAITING, skip_empty, to=SKIPPED, when=n_to_n_need_is_empty, grows=True),
        derived(WAITING, fail_size, to=FAILED, when=size_is_invalid),
        derived(WAITING, skip_zero, to=SKIPPED, when=size_is_zero),
        derived(WAITING, fail_unequal, to=FAILED, when=parts_are_unequal),
        derived(WAITING, submit, to=SUBMITTING, grows=True),
    ),
    derived(PREPARING, end_without_causes, to=FAILED, when=failed_without_causes),
    derived(PREPARING, cancel, to=CANCELLED, when=run_is_stopping),
    derived(SUBMITTING, stop_by_canary, to=SUBMITTING, when=canary_failed),
    derived(SUBMITTING, run_step, to=ACTIVE, when=every_part_has_a_job),
    *(
        row
        for source in (SUBMITTING, ACTIVE)
        for row in (
            derived(source, stop_by_failures, to=source, when=failures_exceed),
            *group(
                every_part_has_ended,
                derived(source, end_cancelled, to=CANCELLED, when=a_part_was_cancelled),
                derived(
                    source,
                    collect_failures,
                    to=PREPARING,
                    when=failures_are_to_be_collected,
                    grows=True,
                ),
                derived(source, fail, to=FAILED, when=a_part_failed),
                derived(source, begin_next_level, to=PREPARING, when=another_level_follows),
                derived(source, succeed, to=SUCCEEDED, when=no_part_failed),
            ),
        )
    ),
)
"""The transitions of a step that need no event. The first row whose predicate holds decides."""

_STEP_ROWS = by_event(STEP_TABLE)


# --- parts -------------------------------------------------------------------


def _with_parts_decided(run: Run, step: Step, at: datetime, free: int) -> tuple[Run, int]:
    """Parts whose jobs may be submitted are pending from now on, as many as are free; those that
    never can be have ended."""
    stop = stop_of(run, step)
    free = 0 if is_held(run, step) else free
    for number in range(len(run.state(step.name).parts)):
        state = run.state(step.name)
        part = state.parts[number]
        if part.since is not None or not part.is_unsubmitted:
            continue
        reason = "" if stop is not None else unsatisfiable_reason(run, step, number)
        if stop is not None:
            part, reason = withdrawn(part), stop.reason
        elif state.early_stop is not None:
            part = withdrawn(part)
        elif reason:
            part = replace(part, outcome=JobOutcome.FAILED, failed=part.size)
        elif waits_for_canary(step, state, number):
            continue
        elif free > 0 and may_submit(run, step, number):
            part = replace(part, since=at)
            free -= 1
        else:
            continue
        state = replace(
            state, parts=state.with_part(number, part), reason=state.reason or short(reason)
        )
        run = run.with_step(step.name, state)
    return run, free


def submissions_are_held(run: Run, at: datetime) -> bool:
    """its budget is reached or its cost unknown, something is to be submitted"""
    return bool(reason_to_hold(run)) and any(
        is_held(run, step) and _is_held_back(run, step, at) for step in run.pipeline.order
    )


def nothing_is_held(run: Run, at: datetime) -> bool:
    """nothing is to be submitted any more"""
    return not submissions_are_held(run, at)


def _is_held_back(run: Run, step: Step, at: datetime) -> bool:
    """Whether a step would begin, or submit a part, if it were not held."""
    state = run.state(step.name)
    if state.status is SUBMITTING:
        return any(
            part.since is None
            and part.is_unsubmitted
            and not waits_for_canary(step, state, number)
            and may_submit(run, step, number)
            for number, part in enumerate(state.parts)
        )
    here = Situation(run=run, step=step, state=state, event=None, at=at)
    row = first_match(_STEP_ROWS.get((None, state.status), ()), here)
    return row is not None and _is_begun_by(row)


HOLD_TABLE: tuple[RunRow, ...] = (
    run_row(RunStatus.RUNNING, None, paused, to=RunStatus.PAUSED, when=submissions_are_held),
    run_row(RunStatus.PAUSED, None, unpaused, to=RunStatus.RUNNING, when=nothing_is_held),
)
"""How a run with a budget comes to wait for a person, and no longer has to."""


RUN_END_TABLE: tuple[RunRow, ...] = tuple(
    row
    for source in (RunStatus.RUNNING, RunStatus.CANCELLING)
    for row in group(
        every_step_has_ended,
        run_row(
            source,
            None,
            end_cancelled_run,
            to=RunStatus.CANCELLED,
            when=stopped_by_a_cancellation,
        ),
        run_row(source, None, end_failed, to=RunStatus.FAILED, when=stopped_otherwise),
        run_row(source, None, end_failed, to=RunStatus.FAILED, when=a_step_failed),
        run_row(source, None, end_partial_run, to=RunStatus.PARTIAL, when=a_step_is_partial),
        run_row(source, None, end_succeeded, to=RunStatus.SUCCEEDED, when=no_step_failed),
    )
)
"""The ends of a run. The first row whose predicate holds decides."""

_RUN_ROWS = tuple(map(by_event, (HOLD_TABLE, RUN_END_TABLE)))
