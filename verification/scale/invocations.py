"""Invocations beside each other on virtual time, each a greenlet: the engine, which knows nothing
of it, stops where it waits for AWS, and others go on. So two of them do meet at one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from greenlet import getcurrent, greenlet

from batchrelay.adapters.backoff import FIRST_WAIT_S, RESERVE_S, WAIT_S_MAX
from batchrelay_cli.simulate.agenda import Agenda


class Invocations:
    """All that run now."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda, self._main = agenda, getcurrent()
        self._ends_ms: dict[greenlet, int] = {}

    def begin(self, work: Callable[[], object], timeout_s: int) -> None:
        """Do it at this moment, but after what is being done."""
        invocation = greenlet(work, self._main)
        self._ends_ms[invocation] = self._agenda.now_ms + timeout_s * 1_000
        self._agenda.after(0, lambda: self._resume(invocation))

    def wait(self, ms: int) -> None:
        """The invocation that is at work now goes on so much later."""
        invocation = getcurrent()
        self._agenda.after(ms, lambda: self._resume(invocation))
        self._main.switch()

    def time_left(self) -> float:
        """Seconds of the invocation that is at work now."""
        return (self._ends_ms[getcurrent()] - self._agenda.now_ms) / 1_000

    def _resume(self, invocation: greenlet) -> None:
        invocation.switch()
        if invocation.dead:
            del self._ends_ms[invocation]


@dataclass
class VirtualBackoff:
    """The waits of adapters/backoff.py, drawn by a seed, on virtual time."""

    invocations: Invocations
    rng: Random = field(default_factory=lambda: Random(1))

    def time_left(self) -> float:
        return self.invocations.time_left()

    def tries(self) -> Iterator[int]:
        yield 0
        number = 0
        while True:
            number += 1
            bound = min(WAIT_S_MAX, FIRST_WAIT_S * math.pow(2, min(number, 20)))
            wait_s = self.rng.uniform(0, bound)
            if wait_s + RESERVE_S > self.time_left():
                return
            self.invocations.wait(round(wait_s * 1_000))
            yield number
