"""The containers of a job: what its definition has, and what its request changes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from batch_local.containers.nodes import (
    check_nodes,
    number_of_nodes,
    range_kind,
    ranges_with_overrides,
)
from batch_local.containers.one_container import check_container, only_container
from batch_local.containers.pods import check_pod, pod_containers
from batch_local.containers.requirements import together
from batch_local.containers.tasks import check_task, task_containers
from batch_local.errors import ClientException
from batch_local.model import ContainerSpec, JobDefinition, Kind

FORMS: Mapping[Kind, str] = {
    Kind.CONTAINER: "containerOverrides",
    Kind.TASK: "ecsPropertiesOverride",
    Kind.POD: "eksPropertiesOverride",
    Kind.NODES: "nodeOverrides",
}
"""What a request changes of a definition of a kind."""


OF_PODS = "Container overrides or node overrides should not be set for Batch on EKS jobs"
"""Source: nextflow#5817."""


def check_containers(kind: Kind, properties: Mapping[str, Any], platform: str) -> None:
    """Everything that can be seen in a definition's containers. Raises: ClientException."""
    match kind:
        case Kind.CONTAINER:
            check_container(properties, platform)
        case Kind.TASK:
            check_task(properties, platform)
        case Kind.POD:
            check_pod(properties)
        case Kind.NODES:
            check_nodes(properties)
            for entry in properties["nodeRangeProperties"]:
                inner, field = range_kind(entry)
                check_containers(inner, entry[field], platform)


def containers_of(
    request: Mapping[str, Any], definition: JobDefinition, parameters: Mapping[str, str]
) -> tuple[ContainerSpec, ...]:
    """Overrides win over the definition. Raises: ClientException."""
    whose = f"job definition {definition.name}"
    overrides = _overrides(request, definition.kind, whose)
    if definition.kind is Kind.NODES:
        return tuple(_of_nodes(overrides, definition, parameters))
    return _merged(definition.kind, definition.properties, overrides, definition, parameters)


def asked_together(containers: Sequence[ContainerSpec]) -> dict[str, str]:
    """What a job asks for: of a pod, the containers that begin first have ended before the others
    begin. Source: Kubernetes, init containers ("effective request")."""
    at_the_end = together([one.requirements for one in containers if not one.is_init])
    for one in containers:
        for kind, value in one.requirements.items():
            if float(value) > float(at_the_end.get(kind, "0")):
                at_the_end[kind] = value
    return at_the_end


def texts_for_ecs(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What reaches ECS as one text each."""
    entries = request.get(FORMS[Kind.NODES], {}).get("nodePropertyOverrides", ())
    for place in (request, *entries):
        for kind in (Kind.CONTAINER, Kind.TASK):
            if FORMS[kind] in place:
                yield place[FORMS[kind]]


def _merged(
    kind: Kind,
    properties: Mapping[str, Any],
    overrides: Mapping[str, Any],
    definition: JobDefinition,
    parameters: Mapping[str, str],
) -> tuple[ContainerSpec, ...]:
    match kind:
        case Kind.CONTAINER:
            return (only_container(properties, overrides, definition, parameters),)
        case Kind.TASK:
            return task_containers(properties, overrides, definition, parameters)
        case Kind.POD:
            return pod_containers(properties, overrides, definition, parameters)
        case Kind.NODES:
            raise AssertionError("a range of nodes has no nodes")


def _of_nodes(
    overrides: Mapping[str, Any], definition: JobDefinition, parameters: Mapping[str, str]
) -> Iterator[ContainerSpec]:
    """The containers of every node; nodes of one range differ in their numbers only."""
    number = number_of_nodes(definition.properties, overrides)
    for entry, own, nodes in ranges_with_overrides(definition.properties, overrides, number):
        kind, field = range_kind(entry)
        inner = _overrides(own, kind, f"the range {entry['targetNodes']} of nodes")
        containers = _merged(kind, entry[field], inner, definition, parameters)
        for node in nodes:
            yield from (replace(container, node=node) for container in containers)


def _overrides(request: Mapping[str, Any], kind: Kind, whose: str) -> Mapping[str, Any]:
    """What a request changes, in the form that a kind takes. Raises: ClientException."""
    for other in FORMS.values():
        if other != FORMS[kind] and other in request:
            if kind is Kind.POD:
                raise ClientException(f"{OF_PODS}: write {FORMS[kind]}")
            raise ClientException(
                f"{other} is not for {whose}, which has {kind}: write {FORMS[kind]}"
            )
    overrides: Mapping[str, Any] = request.get(FORMS[kind], {})
    return overrides
