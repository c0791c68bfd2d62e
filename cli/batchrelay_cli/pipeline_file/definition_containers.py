"""The containers that a job definition has: their kind, their names, and a place for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay.domain.containers import NODES, ONE_CONTAINER, POD, TASK, Path

FORM_OF_KIND = {
    "containerProperties": ONE_CONTAINER,
    "ecsProperties": TASK,
    "eksProperties": POD,
    "nodeProperties": NODES,
}
"""In which form a request changes a definition of a kind."""

DEFAULT_NAME = "Default"
"""Of a pod's container without a name. Source: EksContainer, name."""


def kind_of(definition: Mapping[str, Any]) -> str | None:
    """Which of the four kinds it is; None if it says none."""
    return next((kind for kind in FORM_OF_KIND if isinstance(definition.get(kind), dict)), None)


def places_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """What a request needs in order to reach each container: its name, and its memory, so that
    this can grow. Empty of a definition with one container."""
    kind = kind_of(definition)
    if kind == "ecsProperties":
        containers = [_place(one) for one in containers_of_task(definition[kind])]
        return {TASK: {"taskProperties": [{"containers": containers}]}} if containers else {}
    if kind == "eksProperties":
        lists = lists_of_pod(definition[kind]).items()
        places = {key: [_pod_place(one) for one in each] for key, each in lists if each}
        return {POD: {"podProperties": places}} if places else {}
    if kind == "nodeProperties":
        return {NODES: {"nodePropertyOverrides": [*_nodes(definition[kind])]}}
    return {}


def containers_of_task(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of `ecsProperties`."""
    tasks = _mappings(properties, "taskProperties")
    return [one for task in tasks for one in _mappings(task, "containers")]


def containers_of_pod(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of `eksProperties`, those that begin first first."""
    return [one for each in lists_of_pod(properties).values() for one in each]


def lists_of_pod(properties: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """The two lists of containers of `eksProperties`, by their keys."""
    pod = _mapping(properties, "podProperties")
    return {key: _mappings(pod, key) for key in ("initContainers", "containers")}


def placed_containers(definition: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The containers of a task, or of ranges of nodes, each with its path; not those of pods."""
    for index, one in enumerate(containers_of_task(_mapping(definition, "ecsProperties"))):
        yield ("ecsProperties", "taskProperties", 0, "containers", index), one
    for index, one in enumerate(ranges_of(definition)):
        path = ("nodeProperties", "nodeRangeProperties", index)
        yield (*path, "container"), _mapping(one, "container")
        for inner, container in placed_containers(one):
            yield (*path, *inner), container


def names_of(definition: Mapping[str, Any]) -> list[str]:
    """The names of its containers, of all nodes; none of a definition with one container."""
    tasks = containers_of_task(_mapping(definition, "ecsProperties"))
    pods = containers_of_pod(_mapping(definition, "eksProperties"))
    nodes = ranges_of(definition)
    own = [str(one.get("name", "")) for one in tasks]
    own += [str(one.get("name", DEFAULT_NAME)) for one in pods]
    return list(dict.fromkeys([*own, *(name for one in nodes for name in names_of(one))]))


def ranges_of(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The ranges of nodes of a multi-node parallel definition; each is like a definition."""
    return _mappings(_mapping(definition, "nodeProperties"), "nodeRangeProperties")


def _nodes(properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in _mappings(properties, "nodeRangeProperties"):
        yield {"targetNodes": one.get("targetNodes"), **(places_of(one) or {ONE_CONTAINER: {}})}


def _place(container: Mapping[str, Any]) -> dict[str, Any]:
    memory = [e for e in _mappings(container, "resourceRequirements") if e.get("type") == "MEMORY"]
    return {"name": container.get("name"), **({"resourceRequirements": memory} if memory else {})}


def _pod_place(container: Mapping[str, Any]) -> dict[str, Any]:
    name = {"name": container.get("name", DEFAULT_NAME)}
    resources = _mapping(container, "resources")
    for place in ("limits", "requests"):
        memory = _mapping(resources, place).get("memory")
        if memory:
            return {**name, "resources": {place: {"memory": memory}}}
    return name


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _mappings(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = document.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
