"""What `Prepared` makes of a step: the predicates and changes of EVENT_TABLE."""

from __future__ import annotations

from batchrelay.domain.array_split import parts_of_groups
from batchrelay.domain.canary import canary_children
from batchrelay.domain.copies import replace
from batchrelay.domain.events import Prepared
from batchrelay.domain.n_to_n import unequal_parts
from batchrelay.domain.step_state import NO_ATTEMPTS, Part, StepState, StepStatus
from batchrelay.domain.table import Situation
from batchrelay.domain.values import counted


def has_no_items(here: Situation[Prepared]) -> bool:
    """no items, and no N_TO_N need has any"""
    needs = here.step.n_to_n_needs
    has_parts = any(here.run.state(name).first_parts for name in needs)
    return _is_of_round(here) and here.event.items == 0 and not has_parts


def has_unequal_parts(here: Situation[Prepared]) -> bool:
    """its parts are not those of an N_TO_N need"""
    return _is_of_round(here) and bool(_inequality(here))


def has_parts(here: Situation[Prepared]) -> bool:
    """it has items"""
    return _is_of_round(here)


def _is_of_round(here: Situation[Prepared]) -> bool:
    return here.event.round == here.state.round


def _inequality(here: Situation[Prepared]) -> str:
    return unequal_parts(here.run, here.step, _parts(here))


def _parts(here: Situation[Prepared]) -> tuple[Part, ...]:
    canary = canary_children(here.step, here.state, here.event.chunk)
    return parts_of_groups(here.event.children, canary)


def skip(here: Situation[Prepared]) -> StepState:
    """SKIPPED, with the reason why there are no items; its dependents run."""
    return replace(
        _prepared(here),
        status=StepStatus.SKIPPED,
        since=here.at,
        children=0,
        reason=_nothing(here.event),
    )


def _nothing(event: Prepared) -> str:
    """Why there are no items."""
    if event.existing:
        return f"0 items, {event.existing:,} {'was' if event.existing == 1 else 'were'} there"
    if event.passed:
        verb = "does" if event.passed == 1 else "do"
        return f"0 items, {counted(event.passed, 'objects')} {verb} not match"
    return "0 items"


def fail_unequal_parts(here: Situation[Prepared]) -> StepState:
    """FAILED, with both sizes."""
    state = replace(_prepared(here), chunk=here.event.chunk, queue=here.event.queue)
    return replace(state, status=StepStatus.FAILED, since=here.at, reason=_inequality(here))


def submit_parts(here: Situation[Prepared]) -> StepState:
    """Its parts are known."""
    parts = _parts(here)
    return replace(
        _prepared(here),
        status=StepStatus.SUBMITTING,
        since=here.at,
        chunk=here.event.chunk,
        queue=here.event.queue,
        children=sum(part.size for part in parts),
        parts=parts,
    )


def _prepared(here: Situation[Prepared]) -> StepState:
    event = here.event
    return replace(
        here.state,
        items=event.items,
        existing=event.existing,
        manifest=event.manifest,
        attempts=NO_ATTEMPTS,
        resume="",
        reason="",
    )
