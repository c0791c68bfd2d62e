"""What a process keeps of one event for the next, in memory that has an end."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

RUNS_KEPT = 64
"""Runs of which a process keeps what it has computed: a function may see the events of several."""

RUN_CHARS_KEPT_MAX = 4_096
"""Of a run without its steps, as most are: parameters may be longer."""

STATES_KEPT = 2_048
"""States of steps, likewise: a run has at most 500."""


class Kept(dict[K, V]):
    """At most so many entries: all are forgotten when it is full."""

    def __init__(self, entries_max: int) -> None:
        super().__init__()
        self._entries_max = entries_max

    def keep(self, key: K, value: V) -> None:
        if len(self) >= self._entries_max:
            self.clear()
        self[key] = value
