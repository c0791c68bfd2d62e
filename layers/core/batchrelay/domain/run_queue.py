"""The run queue of a pipeline: of the runs that must not overlap, one is open at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from batchrelay.domain.errors import InputError
from batchrelay.domain.limits import QUEUED_RUNS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQueue:
    """The open run and those that wait. A run that has ended is the holder until the next."""

    pipeline: str
    holder: str = ""
    """The run that may be open; empty before the first."""
    waiting: tuple[str, ...] = ()
    """Runs behind it, in the order in which they were created."""
    version: int = 0
    """Counts the writes; 0 was never stored."""

    def taken(self, run_id: str) -> RunQueue:
        """No run waits, and the holder has ended: this run is the holder."""
        assert not self.waiting, self
        return replace(self, holder=run_id)

    def joined(self, run_id: str) -> RunQueue:
        """This run comes last. Raises: InputError if too many wait."""
        if len(self.waiting) >= QUEUED_RUNS_MAX:
            raise InputError(
                f"{len(self.waiting):,} runs of {self.pipeline} are QUEUED: "
                "cancel some of them, or let the trigger skip"
            )
        return replace(self, waiting=(*self.waiting, run_id))

    def passed_on(self) -> RunQueue:
        """The holder has ended: the first that waits is the holder."""
        return replace(self, holder=self.waiting[0], waiting=self.waiting[1:])

    def without(self, run_ids: Collection[str]) -> RunQueue:
        """The queue without these runs."""
        return replace(self, waiting=tuple(i for i in self.waiting if i not in run_ids))

    def before(self, run_id: str) -> tuple[str, ...]:
        """The holder, and the runs that wait before one; none if that one does not wait."""
        if run_id not in self.waiting:
            return ()
        return (self.holder, *self.waiting[: self.waiting.index(run_id)])
