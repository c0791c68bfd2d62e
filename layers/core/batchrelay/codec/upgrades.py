"""What older versions stored, as this version would have stored it.

A change of what is stored gets a schema number, a step here, and a recorded history in
verification/histories/, which is replayed for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMA = 8
"""1: a step's manifest was one object, forEach was a list in JSON. 2: a folder, any list.
3: a run may be stopped, and has a timeout; its times are milliseconds. 4: a run may wait in a run
queue, a trigger has a debounce time and `overlap`. 5: a step knows when its counts changed, its
parts are records of equal length. 6: fields have the names of the reference.
7: failed items run again in further rounds, a run is
redriven, and an aggregate counts its levels. 8: the end of a run is an event of EventBridge, a
pipeline may have finally steps, which have a stop of their own, and a step may have a canary, and
may be stopped early; a pipeline's jobs may be without tags, and a run may leave a report when it
ends, and keep what it cost; a pipeline may have a budget, whose runs may be PAUSED; and a step may
bound how many of its children run."""

_STEP_OF_5 = {"lanes": "nToN"}
_TRIGGER_OF_5 = {"quiet": "debounce"}
_RUN_OF_5 = {"turnAt": "dequeuedAt", "twins": "duplicateJobs"}
_STOP_OF_5 = {"why": "reason", "askedAt": "requestedAt"}
_STATE_OF_5 = {"why": "reason", "stuck": "blocked"}
_PART_OF_5 = {
    "ok": "succeeded",
    "bad": "failed",
    "now": "running",
    "told": "terminated",
    "stuck": "blocked",
    "gone": "missing",
    "left": "givenUp",
}


def upgraded_pipeline(document: Any) -> Any:
    """A pipeline's document in this schema; one that is not of an older schema is left as it is."""
    if not _is_older(document):
        return document
    steps, triggers = document.get("steps"), document.get("triggers")
    changed: dict[str, Any] = {"schema": SCHEMA}
    if isinstance(steps, list):
        if document["schema"] == 1:
            steps = [_step_of_1(step) for step in steps]
        changed["steps"] = [_renamed(step, _STEP_OF_5) for step in steps]
    if isinstance(triggers, list):
        changed["triggers"] = [_renamed(trigger, _TRIGGER_OF_5) for trigger in triggers]
    return {**document, **changed}


def _step_of_1(step: Any) -> Any:
    each = step.get("forEach") if isinstance(step, Mapping) else None
    if not isinstance(each, Mapping) or "format" in each:
        return step
    return {**step, "forEach": {**each, "format": "json"}}


def upgraded_run(document: Any) -> Any:
    """A run's document in this schema; one that is not of an older schema is left as it is."""
    if not _is_older(document):
        return document
    run = {**_renamed(document, _RUN_OF_5), "schema": SCHEMA}
    if "stop" in run:
        run["stop"] = _renamed(run["stop"], _STOP_OF_5)
    if isinstance(run.get("steps"), Mapping):
        steps = run["steps"].items()
        run["steps"] = {name: _upgraded_state(state, document["schema"]) for name, state in steps}
    return run


def _upgraded_state(state: Any, schema: int) -> Any:
    if schema == 1:
        state = _state_of_1(state)
    state = _state_of_5(state)
    return _state_of_6(state) if schema <= 6 else state


def _state_of_1(state: Any) -> Any:
    manifest = state.get("m") if isinstance(state, Mapping) else None
    if not isinstance(manifest, str):
        return state
    return {**state, "m": manifest.removesuffix("items.jsonl")}


def _state_of_6(state: Any) -> Any:
    """A level of an aggregate was a round, and nothing else had one."""
    is_later = isinstance(state, Mapping) and "r" in state
    return {**state, "lv": state["r"]} if is_later else state


def _state_of_5(state: Any) -> Any:
    state = _renamed(state, _STATE_OF_5)
    if isinstance(state, Mapping) and isinstance(state.get("parts"), list):
        return {**state, "parts": [_renamed(part, _PART_OF_5) for part in state["parts"]]}
    return state


def _renamed(document: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(document, Mapping):
        return document
    return {names.get(name, name): value for name, value in document.items()}


def _is_older(document: Any) -> bool:
    schema = document.get("schema") if isinstance(document, Mapping) else None
    return isinstance(schema, int) and not isinstance(schema, bool) and 1 <= schema < SCHEMA
