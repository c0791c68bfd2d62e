"""Timers in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchrelay.domain.upload_batch import Ring


@dataclass
class MemoryTimers:
    """Timers that ring when they are asked to."""

    rings: list[tuple[Ring, float]] = field(default_factory=list)
    """With the seconds to wait."""

    def ring(self, ring: Ring, delay_s: float) -> None:
        self.rings.append((ring, delay_s))
