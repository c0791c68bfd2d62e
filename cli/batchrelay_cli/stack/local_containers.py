"""What a request runs where there is no image: the processes of a job, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.containers import NODES, ONE_CONTAINER, containers_of
from batchrelay.domain.job_containers import has_node
from batchrelay_cli.pipeline_file.commands import ENTRYPOINT_TAG
from batchrelay_cli.pipeline_file.definition_containers import (
    containers_of_task,
    kind_of,
    ranges_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalContainer:
    """A process of a job."""

    who: str
    """Which one of a step; empty of its only one."""
    words: tuple[str, ...]
    """Of its command, as far as the file says."""
    vcpus: float


def local_containers(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> list[LocalContainer]:
    """The containers of a job definition, as a request changes them."""
    entrypoint = tuple(str(definition.get("tags", {}).get(ENTRYPOINT_TAG, "")).split())
    pairs = _pairs_of_nodes if kind_of(definition) == "nodeProperties" else _pairs
    return [
        LocalContainer(
            who=who,
            words=(*entrypoint, *(over.get("command") or under.get("command") or ())),
            vcpus=_vcpus(under, over),
        )
        for who, under, over in pairs(request, definition)
    ]


def vcpus_of(request: Mapping[str, Any], definition: Mapping[str, Any]) -> float:
    """vCPUs of one child: of all its containers together."""
    return sum(container.vcpus for container in local_containers(request, definition))


_Pair = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""Which container; as it is defined, and as it is changed."""


def _pairs(request: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[_Pair]:
    kind = kind_of(definition)
    if kind == "ecsProperties":
        changes = {str(one.values.get("name")): one.values for one in containers_of(request)}
        for container in containers_of_task(definition[kind]):
            name = str(container.get("name"))
            yield f"container {name} of ", container, changes.get(name, {})
    else:
        container = definition.get("containerProperties", definition.get("container", {}))
        yield "", container, request.get(ONE_CONTAINER) or {}


def _pairs_of_nodes(request: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[_Pair]:
    """Of every node: those of its range, the narrowest that has it."""
    overrides = request.get(NODES) or {}
    number = overrides.get("numNodes") or definition["nodeProperties"].get("numNodes", 0)
    changes = {one["targetNodes"]: one for one in overrides.get("nodePropertyOverrides") or ()}
    ranges = [
        (one, [n for n in range(number) if has_node(one, n)]) for one in ranges_of(definition)
    ]
    for node in range(number):
        having = [(one, nodes) for one, nodes in ranges if node in nodes]
        entry, _ = min(having, key=lambda pair: len(pair[1]), default=({}, []))
        own = changes.get(entry.get("targetNodes"), {})
        for who, under, over in _pairs(own, entry):
            yield f"{who}node {node} of ", under, over


def _vcpus(under: Mapping[str, Any], over: Mapping[str, Any]) -> float:
    """1 where the file is silent."""
    amounts = [
        float(entry["value"])
        for container in (under, over)
        for entry in container.get("resourceRequirements", [])
        if entry["type"] == "VCPU"
    ]
    return amounts[-1] if amounts else 1.0
