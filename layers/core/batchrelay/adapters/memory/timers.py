"""Timers in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchrelay.domain.upload_batch import TimerMessage


@dataclass
class MemoryTimers:
    """Timers that fire when a test says so."""

    timers: list[tuple[TimerMessage, float]] = field(default_factory=list)
    """With the seconds to wait."""

    def send(self, timer: TimerMessage, delay_s: float) -> None:
        self.timers.append((timer, delay_s))
