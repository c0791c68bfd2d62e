"""EventBridge in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchrelay.domain.state_change import StateChange


@dataclass
class MemoryEventBus:
    """A bus that keeps what it was given."""

    published: list[StateChange] = field(default_factory=list)

    def publish(self, change: StateChange) -> None:
        self.published.append(change)
