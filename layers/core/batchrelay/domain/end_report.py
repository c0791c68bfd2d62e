"""The report that a run leaves in S3 when it ends, if its pipeline says `report: true`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class EndReport:
    """What became of the report of a run's end."""

    since: datetime | None = None
    """When it became pending, or was last taken over; None once it is known what became of it."""
    requests: int = 0
    """How often reconcile asked for it again."""
    problem: str = ""
    """Why it is not there."""
