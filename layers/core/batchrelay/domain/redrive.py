"""A run that has ended goes on: what failed runs again, and what depends on it.

A redrive is a further round of the same run. It changes the run once: a second one that comes at
the same moment meets a run that is RUNNING, and changes nothing.

A step with failed items runs those again. A step that depends on it by an event runs anew, because
what it made was made of less; one that follows it child by child (N_TO_N) runs its own failed items
again once the step before has ended. Whatever of the ordinary steps runs again, all finally steps
run again behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from batchrelay.domain.copies import replace
from batchrelay.domain.events import RedriveRequested
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.run import Redrive, Run, RunStatus
from batchrelay.domain.step_state import StepState, StepStatus

_FAILED = (StepStatus.FAILED, StepStatus.PARTIAL, StepStatus.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveOrder:
    """What a caller wants to run again; see Redrive."""

    step: str = ""
    classes: frozenset[str] = frozenset()
    queue: str = ""
    memory_factor: float | None = None
    params: Mapping[str, str] = field(default_factory=dict)


class Again(StrEnum):
    """What a redrive does to a step."""

    FAILED_ITEMS = "failed items"
    WHOLE = "whole step"


def steps_to_redrive(run: Run, only: str = "") -> dict[str, Again]:
    """What runs again, by step in topological order.

    Args:
        only: the step whose failed items run again; empty for every step that failed.
    """
    again: dict[str, Again] = {}
    for step in run.pipeline.order:
        if step.is_finally and any(not run.pipeline.step(name).is_finally for name in again):
            again[step.name] = Again.WHOLE  # what it cleans up, or reports, is another
            continue
        named = only in ("", step.name) and run.state(step.name).status in _FAILED
        behind = [again[need] for need in step.n_to_n_needs if need in again]
        if (
            any(need in again for need in step.needs if need not in step.n_to_n_needs)
            or Again.WHOLE in behind
        ):
            again[step.name] = Again.WHOLE
        elif named or behind:
            again[step.name] = _how(run.state(step.name))
    return again


def _how(state: StepState) -> Again:
    """Only a step that failed with jobs knows its failed items."""
    has_items = state.status in _FAILED and bool(state.every_part)
    return Again.FAILED_ITEMS if has_items else Again.WHOLE


def event_of(run: Run, order: RedriveOrder, at: datetime) -> RedriveRequested:
    """The event that an order is, of this run as it is now."""
    redrive = Redrive(
        number=run.redrive_number + 1,
        at=at,
        step=order.step,
        classes=order.classes,
        queue=order.queue,
        memory_factor=order.memory_factor,
    )
    return RedriveRequested(at=at, redrive=redrive, params=order.params)


def may_be_redriven(run: Run, event: RedriveRequested) -> bool:
    """nothing of it is pending, a step has something to run again"""
    return not pending_effects(run) and bool(steps_to_redrive(run, event.redrive.step))


def redriven(run: Run, event: RedriveRequested) -> Run:
    """RUNNING from now on; its notices and its event are sent again when it ends."""
    again = steps_to_redrive(run, event.redrive.step)
    is_of_finally = all(run.pipeline.step(name).is_finally for name in again)
    return replace(
        run,
        status=RunStatus.RUNNING,
        params={**run.params, **event.params},
        redrive=event.redrive,
        ended_at=None,
        stop=run.stop if is_of_finally else None,
        finally_stop=None,
        notices={},
        notices_since=None,
        report=None,
        cost=None if run.pipeline.budget is None else run.cost,
        end_event=None,
        end_event_since=None,
        queues_since=None,
        consumable_resources_since=None,
        continue_since=None,
        steps=_steps_again(run, again, event),
    )


def _steps_again(
    run: Run, again: Mapping[str, Again], event: RedriveRequested
) -> Mapping[str, StepState]:
    changed = {}
    for name, how in again.items():
        state = run.state(name)
        if how is Again.FAILED_ITEMS:
            changed[name] = replace(
                state,
                status=StepStatus.ACTIVE,
                since=event.at,
                redrive_round=state.round + 1,
                early_stop=None,
            )
        else:
            changed[name] = StepState(round=state.round + 1)
    return {**run.steps, **changed}
