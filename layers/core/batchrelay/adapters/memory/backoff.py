"""Tries without waits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class MemoryBackoff:
    """A number of tries, without a wait."""

    tries_max: int = 20
    seconds: float = math.inf
    """That the invocation has left."""

    def time_left(self) -> float:
        return self.seconds

    def tries(self) -> Iterator[int]:
        return iter(range(self.tries_max))
