"""What is known of a value of a state machine before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """It stands in the definition. Never a mapping or a list: those are Struct and Listed."""

    value: Any


@dataclass(frozen=True, slots=True)
class Input:
    """A part of the execution's input: a parameter of the pipeline."""

    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A part of an item of a Map."""

    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemNumber:
    """The place of an item in its Map."""


@dataclass(frozen=True, slots=True)
class RunFact:
    """A variable of a run: `run.id`, `run.startedAt`."""

    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """Only a run knows it."""

    by: str
    """What makes it, as it stands in a sentence: `the state Count`."""
    step: str | None = None
    """The step that runs this state, if it is a job."""


@dataclass(frozen=True, slots=True)
class Struct:
    """A mapping: some fields, over another value."""

    fields: Mapping[str, Value] = field(default_factory=dict)
    base: Value | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A list."""

    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Parts:
    """A text of parts that stand one behind the other."""

    values: tuple[Value, ...] = ()


Value = Literal | Input | Item | ItemNumber | RunFact | Made | Struct | Listed | Parts


def known(value: Any) -> Value:
    """A value of the definition."""
    match value:
        case dict():
            return Struct({key: known(inner) for key, inner in value.items()})
        case list():
            return Listed(tuple(known(inner) for inner in value))
        case _:
            return Literal(value)


def get(value: Value, path: tuple[str, ...]) -> Value:
    """A part of a value."""
    for key in path:
        value = _field(value, key)
    return value


def _field(value: Value, key: str) -> Value:
    match value:
        case Input() | Item():
            return type(value)((*value.path, key))
        case Struct():
            if key in value.fields:
                return value.fields[key]
            return (
                Made("nothing in the definition") if value.base is None else _field(value.base, key)
            )
        case Listed() if key.isdecimal() and len(key) < 7 and int(key) < len(value.values):
            return value.values[int(key)]
        case Made():
            return value
        case _:
            return Made("nothing in the definition")


def put(value: Value, path: tuple[str, ...], new: Value) -> Value:
    """The value with another part."""
    if not path:
        return new
    head, *rest = path
    inner = put(_field(value, head), tuple(rest), new)
    if isinstance(value, Struct):
        return Struct({**value.fields, head: inner}, value.base)
    return Struct({head: inner}, value)


def plain(value: Value) -> Any:
    """The value as a document. Raises: ValueError, if it is not known as a whole."""
    match value:
        case Literal():
            return value.value
        case Struct(base=None):
            return {key: plain(inner) for key, inner in value.fields.items()}
        case Listed():
            return [plain(inner) for inner in value.values]
        case _:
            raise ValueError("only a run knows it")
