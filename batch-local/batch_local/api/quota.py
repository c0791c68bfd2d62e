"""The account's requests a second; beyond them AWS Batch answers 429."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from batch_local.errors import TooManyRequestsException

REQUESTS_PER_S = 50
"""Source: Batch User Guide, service quotas."""


class Quota:
    """Counts the requests of the present second.

    Args:
        kind: "none", "shared" by all operations, or one for "each".
        clock: epoch milliseconds.
    """

    def __init__(self, kind: str, clock: Callable[[], int]) -> None:
        self._kind = kind
        self._clock = clock
        self._second = 0
        self._counts: Counter[str] = Counter()

    def take(self, operation: str) -> None:
        """Count one request. Raises: TooManyRequestsException."""
        if self._kind == "none":
            return
        second = self._clock() // 1000
        if second != self._second:
            self._second = second
            self._counts.clear()
        key = operation if self._kind == "each" else ""
        self._counts[key] += 1
        if self._counts[key] > REQUESTS_PER_S:
            raise TooManyRequestsException("Too Many Requests")
