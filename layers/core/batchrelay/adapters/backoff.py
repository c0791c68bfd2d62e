"""Waits between two tries of a conditional write, as long as the invocation has time.

Full jitter: each wait is drawn between nothing and a bound that doubles, so that writers that
collided once are spread over more and more time. Source: AWS Architecture Blog, "Exponential
Backoff And Jitter".
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

FIRST_WAIT_S = 0.02
"""Seconds of the first bound: about one load and save."""

WAIT_S_MAX = 0.5
"""Seconds of the last bound. The writers of a run fit in: ten handlers, a starter and a preparation
that each need 40 ms."""

RESERVE_S = 5.0
"""Seconds of an invocation that no wait takes: a save, its effects, and the answer."""


@dataclass
class JitteredBackoff:
    """Of one process, which has one invocation at a time."""

    ends_at: float = math.inf
    """When the invocation must have ended, by the monotonic clock; never, outside of Lambda."""
    sleep: Callable[[float], None] = time.sleep

    def begin(self, seconds: float) -> None:
        """An invocation begins that may take so many seconds."""
        self.ends_at = time.monotonic() + seconds

    def time_left(self) -> float:
        return self.ends_at - time.monotonic()

    def tries(self) -> Iterator[int]:
        yield 0
        for number in count(1):
            bound = min(WAIT_S_MAX, FIRST_WAIT_S * 2.0 ** min(number, 20))
            wait = random.uniform(0, bound)  # noqa: S311  # a wait, no secret
            if wait + RESERVE_S > self.time_left():
                return
            self.sleep(wait)
            yield number
