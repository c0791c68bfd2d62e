"""What is known of the cost of a run with a budget, and whether it waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Pause:
    """A run that holds back its submissions until its budget is raised. The latest is kept."""

    number: int
    """The first of a run is 1."""
    at: datetime
    reason: str
    answered: frozenset[int] = frozenset()
    """The rules whose notice SNS has accepted, or never will: places in the pipeline's `notify`."""
    notices_since: datetime
    """When they became pending, or were last taken over."""


@dataclass(frozen=True, kw_only=True)
class Spending:
    """Of a run with a budget; of any other it stays as it was made."""

    budget_usd: float | None = None
    """As it was raised to; None is the pipeline's."""
    raised_at: datetime | None = None
    measurements: int = 0
    """How often ended jobs were measured; the next one has this number."""
    since: datetime | None = None
    """When a measurement became pending, or was last taken over; None if none is."""
    requests: int = 0
    """How often reconcile asked for this one again."""
    unknown: str = ""
    """Why an ended job has no price, until a person goes on without it."""
    pause: Pause | None = None


NO_SPENDING = Spending()
