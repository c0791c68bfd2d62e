"""Deliveries in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class MemoryDeliveries:
    """The messages that are to come again soon."""

    returned: list[str] = field(default_factory=list)

    def return_soon(self, records: Sequence[Mapping[str, Any]]) -> None:
        self.returned += [record["messageId"] for record in records]
