"""Virtual time: what is to happen, in its order; the clock that the engine reads."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 1, 1, tzinfo=UTC)
"""When every simulated run starts; nothing depends on it."""

START_MS = int(START.timestamp() * 1_000)


class Agenda:
    """Actions at moments; those of one moment in the order in which they were put down."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self.now_ms = START_MS
        """Epoch milliseconds."""

    def now(self) -> datetime:
        """As a clock of the engine."""
        return START + timedelta(milliseconds=self.now_ms - START_MS)

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Do it so many milliseconds from now."""
        heapq.heappush(self._due, (self.now_ms + delay_ms, next(self._numbers), action))

    def next_ms(self) -> int | None:
        """When the next action is due."""
        return self._due[0][0] if self._due else None

    def step(self) -> None:
        """Do the next action; it is that moment now."""
        self.now_ms, _, action = heapq.heappop(self._due)
        action()
