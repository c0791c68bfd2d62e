"""What a receiver of events is, and how one is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Event = Mapping[str, Any]
"""In the envelope of EventBridge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of events that were sent."""

    again: Sequence[Event] = ()
    """Those to send again: the receiver is not there, or has no time."""
    refused: int = 0
    """How many it will never take."""
    why: str = ""


TAKEN = Outcome()


class Receiver(Protocol):
    """It is called from one thread."""

    name: str
    events_max: int
    """How many it takes at once."""

    def send(self, events: Sequence[Event]) -> Outcome:
        """Hand events over, in order."""

    def close(self) -> None:
        """Nothing more is sent."""


class Function:
    """A function of the program that has this AWS Batch."""

    events_max = 1

    def __init__(self, function: Callable[[Event], object]) -> None:
        self.name = getattr(function, "__qualname__", "a function")
        self._function = function

    def send(self, events: Sequence[Event]) -> Outcome:
        """Each event, once, whatever comes of it."""
        try:
            for event in events:
                self._function(event)
        except Exception as error:  # noqa: BLE001  # it is the program's, and the jobs go on
            return Outcome(refused=1, why=repr(error))
        return TAKEN

    def close(self) -> None:
        """Nothing is open."""
