"""The containers of a job: what its definition says of each, and what a request changes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchrelay.domain.containers import NODES, ONE_CONTAINER, containers_of
from batchrelay.domain.job_containers import has_node
from batchrelay.domain.values import Json
from batchrelay_cli.pipeline_file.definition_containers import (
    DEFAULT_NAME,
    containers_of_pod,
    containers_of_task,
    kind_of,
    ranges_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedContainer:
    """A container, as it is defined and as it is changed."""

    under: Mapping[str, Any]
    over: Mapping[str, Any]
    name: str = ""
    """Empty of an only one, of containerProperties."""
    node: int | None = None
    """Of a multi-node parallel job."""
    is_of_pod: bool = False
    is_init: bool = False
    """Whether it has ended before the others of its pod begin."""

    @property
    def who(self) -> str:
        """Which one of a step; empty of its only one."""
        container = f"container {self.name} of " if self.name else ""
        return container + ("" if self.node is None else f"node {self.node} of ")

    def words(self, key: str) -> tuple[str, ...]:
        """`command`, and of a pod `args`: a request replaces them as a whole."""
        return tuple(self.over.get(key) or self.under.get(key) or ())

    @property
    def variables(self) -> dict[str, str]:
        """Its environment variables."""
        key = "env" if self.is_of_pod else "environment"
        entries = [*(self.under.get(key) or ()), *(self.over.get(key) or ())]
        return {entry["name"]: entry.get("value", "") for entry in entries}

    def amount(self, kind: str) -> Json:
        """What it asks for, `VCPU` or `MEMORY`, as it is written; None if it does not say.

        The deprecated spelling of a request overrides that of the definition, and no entry of its
        resourceRequirements. Source: ContainerOverrides.
        """
        read = _amounts_of_pod if self.is_of_pod else _amounts
        older, listed = zip(read(self.under, kind), read(self.over, kind), strict=True)
        written = [value for value in (*older, *listed) if value is not None]
        return written[-1] if written else None


def _amounts(container: Mapping[str, Any], kind: str) -> tuple[Json, Json]:
    """In the deprecated spelling, and in the other."""
    entries = container.get("resourceRequirements") or ()
    listed = [entry["value"] for entry in entries if entry["type"] == kind]
    return container.get(_DEPRECATED[kind]), listed[-1] if listed else None


_DEPRECATED = {"VCPU": "vcpus", "MEMORY": "memory"}


def _amounts_of_pod(container: Mapping[str, Any], kind: str) -> tuple[Json, Json]:
    """The limit, and what is requested, by which Kubernetes finds a place for it."""
    resources = container.get("resources") or {}
    limit, requested = (
        (resources.get(place) or {}).get(_OF_POD[kind]) for place in ("limits", "requests")
    )
    return tuple(  # type: ignore[return-value]
        value.removesuffix("Mi") if isinstance(value, str) else value
        for value in (limit, requested)
    )


_OF_POD = {"VCPU": "cpu", "MEMORY": "memory"}


def merged_containers(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> list[MergedContainer]:
    """Those of a job, on all its nodes."""
    if kind_of(definition) == "nodeProperties":
        return [*_of_nodes(request, definition)]
    return [*_of_a_node(request, definition)]


def number_of_nodes(request: Mapping[str, Any], definition: Mapping[str, Any]) -> int:
    """Of a multi-node parallel job."""
    overrides = request.get(NODES) or {}
    return int(overrides.get("numNodes") or definition["nodeProperties"].get("numNodes", 0))


def _of_a_node(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> Iterator[MergedContainer]:
    kind = kind_of(definition)
    read = _LISTS.get(kind or "")
    if kind is None or read is None:
        container = definition.get("containerProperties", definition.get("container", {}))
        yield MergedContainer(under=container, over=request.get(ONE_CONTAINER) or {})
        return
    changes = {_name(one.values): one.values for one in containers_of(request)}
    is_of_pod = kind == "eksProperties"
    init = (definition[kind].get("podProperties") or {}).get("initContainers") or ()
    for container in read(definition[kind]):
        name = _name(container)
        yield MergedContainer(
            name=name,
            under=container,
            over=changes.get(name, {}),
            is_of_pod=is_of_pod,
            is_init=is_of_pod and any(container is one for one in init),
        )


_LISTS = {"ecsProperties": containers_of_task, "eksProperties": containers_of_pod}


def _name(container: Mapping[str, Any]) -> str:
    return str(container.get("name", DEFAULT_NAME))


def _of_nodes(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> Iterator[MergedContainer]:
    """Of every node: those of its range, the narrowest that has it."""
    number = number_of_nodes(request, definition)
    entries = (request.get(NODES) or {}).get("nodePropertyOverrides") or ()
    changes = {one["targetNodes"]: one for one in entries}
    ranges = [
        (one, [n for n in range(number) if has_node(one, n)]) for one in ranges_of(definition)
    ]
    for node in range(number):
        having = [(one, nodes) for one, nodes in ranges if node in nodes]
        entry, _ = min(having, key=lambda pair: len(pair[1]), default=({}, []))
        own = changes.get(entry.get("targetNodes"), {})
        for container in _of_a_node(own, entry):
            yield replace(container, node=node)
