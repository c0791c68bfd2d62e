"""The rows of the state tables, and how a program reads them.

A row says: a step (or a run) in this status, at this event, when this predicate holds, is changed
by this function and is then in that status. The first row that matches decides. Without an event
the predicate looks at the state alone. The docstrings of the predicates are the texts of the
diagrams in docs/explanation/states.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from batchrelay.domain.errors import TransitionError
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import StepState, StepStatus

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation(Generic[E_co]):
    """What a step's row looks at."""

    run: Run
    step: Step
    state: StepState
    event: E_co
    """None for a transition that needs no event."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One transition of a step."""

    source: StepStatus
    event: type[Any] | None
    when: Callable[[Situation[Any]], bool] | None
    apply: Callable[[Situation[Any]], StepState | Run]
    target: StepStatus
    grows: bool
    """Whether the stored run may grow by it: the step is FAILED where it may not."""

    @property
    def label(self) -> str:
        """The event and the predicate, for diagrams and coverage."""
        return _label(self.event, self.when)

    @property
    def name(self) -> str:
        """The row as one text."""
        return f"{self.source} -> {self.target}: {self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One transition of a run's status."""

    source: RunStatus
    event: type[Any] | None
    when: Callable[[Run, Any], bool] | None
    apply: Callable[[Run, Any], Run]
    target: RunStatus

    def matches(self, run: Run, event: Any) -> bool:
        """Whether this row decides, if no row before it does."""
        return self.when is None or self.when(run, event)

    @property
    def label(self) -> str:
        """The event and the predicate, for diagrams and coverage."""
        return _label(self.event, self.when)

    @property
    def name(self) -> str:
        """The row as one text."""
        return f"{self.source} -> {self.target}: {self.label}"


def on(
    source: StepStatus,
    event: type[E],
    apply: Callable[[Situation[E]], StepState | Run],
    *,
    to: StepStatus | None = None,
    when: Callable[[Situation[E]], bool] | None = None,
    grows: bool = False,
) -> StepRow:
    """A row that an event triggers; it stays in its status unless `to` says where it goes."""
    target = source if to is None else to
    return StepRow(source=source, event=event, when=when, apply=apply, target=target, grows=grows)


def derived(
    source: StepStatus,
    apply: Callable[[Situation[None]], StepState | Run],
    *,
    to: StepStatus,
    when: Callable[[Situation[None]], bool],
    grows: bool = False,
) -> StepRow:
    """A row that the state alone triggers."""
    return StepRow(source=source, event=None, when=when, apply=apply, target=to, grows=grows)


def run_row(
    source: RunStatus,
    event: type[E] | None,
    apply: Callable[[Run, E], Run],
    *,
    to: RunStatus,
    when: Callable[[Run, E], bool] | None = None,
) -> RunRow:
    """A row of a run's status; without an event it gets the time."""
    return RunRow(source=source, event=event, when=when, apply=apply, target=to)


def first_match(rows: Iterable[StepRow], situation: Situation[Any]) -> StepRow | None:
    """The row that decides."""
    for row in rows:
        if row.when is None or row.when(situation):
            return row
    return None


def applied(row: StepRow, situation: Situation[Any]) -> Run:
    """The run after a row. Raises: TransitionError if it led elsewhere, which is a bug."""
    name = situation.step.name
    changed = row.apply(situation)
    run = situation.run.with_step(name, changed) if isinstance(changed, StepState) else changed
    if run.state(name).status is not row.target:
        raise TransitionError(f"{name}: {row.name}: it is {run.state(name).status}")
    return run


def run_applied(row: RunRow, run: Run, event: Any) -> Run:
    """The run after a row. Raises: TransitionError if it led elsewhere, which is a bug."""
    changed = row.apply(run, event)
    if changed.status is not row.target:
        raise TransitionError(f"run {run.id}: {row.name}: it is {changed.status}")
    return changed


def _label(event: type[Any] | None, when: Callable[..., bool] | None) -> str:
    words = [] if event is None else [event.__name__]
    if when is not None:
        words.append(f"({(when.__doc__ or '').strip().removesuffix('.')})")
    return " ".join(words)
