"""What AWS bounds: calls a second, and invocations at a time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from batchrelay_cli.simulate.agenda import START_MS, Agenda

_M = TypeVar("_M")

SUBMITS_PER_S = 50
"""Of an account and Region, not raisable. Source: Batch User Guide, service quotas."""

PATIENCE_MS = 3_000
"""For which a throttled submission is tried before it is postponed (adapters/batch.py)."""

SUBMIT_MS, SUBMITS_AT_ONCE = 150, 8
"""Of a call of SubmitJob, an assumption; how many an invocation makes at once."""

READ_MS, WRITE_MS, INVOCATION_MS = 5, 10, 20
"""Of DynamoDB, and of an invocation that is warm: assumptions."""


@dataclass
class SubmitQuota:
    """A bucket that holds a second of calls."""

    full_at_ms: int = 0
    """When it will be full again."""
    seconds: Counter[int] = field(default_factory=Counter)
    """Calls that were accepted, by second."""
    throttled: int = 0

    def accepted_at(self, now_ms: int) -> int | None:
        """When a call is accepted, tried again and again; None if that takes too long."""
        gap_ms = 1_000 // SUBMITS_PER_S
        full_at_ms = max(self.full_at_ms, now_ms) + gap_ms
        at = max(now_ms, full_at_ms - 1_000)
        if at - now_ms > PATIENCE_MS:
            self.throttled += 1
            return None
        self.full_at_ms = full_at_ms
        self.seconds[(at - START_MS) // 1_000] += 1
        return at


class Pool(Generic[_M]):
    """A queue of SQS and the function that Lambda invokes for it.

    Args:
        handle: is given a batch; the milliseconds that the invocation takes.
    """

    def __init__(
        self,
        agenda: Agenda,
        *,
        at_once: int,
        batch: int,
        window_ms: int,
        handle: Callable[[Sequence[_M]], int],
    ) -> None:
        self.invocations = self.busy_ms = self.most_at_once = 0
        self.waits_ms: list[int] = []
        """Of each message, until an invocation took it."""
        self._agenda, self._handle = agenda, handle
        self._at_once, self._batch, self._window_ms = at_once, batch, window_ms
        self._messages: deque[tuple[int, _M]] = deque()
        self._running = 0

    def put(self, message: _M) -> None:
        """A message is in the queue."""
        self._messages.append((self._agenda.now_ms, message))
        if len(self._messages) >= self._batch:
            self._pump()
        else:
            self._agenda.after(self._window_ms, self._pump)

    def _pump(self) -> None:
        while self._messages and self._running < self._at_once and self._is_due():
            count = min(self._batch, len(self._messages))
            taken = [self._messages.popleft() for _ in range(count)]
            now_ms = self._agenda.now_ms
            self.waits_ms += [now_ms - since_ms for since_ms, _ in taken]
            self._running += 1
            self.invocations += 1
            self.most_at_once = max(self.most_at_once, self._running)
            took_ms = self._handle([message for _, message in taken])
            self.busy_ms += took_ms
            self._agenda.after(took_ms, self._ended)

    def _is_due(self) -> bool:
        is_full = len(self._messages) >= self._batch
        return is_full or self._agenda.now_ms - self._messages[0][0] >= self._window_ms

    def _ended(self) -> None:
        self._running -= 1
        self._pump()
