"""What older versions stored, as this version would have stored it.

A change of what is stored gets a schema number, a step here, and a recorded history in
verification/histories/, which is replayed for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMA = 5
"""1: a step's manifest was one object, forEach was a list in JSON. 2: a folder, any list.
3: a run may be stopped, and has a timeout; its times are milliseconds. 4: a run may wait for its
turn, a trigger has `quiet` and `overlap`. 5: a step knows when its counts changed, its parts are
records of equal length."""


def upgraded_pipeline(document: Any) -> Any:
    """A pipeline's document in this schema; what is none is left as it is."""
    if not isinstance(document, Mapping) or document.get("schema") != 1:
        return document
    steps = document.get("steps")
    if not isinstance(steps, list):
        return document
    return {**document, "schema": SCHEMA, "steps": [_step_of_1(step) for step in steps]}


def _step_of_1(step: Any) -> Any:
    each = step.get("forEach") if isinstance(step, Mapping) else None
    if not isinstance(each, Mapping) or "format" in each:
        return step
    return {**step, "forEach": {**each, "format": "json"}}


def upgraded_run(document: Any) -> Any:
    """A run's document in this schema; what is none is left as it is."""
    if not isinstance(document, Mapping) or document.get("schema") != 1:
        return document
    steps = document.get("steps")
    if not isinstance(steps, Mapping):
        return document
    states = {name: _state_of_1(state) for name, state in steps.items()}
    return {**document, "schema": SCHEMA, "steps": states}


def _state_of_1(state: Any) -> Any:
    manifest = state.get("m") if isinstance(state, Mapping) else None
    if not isinstance(manifest, str):
        return state
    return {**state, "m": manifest.removesuffix("items.jsonl")}
