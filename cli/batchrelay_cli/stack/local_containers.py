"""What a request runs where there is no image: the processes of a job, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.containers import ONE_CONTAINER, containers_of
from batchrelay_cli.pipeline_file.commands import ENTRYPOINT_TAG
from batchrelay_cli.pipeline_file.definition_containers import containers_of_task, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalContainer:
    """A process of a job."""

    name: str | None
    """None of the only one."""
    words: tuple[str, ...]
    """Of its command, as far as the file says."""
    vcpus: float


def local_containers(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> list[LocalContainer]:
    """The containers of a job definition, as a request changes them."""
    entrypoint = tuple(str(definition.get("tags", {}).get(ENTRYPOINT_TAG, "")).split())
    return [
        LocalContainer(
            name=name,
            words=(*entrypoint, *(over.get("command") or under.get("command") or ())),
            vcpus=_vcpus(under, over),
        )
        for name, under, over in _pairs(request, definition)
    ]


def vcpus_of(request: Mapping[str, Any], definition: Mapping[str, Any]) -> float:
    """vCPUs of one child: of all its containers together."""
    return sum(container.vcpus for container in local_containers(request, definition))


def _pairs(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> Iterator[tuple[str | None, Mapping[str, Any], Mapping[str, Any]]]:
    """Each container with its name, as it is defined and as it is changed."""
    kind = kind_of(definition)
    if kind == "ecsProperties":
        changes = {str(one.values.get("name")): one.values for one in containers_of(request)}
        for container in containers_of_task(definition[kind]):
            name = str(container.get("name"))
            yield name, container, changes.get(name, {})
    elif kind in (None, "containerProperties"):
        overrides = request.get(ONE_CONTAINER)
        yield None, definition.get("containerProperties", {}), overrides or {}


def _vcpus(under: Mapping[str, Any], over: Mapping[str, Any]) -> float:
    """1 where the file is silent."""
    amounts = [
        float(entry["value"])
        for container in (under, over)
        for entry in container.get("resourceRequirements", [])
        if entry["type"] == "VCPU"
    ]
    return amounts[-1] if amounts else 1.0
