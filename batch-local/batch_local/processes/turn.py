"""One change of the scheduler at a time, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock


class Turn:
    """`with turn:` holds `lock`, and does what was asked for unless something was raised.

    It may be entered again within itself. A generator's context manager would cost four times as
    much, and each child has four turns.
    """

    __slots__ = ("_then", "lock")

    def __init__(self, then: Callable[[], None]) -> None:
        self.lock = RLock()
        self._then = then

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, raised: type[BaseException] | None, *_: object) -> None:
        try:
            if raised is None:
                self._then()
        finally:
            self.lock.release()
