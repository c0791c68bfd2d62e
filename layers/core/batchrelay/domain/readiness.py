"""When a step that waits may begin, and how: the predicates and changes of STEP_TABLE."""

from __future__ import annotations

from collections.abc import Iterator

from batchrelay.domain.array_split import own_size, parts_of_groups
from batchrelay.domain.canary import canary_children
from batchrelay.domain.conditions import parse_condition
from batchrelay.domain.copies import replace
from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.n_to_n import unequal_parts
from batchrelay.domain.n_to_n_chains import continues
from batchrelay.domain.pipeline import Step
from batchrelay.domain.preparation_attempts import not_prepared
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import Part, StepState, StepStatus
from batchrelay.domain.table import Situation
from batchrelay.domain.values import short
from batchrelay.domain.variables import condition_lookup, variables_of

_Here = Situation[None]


def run_is_stopping(here: _Here) -> bool:
    """the run is being stopped"""
    return stop_of(here.run, here.step) is not None


def need_does_not_let_it_run(here: _Here) -> bool:
    """a need ended and does not let it run"""
    return next(_blockers(here), None) is not None


def condition_is_false(here: _Here) -> bool:
    """`when` does not hold"""
    when = here.step.when
    return when is not None and not parse_condition(when).holds(condition_lookup(here.run))


def has_items(here: _Here) -> bool:
    """it has items"""
    return here.step.has_items


def n_to_n_need_is_empty(here: _Here) -> bool:
    """an N_TO_N need has no children"""
    needs = here.step.n_to_n_needs
    return bool(needs) and any(here.run.state(need).children == 0 for need in needs)


def size_is_invalid(here: _Here) -> bool:
    """its size is no size of an array"""
    return bool(_size_problem(here))


def size_is_zero(here: _Here) -> bool:
    """its size is 0"""
    return not continues(here.step) and _size(here) == 0


def parts_are_unequal(here: _Here) -> bool:
    """its parts are not those of an N_TO_N need"""
    return bool(_inequality(here))


def needs_let_it_run(here: _Here) -> bool:
    """every need lets it run"""
    return all(_lets_run(here.run, here.step, need) for need in here.step.needs)


def waits_for_needs(run: Run, step: Step) -> bool:
    """Whether a need is at work and none ended badly: no row but that of a stop can match."""
    waits = False
    for need in step.needs:
        if need not in run.steps:
            waits = True
        elif not _lets_run(run, step, need):
            if run.state(need).status.is_terminal:
                return False
            waits = True
    return waits


def _blockers(here: _Here) -> Iterator[str]:
    for need in here.step.needs:
        state = here.run.state(need)
        if state.status.is_terminal and not state.lets_dependents_run:
            yield need


def _lets_run(run: Run, step: Step, need: str) -> bool:
    """An event edge wants its need ended well; an N_TO_N one wants its children known, and no item
    of it run again: the pairs of such a round are not those of the first."""
    state = run.state(need)
    if need in step.n_to_n_needs and state.status in _AT_WORK and not state.is_retry:
        return True
    return state.lets_dependents_run


_AT_WORK = (StepStatus.SUBMITTING, StepStatus.ACTIVE)


def _size_problem(here: _Here) -> str:
    if here.step.array_size is None and not continues(here.step):
        return ""
    try:
        _planned(here)
    except InvalidItems as error:
        return short(str(error))
    return ""


def _inequality(here: _Here) -> str:
    if not here.step.n_to_n_needs:
        return ""
    return unequal_parts(here.run, here.step, _planned(here).parts)


def cancel(here: _Here) -> StepState:
    """StepStatus.CANCELLED, with the reason of the stop."""
    stop = stop_of(here.run, here.step)
    assert stop is not None, here.run.id
    return not_prepared(here.state, StepStatus.CANCELLED, here.at, stop.reason)


def skip_blocked(here: _Here) -> StepState:
    """StepStatus.SKIPPED, with the need that blocks it."""
    blocker = next(_blockers(here))
    return _skipped(here, f"needs {blocker}, which is {here.run.state(blocker).status}")


def skip_unmet(here: _Here) -> StepState:
    """StepStatus.SKIPPED, with the condition."""
    return _skipped(here, f"when: {here.step.when} does not hold")


def _skipped(here: _Here, reason: str) -> StepState:
    return replace(here.state, status=StepStatus.SKIPPED, since=here.at, reason=short(reason))


def prepare(here: _Here) -> StepState:
    """Its items are to be prepared."""
    return replace(here.state, status=StepStatus.PREPARING, since=here.at)


def skip_empty(here: _Here) -> StepState:
    """Nothing to do; the items that the steps before it left out are left out here too."""
    nothing = replace(_skipped(here, "0 items"), items=0, children=0)
    if not continues(here.step):
        return nothing
    lead = here.run.state(min(here.step.n_to_n_needs))
    return replace(_with_existing(nothing, lead), reason=lead.reason or nothing.reason)


def fail_size(here: _Here) -> StepState:
    """StepStatus.FAILED, with what is wrong with the size."""
    return replace(here.state, status=StepStatus.FAILED, since=here.at, reason=_size_problem(here))


def skip_zero(here: _Here) -> StepState:
    """StepStatus.SKIPPED; its dependents run."""
    return replace(_skipped(here, "0 children"), children=0)


def fail_unequal(here: _Here) -> StepState:
    """StepStatus.FAILED, with both sizes."""
    return replace(here.state, status=StepStatus.FAILED, since=here.at, reason=_inequality(here))


def submit(here: _Here) -> StepState:
    """Its parts are known."""
    planned = _planned(here)
    children = sum(part.size for part in planned.parts)
    return replace(planned, status=StepStatus.SUBMITTING, since=here.at, children=children)


def _planned(here: _Here) -> StepState:
    """The step with its parts. Without a size of its own it continues the N_TO_N steps before it,
    items and all."""
    if continues(here.step):
        lead = here.run.state(min(here.step.n_to_n_needs))
        parts = tuple(Part(size=part.size, group=part.group) for part in lead.first_parts)
        state = _with_existing(here.state, lead)
        return replace(state, items=lead.items, chunk=lead.chunk, parts=parts)
    size = _size(here)
    canary = canary_children(here.step, here.state, chunk=1)
    return replace(here.state, parts=parts_of_groups((size,), canary))


def _size(here: _Here) -> int:
    """Most steps have none that could name a variable."""
    variables = {} if here.step.array_size is None else variables_of(here.run)
    return own_size(here.step, variables)


def _with_existing(state: StepState, lead: StepState) -> StepState:
    return replace(state, existing=lead.existing, manifest=lead.manifest)
