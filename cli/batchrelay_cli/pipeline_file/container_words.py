"""The command of each container of a step: what its request says, else what its definition does.

In a pod `args` stand behind `command`, and a request may replace one of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchrelay.domain.containers import FORMS, ONE_CONTAINER, containers_of
from batchrelay_cli.pipeline_file.definition_containers import (
    DEFAULT_NAME,
    containers_of_pod,
    containers_of_task,
    kind_of,
    ranges_of,
)
from batchrelay_cli.pipeline_file.document import Place

_WORDS = ("command", "args")

Words = tuple[list[str], Place]
"""The words of a command, and where they stand."""


def commands_of(
    layers: Sequence[tuple[Mapping[str, Any], Place]], definition: Mapping[str, Any], home: Place
) -> Iterator[Words]:
    """One for each container that has a command. `layers` are requests, each over the ones behind
    it, and `home` is where the definition stands."""
    has_one = kind_of(definition) in (None, "containerProperties")
    if has_one and not any(form in request for request, _ in layers for form in FORMS[1:]):
        yield _first(
            [
                *(
                    (request.get(ONE_CONTAINER), (*place, ONE_CONTAINER))
                    for request, place in layers
                ),
                (definition.get("containerProperties"), (*home, "containerProperties")),
            ]
        )
        return
    defined = dict(_defined(definition, home))
    for request, place in layers:
        for container in containers_of(request):
            under = defined.get(_name(container.values), ({}, ()))
            yield from _joined(container.values, (*place, *container.path), under[0])
    for values, place in defined.values():
        yield from _joined(values, place, {})


def _first(places: Sequence[tuple[Any, Place]]) -> Words:
    for container, place in places:
        command = container.get("command") if isinstance(container, dict) else None
        if isinstance(command, list) and command:
            return [str(word) for word in command], (*place, "command")
    return [], ()


def _joined(values: Mapping[str, Any], place: Place, under: Mapping[str, Any]) -> Iterator[Words]:
    """What the container runs, if a part of it is written here."""
    if not any(_words(values, key) for key in _WORDS):
        return
    words = [word for key in _WORDS for word in (_words(values, key) or _words(under, key))]
    key = next(key for key in _WORDS if _words(values, key))
    yield words, (*place, key)


def _words(values: Mapping[str, Any], key: str) -> list[str]:
    words = values.get(key)
    return [str(word) for word in words] if isinstance(words, list) else []


def _defined(definition: Mapping[str, Any], home: Place) -> Iterator[tuple[str, Any]]:
    """The containers of a definition, by name; of nodes those of the first range with the name."""
    for index, one in reversed([*enumerate(ranges_of(definition))]):
        place = (*home, "nodeProperties", "nodeRangeProperties", index)
        container = one.get("container")
        if isinstance(container, dict):
            yield _name(container), (container, (*place, "container"))
        yield from _defined(one, place)
    for key, read in (("ecsProperties", containers_of_task), ("eksProperties", containers_of_pod)):
        properties = definition.get(key)
        for container in read(properties) if isinstance(properties, dict) else ():
            yield _name(container), (container, (*home, key))


def _name(values: Mapping[str, Any]) -> str:
    return str(values.get("name", DEFAULT_NAME))
