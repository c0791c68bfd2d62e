"""The rows of the state tables, and how a program reads them.

A row says: a step (or a run) in this status, at this event, when this predicate holds, is changed
by this function and is then in that status. The first row that matches decides. Without an event
the predicate looks at the state alone. What rows beside each other have in common is a predicate of
their group, which is looked at once for all of them. The docstrings of the predicates are the texts
of the diagrams in docs/explanation/states.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Generic, TypeVar

from batchrelay.domain.errors import TransitionError
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import StepState, StepStatus

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


@dataclass(slots=True, kw_only=True)  # frozen would cost three times as much
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
    grows: bool = False
    """Whether the stored run may grow by it: the step is FAILED where it may not."""
    given: Callable[[Situation[Any]], bool] | None = None
    """The predicate of its group."""

    @property
    def label(self) -> str:
        """The event and the predicates, for diagrams and coverage."""
        return _label(self.event, self.given, self.when)

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
    given: Callable[[Run, Any], bool] | None = None
    """The predicate of its group."""

    @property
    def label(self) -> str:
        """The event and the predicates, for diagrams and coverage."""
        return _label(self.event, self.given, self.when)

    @property
    def name(self) -> str:
        """The row as one text."""
        return f"{self.source} -> {self.target}: {self.label}"


Row = TypeVar("Row", StepRow, RunRow)


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
    when: Callable[[Situation[None]], bool] | None = None,
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


def group(given: Callable[..., bool], *rows: Row) -> tuple[Row, ...]:
    """Rows that have a predicate in common, which is looked at before their own."""
    return tuple(replace(row, given=given) for row in rows)


Rows = Mapping[tuple[Any, Any], "Groups[Row]"]
"""The rows of a table by their event and status."""

Groups = tuple[tuple[Callable[..., bool] | None, tuple[Row, ...]], ...]
"""Rows of one event and status, by what they have in common."""


def by_event(rows: Iterable[Row]) -> Rows[Row]:
    """The rows of a table, as they are looked for."""
    table: dict[tuple[Any, Any], list[Row]] = {}
    for row in rows:
        table.setdefault((row.event, row.source), []).append(row)
    return {key: grouped(those) for key, those in table.items()}


def grouped(rows: Iterable[Row]) -> Groups[Row]:
    """The rows of one event and status, in their order."""
    groups = groupby(rows, key=attrgetter("given"))
    return tuple((given, tuple(those)) for given, those in groups)


def first_match(groups: Groups[Row], *here: Any) -> Row | None:
    """The row that decides. A predicate gets what is to be looked at: a situation, or a run with an
    event or a time."""
    for given, rows in groups:
        if given is not None and not given(*here):
            continue
        for row in rows:
            if row.when is None or row.when(*here):
                return row
    return None


def applied(row: StepRow, situation: Situation[Any]) -> Run:
    """The run after a row. Raises: TransitionError if it led elsewhere, which is a bug."""
    name = situation.step.name
    changed = row.apply(situation)
    if isinstance(changed, StepState):
        state, run = changed, situation.run.with_step(name, changed)
    else:
        state, run = changed.state(name), changed
    if state.status is not row.target:
        raise TransitionError(f"{name}: {row.name}: it is {state.status}")
    return run


def run_applied(row: RunRow, run: Run, event: Any) -> Run:
    """The run after a row. Raises: TransitionError if it led elsewhere, which is a bug."""
    changed = row.apply(run, event)
    if changed.status is not row.target:
        raise TransitionError(f"run {run.id}: {row.name}: it is {changed.status}")
    return changed


def _label(event: type[Any] | None, *predicates: Callable[..., bool] | None) -> str:
    words = [] if event is None else [event.__name__]
    texts = [(one.__doc__ or "").strip().removesuffix(".") for one in predicates if one is not None]
    if texts:
        words.append(f"({', '.join(texts)})")
    return " ".join(words)
