"""AWS's own requests: a document is compared with botocore's model of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from batchrelay_cli.pipeline_file.document import Document, Place

_SCALARS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a text"),
    "integer": ((int,), "a whole number"),
    "long": ((int,), "a whole number"),
    "boolean": ((bool,), "true or false"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
}


_ANY_CASE = ("RetryAction",)
"""Choices in upper or lower case. Source: EvaluateOnExit, action."""


@cache
def request_shape(operation: str) -> StructureShape:
    """The request of an operation of AWS Batch. Source: botocore's service model.

    Read without a session: the user's AWS settings, right or wrong, do not matter here.
    """
    model = ServiceModel(Loader().load_service_model("batch", "service-2"), "batch")
    shape = model.operation_model(operation).input_shape
    assert isinstance(shape, StructureShape), operation
    return shape


def check(
    document: Document,
    value: Any,
    shape: Shape,
    place: Place,
    *,
    without: Iterable[str] = (),
    elsewhere: Iterable[str] = (),
) -> None:
    """Note every difference between a value and its shape.

    `without` are keys of our own; those `elsewhere` need not be here.
    """
    match shape:
        case StructureShape():
            _check_structure(
                document, value, shape, place, frozenset(without), frozenset(elsewhere)
            )
        case ListShape():
            if not isinstance(value, list):
                document.wrong(place, f"{_name(place)} must be a list")
                return
            for index, inner in enumerate(value):
                check(document, inner, shape.member, (*place, index))
        case MapShape():
            if not isinstance(value, dict):
                document.wrong(place, f"{_name(place)} must be a mapping")
                return
            for key, inner in value.items():
                check(document, inner, shape.value, (*place, key))
        case _:
            _check_scalar(document, value, shape, place)


def _check_structure(
    document: Document,
    value: Any,
    shape: StructureShape,
    place: Place,
    without: frozenset[str],
    elsewhere: frozenset[str],
) -> None:
    if not isinstance(value, dict):
        document.wrong(place, f"{_name(place)} must be a mapping")
        return
    for key, inner in value.items():
        if key in without:
            continue
        member = shape.members.get(key)
        if member is None:
            names = [*shape.members, *without]
            document.wrong_key((*place, key), unknown_key(key, names, shape.name))
        else:
            check(document, inner, member, (*place, key))
    keys = [*shape.members, *without]
    right_keys = {meant_key(key, keys) for key in value if key not in keys}
    for key in shape.required_members:
        if key not in {*value, *without, *elsewhere, *right_keys}:
            document.wrong(place, f"{_name(place)} needs {key}")


def unknown_key(key: str, keys: Iterable[str], where: str) -> str:
    """The sentence for a key that does not exist, with the one that was meant if it shows."""
    names = list(keys)
    right_key = meant_key(key, names)
    if right_key is not None and right_key == _camel(key):
        return f"unknown key {key}: AWS spells it {right_key}"
    hint = f"did you mean {right_key}?" if right_key else f"{where} has {', '.join(sorted(names))}"
    return f"unknown key {key}: {hint}"


def meant_key(key: str, keys: Iterable[str]) -> str | None:
    """The key that was meant by one that does not exist, if it shows."""
    names = list(keys)
    camel = _camel(key)
    close = [camel] if camel in names else difflib.get_close_matches(camel, names, n=1)
    return close[0] if close else None


def _camel(key: str) -> str:
    """snake_case and PascalCase as camelCase."""
    head, *tail = key.split("_")
    return head[:1].lower() + head[1:] + "".join(word[:1].upper() + word[1:] for word in tail)


def _check_scalar(document: Document, value: Any, shape: Shape, place: Place) -> None:
    kinds, words = _SCALARS.get(shape.type_name, ((object,), "a value"))
    right = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if not right:
        hint = f': put it in quotes, "{value}"' if str in kinds and _is_scalar(value) else ""
        document.wrong(place, f"{_name(place)} must be {words}{hint}")
        return
    choices: list[str] = getattr(shape, "enum", [])
    is_chosen = not choices or value in choices
    if shape.name in _ANY_CASE and isinstance(value, str):
        is_chosen = value.upper() in choices
    if not is_chosen:
        document.wrong(place, f"{_name(place)} must be one of {', '.join(choices)}")


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _name(place: Place) -> str:
    """What a place is called in a sentence."""
    names = [str(part) for part in place if isinstance(part, str)]
    if not names:
        return "the document"
    if place and isinstance(place[-1], int):
        return f"entry {place[-1] + 1} of {names[-1]}"
    return names[-1]
