"""Which rows of the tables, and which effects, simulated runs have reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import get_args

from batchrelay.domain.derived_transitions import (
    HOLD_TABLE,
    RUN_END_TABLE,
    STEP_TABLE,
    derivation,
)
from batchrelay.domain.effects import Effect, Prepare
from batchrelay.domain.events import Event, GraceExpired
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_transitions import RUN_TABLE, run_event_row
from batchrelay.domain.table import RunRow
from batchrelay.domain.transitions import (
    EVENT_TABLE,
    advance,
    event_applied,
    event_row,
)

UNREACHED = {
    "PREPARING -> FAILED: GraceExpired (it was requested too often, and no attempt has ended)",
    (
        "SUBMITTING -> SUBMITTING: JobMissing "
        "(DescribeJobs has left it out long after it was to be terminated)"
    ),
    "WAITING -> FAILED: (every need lets it run, its size is no size of an array)",
    "WAITING -> SKIPPED: (every need lets it run, its size is 0)",
    (
        "run CANCELLING -> CANCELLING: DeadlinePassed "
        "(the life of its lists has passed, its finally steps go on)"
    ),
    "run RUNNING -> CANCELLED: (every step has ended, one was cancelled by request)",
    "run RUNNING -> FAILED: (every step has ended, one was stopped, such as by a timeout)",
    "run PAUSED -> RUNNING: (nothing is to be submitted any more)",
    "run QUEUED -> CANCELLING: CancelRequested",
    (
        "run QUEUED -> CANCELLING: DeadlinePassed "
        "(the run's timeout, or the life of its lists, has passed)"
    ),
    "run QUEUED -> RUNNING: RunDequeued",
}
"""What these runs cannot reach: none waits in a run queue (triggers.py plays those), none has a
size by parameter, none is redriven in part, and none loses every message of a day. Unit tests have
each of these rows."""


@dataclass
class Coverage:
    """Counts of what was reached, by its name."""

    reached: Counter[str] = field(default_factory=Counter)

    def folded(self, run: Run, events: Iterable[Event]) -> Run:
        """Fold as the engine does, and look."""
        for event in events:
            after = advance(run, event)
            if after is not run:
                self._record(run, event)
            run = after
        return run

    def started(self, run: Run) -> None:
        """The rows by which a new run came to its first state."""
        if run.steps:
            self._record_derivation(
                replace(run, steps={}, status=RunStatus.RUNNING), run.started_at
            )

    def performed(self, effects: Iterable[Effect]) -> None:
        """Effects that were performed."""
        for effect in effects:
            self.reached[type(effect).__name__] += 1

    def missing(self) -> list[str]:
        """Rows and effects that were never reached."""
        names = {row.name for row in (*STEP_TABLE, *EVENT_TABLE)}
        names |= {f"run {row.name}" for row in (*RUN_TABLE, *HOLD_TABLE, *RUN_END_TABLE)}
        names |= {effect.__name__ for effect in get_args(Effect)}
        return sorted(names - set(self.reached))

    def _record(self, run: Run, event: Event) -> None:
        for name in _steps_of(run, event):
            row = event_row(run, name, event)
            if row is not None:
                self.reached[row.name] += 1
        run_row = run_event_row(run, event)
        if run_row is not None:
            self.reached[f"run {run_row.name}"] += 1
        self._record_derivation(event_applied(run, event), event.at)

    def _record_derivation(self, run: Run, at: datetime) -> None:
        for row, _ in derivation(run, at):
            if row is not None:
                prefix = "run " if isinstance(row, RunRow) else ""
                self.reached[f"{prefix}{row.name}"] += 1


def _steps_of(run: Run, event: Event) -> Iterable[str]:
    if isinstance(event, GraceExpired):
        for effect in pending_effects(run):
            if isinstance(effect, Prepare) and effect.is_overdue(event.at):
                yield effect.step
        return
    key = getattr(event, "key", None)
    if key is not None:
        step = run.pipeline.step_of_label(key.label)
        if step is not None:
            yield step.name
    elif (name := getattr(event, "step", None)) is not None:
        yield name
