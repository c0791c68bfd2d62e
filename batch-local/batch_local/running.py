"""What runs a container of a job, as a process or by an engine. It knows no job, only tickets."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from signal import Signals
from typing import Any, Protocol

STOP_S = 3.0
"""Seconds between SIGTERM and SIGKILL when the machine is shut down."""

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, and under which name to report it."""

    ticket: Hashable
    output: int
    """The file descriptor of its standard output and error; it stays the caller's."""
    argv: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    """What an engine creates in place of these three."""


class Runner(Protocol):
    """Runs commands; what becomes of them it reports from a thread of its own."""

    def run(self, command: Command) -> None:
        """Start a command soon; from any thread."""

    def signal(self, ticket: Hashable, number: Signals) -> None:
        """Signal what runs soon; from any thread."""

    def pid_of(self, ticket: Hashable) -> int | None:
        """The process of this machine that runs. For the runner's own thread."""

    def resident_bytes(self) -> dict[Hashable, int]:
        """What each has in memory; nothing where that is not to be known."""

    def stop(self, *, immediately: bool) -> None:
        """End everything; nothing is left when this returns."""
