"""A way through a state machine: what was passed on it, and what must hold for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchrelay_cli.adopt.draft import mapping
from batchrelay_cli.adopt.step_functions.items import Items
from batchrelay_cli.adopt.step_functions.paths import Scope
from batchrelay_cli.pipeline_file.document import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """The Map that a state is in."""

    state: Mapping[str, Any]
    items: Items


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a state was reached."""

    scope: Scope
    needs: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    """What must hold, since the last step."""
    inside: Map | None = None
    is_continued: bool = False
    """Whether the needs are steps of the same Map, child by child."""
    is_finally: bool = False
    states: frozenset[tuple[Place, str]] = frozenset()
    """Those on it, each with the place of its machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The states of the definition, of a branch, or of a Map."""

    states: Mapping[str, Any]
    place: Place

    def state(self, name: Any) -> Mapping[str, Any] | None:
        state = self.states.get(name) if isinstance(name, str) else None
        return state if isinstance(state, dict) else None


def machine_of(value: Any, place: Place) -> Machine:
    """Of the definition, of a branch, or of what a Map runs for each item."""
    return Machine(states=mapping(mapping(value).get("States")), place=place)


def behind_parallel(way: Way, ends: tuple[Way, ...]) -> Way:
    """The way behind a Parallel, whose branches ended so."""
    continued = [end for end in ends if end.is_continued]
    needs = [need for end in continued or ends for need in end.needs]
    conditions = [text for end in ends for text in end.conditions]
    return replace(
        way,
        needs=tuple(dict.fromkeys(needs)),
        conditions=tuple(dict.fromkeys(conditions)),
        is_continued=bool(continued),
    )
