"""Which rows of the tables, and which effects, simulated runs have reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import get_args

from batchrelay.domain.derived_transitions import DERIVED_TABLE
from batchrelay.domain.effects import Effect
from batchrelay.domain.events import Event, GraceExpired
from batchrelay.domain.run import Run, StepStatus
from batchrelay.domain.transitions import EVENT_TABLE, advance

RARE = {
    "ACTIVE + JobMissing -> CANCELLED",
    "FAILED + JobSubmitted -> FAILED",
    "PREPARING + JobSubmitted -> PREPARING",
    "CANCELLED + JobSubmitted -> CANCELLED",
    "SUBMITTING + JobFailed -> ACTIVE",
    "SUBMITTING + JobFailed -> CANCELLED",
    "SUBMITTING + JobSucceeded -> FAILED",
    "SUBMITTING + JobSucceeded -> CANCELLED",
    "SUBMITTING + SubmissionRefused -> CANCELLED",
    "SUBMITTING + SubmissionWithdrawn -> ACTIVE",
    "SUBMITTING + SubmissionWithdrawn -> SUBMITTING",
    "SUCCEEDED + JobSubmitted -> SUCCEEDED",
}
"""What takes thousands of runs, such as twins that are heard of hours late. Unit tests have them;
`make sim` says whether it met them."""


@dataclass
class Coverage:
    """Counts of what was reached, by its name."""

    reached: Counter[str] = field(default_factory=Counter)

    def folded(self, run: Run, events: Iterable[Event]) -> Run:
        """Fold as the engine does, and look."""
        for event in events:
            after = advance(run, event)
            if after is not run:
                self._note(run, event, after)
            run = after
        return run

    def started(self, run: Run) -> None:
        """What a new run has settled at once."""
        for state in run.steps.values():
            self.reached[f"WAITING -> {state.status}"] += 1

    def performed(self, effects: Iterable[Effect]) -> None:
        """Effects that were performed."""
        for effect in effects:
            self.reached[type(effect).__name__] += 1

    def missing(self) -> list[str]:
        """Rows and effects that were never reached."""
        wanted = {
            f"{source} + {event.__name__} -> {target}"
            for (source, event), targets in EVENT_TABLE.items()
            for target in targets
        }
        wanted |= {
            f"{row.source} -> {target}"
            for row in DERIVED_TABLE
            for target in row.targets
            if row.source is StepStatus.WAITING
        }
        wanted |= {effect.__name__ for effect in get_args(Effect)}
        return sorted(wanted - set(self.reached))

    def _note(self, before: Run, event: Event, after: Run) -> None:
        own = _step_of(before, event)
        for step in after.pipeline.order:
            old, new = before.state(step.name), after.state(step.name)
            if step.name == own:
                self.reached[f"{old.status} + {type(event).__name__} -> {new.status}"] += 1
            elif isinstance(event, GraceExpired) and old.attempts != new.attempts:
                self.reached[f"{old.status} + GraceExpired -> {new.status}"] += 1
            elif old.status is not new.status:
                self.reached[f"{old.status} -> {new.status}"] += 1


def _step_of(run: Run, event: Event) -> str | None:
    key = getattr(event, "key", None)
    if key is not None:
        step = run.pipeline.step_of_label(key.label)
        return None if step is None else step.name
    name: str | None = getattr(event, "step", None)
    return name
