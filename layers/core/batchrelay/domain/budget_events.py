"""Facts about the cost of a run with a budget, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from batchrelay.domain.run_cost import RunCost


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What ended jobs cost."""

    job_ids: frozenset[str]
    """Those that were looked at, with a price or without."""
    cost: RunCost | None = None
    """Of those with a price; None if none of them ran, or none has one."""
    unknown: str = ""
    """Why one of them has no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostMeasured:
    """What jobs of a run that have ended cost."""

    at: datetime
    number: int
    """Which measurement of the run."""
    measured: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRaised:
    """A person lets a run that is PAUSED go on."""

    at: datetime
    pause: int
    """Which pause of the run is over."""
    usd: float


BudgetEvent = CostMeasured | BudgetRaised
