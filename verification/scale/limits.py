"""What AWS bounds: calls a second, units a second of a partition, and invocations at a time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from batchrelay_cli.simulate.agenda import START_MS, Agenda
from verification.scale.invocations import Invocations

_M = TypeVar("_M")

SUBMITS_PER_S = 50
"""Of an account and Region, not raisable. Source: Batch User Guide, service quotas."""

PATIENCE_MS = 3_000
"""For which a throttled submission is tried before it is postponed (adapters/batch.py)."""

SUBMIT_MS, SUBMITS_AT_ONCE = 150, 8
"""Of a call of SubmitJob, an assumption; how many an invocation makes at once."""

READ_MS, WRITE_MS, INVOCATION_MS = 5, 10, 20
"""Of DynamoDB, and of an invocation that is warm: assumptions."""

PARTITION_WRITES_PER_S, PARTITION_READS_PER_S = 1_000, 3_000
"""Units of one partition, of a table or an index; adaptive capacity gives an item no more than a
partition of its own. Source: DynamoDB Developer Guide, bp-partition-key-design and
throttling-key-range-limit-exceeded-mitigation."""

TABLE_WRITES_PER_S, TABLE_READS_PER_S = 4_000, 12_000
"""Units of a new table on demand, before it has grown. Source: DynamoDB Developer Guide,
warm-throughput-scenarios."""

STORE_TRIES, STORE_WAIT_MS = 10, 50
"""Tries of a throttled call, and the wait before the second, which doubles. Source: botocore,
_retry.json, dynamodb."""


POLLERS = 5
"""Batches that Lambda fills from a queue at the same time. Source: Lambda Developer Guide, Amazon
SQS, scaling. That each has every fifth message is an assumption; it adds more when a queue grows.
"""


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


@dataclass
class UnitQuota:
    """Buckets that hold a second of units, one for each key. While anything is in one, a call is
    accepted whole: an assumption."""

    per_s: int
    busiest: int = 0
    """Most units of a second, of any key."""
    _full_at_ms: dict[str, float] = field(default_factory=dict)
    _latest: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The last second of each key, and its units."""

    def has_room(self, key: str, now_ms: int) -> bool:
        """Whether a call is accepted."""
        return self._full_at_ms.get(key, 0) - now_ms < 1_000

    def take(self, key: str, units: int, now_ms: int) -> None:
        """A call was accepted."""
        full_at_ms = max(self._full_at_ms.get(key, 0), now_ms)
        self._full_at_ms[key] = full_at_ms + units * 1_000 / self.per_s
        second, before = self._latest.get(key, (0, 0))
        now = now_ms // 1_000
        of_second = units + (before if second == now else 0)
        self._latest[key] = (now, of_second)
        self.busiest = max(self.busiest, of_second)


class Pool(Generic[_M]):
    """A queue of SQS and the function that Lambda invokes for it, some batches beside each other.

    Args:
        handle: is given a batch, and waits as long as AWS takes.
    """

    def __init__(
        self,
        agenda: Agenda,
        invocations: Invocations,
        *,
        at_once: int,
        batch: int,
        window_ms: int,
        timeout_s: int,
        handle: Callable[[Sequence[_M]], None],
    ) -> None:
        self.invocations = self.busy_ms = self.most_at_once = 0
        self.waits_ms: list[int] = []
        """Of each message, until an invocation took it."""
        self.held_up = 0
        """Messages that were due while there were as many invocations as may be."""
        self._agenda, self._beside, self._handle = agenda, invocations, handle
        self._at_once, self._batch, self._window_ms = at_once, batch, window_ms
        self._timeout_s = timeout_s
        self._batches: list[list[tuple[int, _M]]] = [[] for _ in range(POLLERS)]
        self._next = 0
        self._due: deque[tuple[int, _M]] = deque()
        self._running = 0

    def put(self, message: _M) -> None:
        """A message is in the queue."""
        number = self._next
        self._next = (number + 1) % POLLERS
        batch = self._batches[number]
        batch.append((self._agenda.now_ms, message))
        if len(batch) >= self._batch:
            self._close(number, batch)
        elif len(batch) == 1:
            self._agenda.after(self._window_ms, partial(self._close, number, batch))

    def _close(self, number: int, batch: list[tuple[int, _M]]) -> None:
        """It is full, or its window has passed; then it may have been full before."""
        if self._batches[number] is batch:
            self._batches[number] = []
            self._due += batch
            self.held_up += len(batch) if self._running == self._at_once else 0
            self._pump()

    def _pump(self) -> None:
        """A batch is invoked alone, unless it had to wait: then others fill it."""
        while self._due and self._running < self._at_once:
            count = min(self._batch, len(self._due))
            taken = [self._due.popleft() for _ in range(count)]
            now_ms = self._agenda.now_ms
            self.waits_ms += [now_ms - since_ms for since_ms, _ in taken]
            self._running += 1
            self.invocations += 1
            self.most_at_once = max(self.most_at_once, self._running)
            messages = [message for _, message in taken]
            self._beside.begin(partial(self._invoke, messages), self._timeout_s)

    def _invoke(self, messages: Sequence[_M]) -> None:
        begin_ms = self._agenda.now_ms
        self._beside.wait(INVOCATION_MS)
        self._handle(messages)
        self.busy_ms += self._agenda.now_ms - begin_ms
        self._running -= 1
        self._pump()
