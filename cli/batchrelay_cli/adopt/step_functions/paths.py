"""JSONPath as far as it names one value; payload templates; the intrinsic functions of texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrelay_cli.adopt.step_functions.values import (
    Input,
    Item,
    ItemNumber,
    Listed,
    Literal,
    Made,
    Parts,
    RunFact,
    Struct,
    Value,
    get,
    known,
)

_STEP = re.compile(
    r"\.(?P<name>[^\W\d][\w-]*)|\.?\[(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<index>\d+))\]"
)
_CALL = re.compile(r"States\.(\w+)\((.*)\)", re.DOTALL)
_DEPTH_MAX = 20
"""Calls of intrinsic functions within each other. Source: ASL specification, 10 levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a state knows: its input, its variables, the item of the Map around it."""

    data: Value
    state: str = ""
    variables: Mapping[str, Value] = field(default_factory=dict)
    in_map: bool = False

    def context(self, path: tuple[str, ...]) -> Value:
        """A part of the context object. Source: Step Functions Developer Guide."""
        match path:
            case ("Execution", "Id" | "Name"):
                return RunFact("run.id")
            case ("Execution", "StartTime"):
                return RunFact("run.startedAt")
            case ("Execution", "Input", *rest):
                return Input(tuple(rest))
            case ("State", "Name"):
                return Literal(self.state)
            case ("Map", "Item", "Value", *rest) if self.in_map:
                return Item(tuple(rest))
            case ("Map", "Item", "Index") if self.in_map:
                return ItemNumber()
            case _:
                return Made(f"the context object ({'.'.join(path)})")


def steps_of(text: str) -> tuple[str, ...] | None:
    """The names of `.a.b[0]['c']`; None if it is more than that: a filter, a wildcard."""
    names: list[str] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            return None
        names.append(next(value for value in match.groups() if value is not None))
        at = match.end()
    return tuple(names)


def at_path(text: str, scope: Scope) -> Value:
    """What a path names: `$.a`, `$$.Execution.Id`, `$variable.a`."""
    if text.startswith("$$"):
        path = steps_of(text[2:])
        return Made(f"the path {text}") if path is None else scope.context(path)
    match = re.fullmatch(r"\$(\w*)(.*)", text, re.DOTALL)
    path = None if match is None else steps_of(match[2])
    if match is None or path is None:
        return Made(f"the path {text}")
    if match[1]:
        return get(scope.variables.get(match[1], Made(f"the variable ${match[1]}")), path)
    return get(scope.data, path)


def templated(template: Any, scope: Scope) -> Value:
    """A payload template: a key that ends with `.$` has a path or a function for a value."""
    match template:
        case dict():
            return Struct(dict(_fields(template, scope)))
        case list():
            return Listed(tuple(templated(inner, scope) for inner in template))
        case _:
            return known(template)


def _fields(template: Mapping[str, Any], scope: Scope) -> Iterator[tuple[str, Value]]:
    for key, inner in template.items():
        if key.endswith(".$") and isinstance(inner, str):
            yield key[:-2], evaluated(inner, scope)
        else:
            yield key, templated(inner, scope)


def evaluated(text: str, scope: Scope, depth: int = 0) -> Value:
    """A path, a call of an intrinsic function, or an argument of one."""
    text = text.strip()
    if text.startswith("$"):
        return at_path(text, scope)
    if len(text) > 1 and text[0] == text[-1] == "'":
        return Literal(re.sub(r"\\(.)", r"\1", text[1:-1]))
    if re.fullmatch(r"-?\d{1,15}", text):
        return Literal(int(text))
    match = _CALL.fullmatch(text)
    if match is None or depth > _DEPTH_MAX:
        return Made(f"the function {text}")
    arguments = [evaluated(part, scope, depth + 1) for part in _arguments(match[2])]
    if match[1] == "Array":
        return Listed(tuple(arguments))
    if match[1] == "Format" and arguments:
        return _formatted(arguments[0], arguments[1:], text)
    return Made(f"the function {text}")


def _arguments(text: str) -> Iterator[str]:
    """Split at the commas that stand in no text and in no call."""
    depth, quoted, start = 0, False, 0
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "'":
            quoted = not quoted
        elif not quoted:
            depth += (char in "([") - (char in ")]")
            if char == "," and depth == 0:
                yield text[start:at]
                start = at + 1
        at += 1
    if text[start:].strip():
        yield text[start:]


def _formatted(template: Value, values: list[Value], call: str) -> Value:
    if not isinstance(template, Literal) or not isinstance(template.value, str):
        return Made(f"the function {call}")
    texts = template.value.split("{}")
    if len(texts) - 1 != len(values):
        return Made(f"the function {call}")
    parts: list[Value] = [Literal(texts[0])]
    for value, text in zip(values, texts[1:], strict=True):
        parts += [value, Literal(text)]
    return Parts(tuple(part for part in parts if part != Literal("")))
