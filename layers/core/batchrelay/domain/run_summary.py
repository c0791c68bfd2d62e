"""A run as a list has it, and where it stands there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from batchrelay.domain.run import RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run in a list."""

    id: str
    pipeline: str
    status: RunStatus
    started_at: datetime
    cause: str = ""
    """What started it; empty by hand."""
    cost_usd: float | None = None
    """An estimate of what it cost; None is unknown."""

    @property
    def place(self) -> str:
        """Where it stands in a list by time: no two runs stand at one place."""
        return run_place(self.started_at, self.id)


def run_place(started_at: datetime, run_id: str) -> str:
    """Sorts by time, then by id."""
    return f"{started_at.astimezone(UTC).isoformat(timespec='milliseconds')}~{run_id}"
