"""What a state is given of its input, and what the states behind it are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batchrelay_cli.adopt.step_functions import jsonata
from batchrelay_cli.adopt.step_functions.paths import Scope, at_path, steps_of, templated
from batchrelay_cli.adopt.step_functions.values import Item, Made, Struct, Value, known, put


def given(
    state: Mapping[str, Any], scope: Scope, *, is_jsonata: bool, selector: bool = True
) -> Scope:
    """The scope with what `InputPath` and `Parameters` make of the input."""
    if is_jsonata:
        if not selector or "Arguments" not in state:
            return scope
        return replace(scope, data=jsonata.templated(state["Arguments"], scope))
    path = state.get("InputPath", "$")
    data = at_path(path, scope) if isinstance(path, str) else Struct()
    inner = replace(scope, data=data)
    if not selector or "Parameters" not in state:
        return inner
    return replace(inner, data=templated(state["Parameters"], inner))


def selected(state: Mapping[str, Any], scope: Scope, *, is_jsonata: bool) -> Value:
    """The result of a Pass; what a Map gives to each of its children."""
    template = state.get("ItemSelector", state.get("Parameters"))
    if is_jsonata:
        template = state.get("ItemSelector", state.get("Output"))
        if template is not None:
            return jsonata.templated(template, scope)
    elif template is not None:
        return templated(template, scope)
    if state.get("Type") == "Map":
        return Item()
    if "Result" in state:
        return known(state["Result"])
    return scope.data


def after(state: Mapping[str, Any], scope: Scope, result: Value, *, is_jsonata: bool) -> Scope:
    """What the next state is given, once this one has a result."""
    if is_jsonata:
        return _after_jsonata(state, scope, result)
    data = scope.data
    path = state.get("ResultPath", "$")
    names = steps_of(path[1:]) if isinstance(path, str) else None
    if names is not None:
        data = put(data, names, result)
    elif path is not None:
        data = Made(f"the path {path}")
    output = state.get("OutputPath", "$")
    if isinstance(output, str) and output != "$":
        data = at_path(output, replace(scope, data=data))
    variables = _assigned(state, scope, templated(state.get("Assign"), replace(scope, data=result)))
    return replace(scope, data=data, variables=variables)


def _after_jsonata(state: Mapping[str, Any], scope: Scope, result: Value) -> Scope:
    """`$states.result` is not known; what else its expressions name, is."""
    variables = _assigned(state, scope, jsonata.templated(state.get("Assign"), scope))
    if "Output" in state:
        result = jsonata.templated(state["Output"], scope)
    return replace(scope, data=result, variables=variables)


def _assigned(state: Mapping[str, Any], scope: Scope, assigned: Value) -> Mapping[str, Value]:
    if "Assign" not in state or not isinstance(assigned, Struct):
        return scope.variables
    return {**scope.variables, **assigned.fields}
