"""What an invocation of the engine did."""

from __future__ import annotations

from dataclasses import dataclass

from batchrelay.domain.effects import Effect
from batchrelay.domain.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """The run as last seen, and the effects that were performed."""

    run: Run
    performed: tuple[Effect, ...] = ()
    is_repeated: bool = False
    """Whether this start had been made before, with the same key."""
    ended: bool = False
    """Whether the run ended by this: once in its life."""
    conflicts: int = 0
    """Writes of ours that a rival was faster than."""
    others: tuple[Handled, ...] = ()
    """What was done to other runs of its run queue."""
    problem: Exception | None = None
    """Of a start: what an effect raised. The run is stored, and reconcile performs the effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """A run after a save, and what is pending anew."""

    run: Run
    new_effects: tuple[Effect, ...] = ()
    ended: bool = False
    conflicts: int = 0
