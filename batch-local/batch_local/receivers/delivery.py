"""Hands events to a receiver in order, from a thread of its own, so that no job waits for it.

A receiver that is away is tried again. What it misses meanwhile is kept up to a bound; then new
events are lost to it. Either is logged once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence

from batch_local.receivers.receiver import Event, Outcome, Receiver

WAITING_MAX = 10_000
"""Events that wait for a receiver; of 3 KB each, 30 MB."""

FIRST_WAIT_S, WAIT_S_MAX = 0.1, 5.0
"""Seconds between two tries: they double."""

TRY_S_MAX = 60.0
"""Seconds for which an event is tried."""

FLUSH_S = 3.0
"""Seconds that a receiver has at the end for what waits."""

WHY_CHARS_MAX = 300
"""Of what a receiver says, in a line of the log."""

_log = logging.getLogger("batch_local")


class Delivery:
    """The events of one receiver."""

    def __init__(
        self, receiver: Receiver, *, waiting_max: int = WAITING_MAX, try_s_max: float = TRY_S_MAX
    ) -> None:
        self._receiver = receiver
        self._waiting_max = waiting_max
        self._try_s_max = try_s_max
        self._waiting: deque[Event] = deque()
        self._changed = threading.Condition()
        self._stops_at: float | None = None
        self._lost = 0
        self._is_logged = {"again": False, "lost": False}
        self._thread = threading.Thread(target=self._run, name="batch-events", daemon=True)
        self._thread.start()

    def put(self, events: Sequence[Event]) -> None:
        """Soon, in order; it never waits."""
        with self._changed:
            space = max(0, self._waiting_max - len(self._waiting))
            self._waiting.extend(events[:space])
            self._changed.notify()
            self._lose(len(events) - space, f"more than {self._waiting_max:,} wait")

    def stop(self) -> None:
        """Give the receiver a little time for what waits."""
        with self._changed:
            self._stops_at = time.monotonic() + FLUSH_S
            self._changed.notify()
        self._thread.join(timeout=FLUSH_S + 1)
        if self._lost:
            _log.warning("events for %s that it has not got: %d", self._receiver.name, self._lost)

    def _run(self) -> None:
        while events := self._next():
            self._hand_over(events)
        with self._changed:
            self._lose(len(self._waiting), "there is no more time")
        self._receiver.close()

    def _next(self) -> list[Event]:
        """What is handed over together; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stops_at is not None)
            if self._is_late():
                return []
            number = min(self._receiver.events_max, len(self._waiting))
            return [self._waiting.popleft() for _ in range(number)]

    def _hand_over(self, events: Sequence[Event]) -> None:
        gives_up_at, wait_s = time.monotonic() + self._try_s_max, FIRST_WAIT_S
        while events:
            outcome = self._receiver.send(events)
            self._lose(outcome.refused, outcome.why)
            events = outcome.again
            if events:
                self._log_once("again", "%s is not there, and is tried again: %s", outcome)
                self._sleep(wait_s)
                wait_s = min(2 * wait_s, WAIT_S_MAX)
            if events and (time.monotonic() > gives_up_at or self._is_late()):
                self._lose(len(events), outcome.why)
                return

    def _sleep(self, seconds: float) -> None:
        """Shorter if it is to stop, or has to already."""
        with self._changed:
            if self._stops_at is None:
                self._changed.wait_for(lambda: self._stops_at is not None, timeout=seconds)
            else:
                self._changed.wait(timeout=FIRST_WAIT_S)

    def _is_late(self) -> bool:
        return self._stops_at is not None and time.monotonic() > self._stops_at

    def _lose(self, number: int, why: str) -> None:
        if number > 0:
            with self._changed:
                self._lost += number
            self._log_once("lost", "events are lost to %s: %s", Outcome(why=why))

    def _log_once(self, kind: str, text: str, outcome: Outcome) -> None:
        if not self._is_logged[kind]:
            self._is_logged[kind] = True
            _log.warning(text, self._receiver.name, _shown(outcome.why))


def _shown(text: str) -> str:
    """A receiver's own words on one line, without what acts on a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text[:WHY_CHARS_MAX])
