"""What a request runs where there is no image: the processes of a job, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchrelay.domain.containers import NODES, ONE_CONTAINER, containers_of
from batchrelay.domain.job_containers import has_node
from batchrelay_cli.pipeline_file.commands import ENTRYPOINT_TAG
from batchrelay_cli.pipeline_file.definition_containers import (
    DEFAULT_NAME,
    containers_of_pod,
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
            who=pair.who, words=_words(entrypoint, pair), vcpus=_vcpus(pair.under, pair.over)
        )
        for pair in pairs(request, definition)
    ]


def vcpus_of(request: Mapping[str, Any], definition: Mapping[str, Any]) -> float:
    """vCPUs of one child: of all its containers together."""
    return sum(container.vcpus for container in local_containers(request, definition))


@dataclass(frozen=True, slots=True)
class _Pair:
    """A container, as it is defined and as it is changed."""

    who: str
    under: Mapping[str, Any]
    over: Mapping[str, Any]
    is_of_pod: bool = False


def _pairs(request: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[_Pair]:
    kind = kind_of(definition)
    read = _LISTS.get(kind or "")
    if kind is not None and read is not None:
        changes = {_name(one.values): one.values for one in containers_of(request)}
        for container in read(definition[kind]):
            name = _name(container)
            is_of_pod = kind == "eksProperties"
            yield _Pair(f"container {name} of ", container, changes.get(name, {}), is_of_pod)
    else:
        container = definition.get("containerProperties", definition.get("container", {}))
        yield _Pair("", container, request.get(ONE_CONTAINER) or {})


_LISTS = {"ecsProperties": containers_of_task, "eksProperties": containers_of_pod}


def _name(container: Mapping[str, Any]) -> str:
    return str(container.get("name", DEFAULT_NAME))


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
        for pair in _pairs(own, entry):
            yield replace(pair, who=f"{pair.who}node {node} of ")


def _words(entrypoint: tuple[str, ...], pair: _Pair) -> tuple[str, ...]:
    """In a pod `command` stands for the ENTRYPOINT of an image."""
    command, arguments = (pair.over.get(key) or pair.under.get(key) or () for key in _WORDS)
    return (*((command or entrypoint) if pair.is_of_pod else (*entrypoint, *command)), *arguments)


_WORDS = ("command", "args")


def _vcpus(under: Mapping[str, Any], over: Mapping[str, Any]) -> float:
    """1 where the file is silent."""
    amounts: list[Any] = []
    for container in (under, over):
        entries = container.get("resourceRequirements", [])
        amounts += [entry["value"] for entry in entries if entry["type"] == "VCPU"]
        resources = container.get("resources", {})
        places = (resources.get(place, {}).get("cpu") for place in ("limits", "requests"))
        amounts += [amount for amount in places if amount is not None]
    return float(amounts[-1]) if amounts else 1.0
