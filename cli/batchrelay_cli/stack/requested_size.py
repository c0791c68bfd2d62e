"""What a child of a step asks for: what its request says, over its job definition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from batchrelay.domain.sizing import Size
from batchrelay.domain.values import Json
from batchrelay.prices import Platform
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.definition_containers import ranges_of
from batchrelay_cli.pipeline_file.merged_containers import MergedContainer, merged_containers
from batchrelay_cli.pipeline_file.overrides import definition_of

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

VCPUS, MEMORY_MIB = 1, 2_048
"""Of a job definition that says nothing. Source: ResourceRequirement, value."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one container asks for."""

    container: MergedContainer
    size: Size


@dataclass(frozen=True, kw_only=True)
class Requested:
    """What a child of a step asks for, and where."""

    containers: Sequence[Asked]
    """Of all its nodes."""
    tags: Mapping[str, str]
    """Of the job definition."""
    platform: Platform
    arch: str
    queue: str

    @property
    def size(self) -> Size:
        """Of all its containers at once, on all its nodes."""
        return _together(self.containers)

    @property
    def others(self) -> Mapping[str, str]:
        """What else its overrides require of an only container: neither vCPUs nor memory."""
        [own, *_] = self.containers
        entries = own.container.over.get("resourceRequirements") or ()
        return {e["type"]: e["value"] for e in entries if e["type"] not in ("VCPU", "MEMORY")}

    def size_with(self, changed: Asked, size: Size) -> Size:
        """As `size`, with another one of one container."""
        return _together(
            [
                Asked(container=o.container, size=size) if o is changed else o
                for o in self.containers
            ]
        )


def requested(
    batch: BatchClient,
    request: Mapping[str, Any],
    definitions: Iterable[Mapping[str, Any]] = (),
    value_of: Callable[[Json], str | None] = str,
) -> Requested:
    """Raises: UsageProblem, if a size is known in a run only.

    Args:
        definitions: those of a file come before those that AWS Batch has.
        value_of: a text with its parameters replaced; None if only a run will know it.
    """
    reference = value_of(request["jobDefinition"]) or ""
    definition: Any = definition_of({"jobDefinition": reference}, definitions)
    if not definition and reference:
        answer = batch.describe_job_definitions(**_query(reference))["jobDefinitions"]
        definition = answer[0] if answer else {}
    return Requested(
        containers=[
            Asked(container=one, size=_size(one, value_of))
            for one in merged_containers(request, definition)
        ],
        tags=definition.get("tags") or {},
        platform=(
            Platform.FARGATE
            if "FARGATE" in (definition.get("platformCapabilities") or ())
            else Platform.EC2
        ),
        arch=_arch(definition),
        queue=(value_of(request.get("jobQueue", "")) or "").rpartition("job-queue/")[2],
    )


def _size(container: MergedContainer, value_of: Callable[[Json], str | None]) -> Size:
    """Of one that begins first, and says nothing, nothing: it is not there beside the others."""
    vcpus, memory = container.amount("VCPU"), container.amount("MEMORY")
    vcpus = vcpus if vcpus is not None else 0 if container.is_init else VCPUS
    memory = memory if memory is not None else 0 if container.is_init else MEMORY_MIB
    return Size(
        vcpus=_amount("vCPUs", vcpus, value_of),
        memory_mib=int(_amount("memory", memory, value_of)),
    )


def _together(containers: Sequence[Asked]) -> Size:
    """On each node, all at once; those that begin first have ended before the others begin."""
    vcpus, memory = 0.0, 0
    for _, group in groupby(containers, key=lambda one: one.container.node):
        on_node = list(group)
        last = [one.size for one in on_node if not one.container.is_init]
        first = [one.size for one in on_node if one.container.is_init]
        vcpus += max([sum(one.vcpus for one in last), *(one.vcpus for one in first)])
        memory += max([sum(one.memory_mib for one in last), *(one.memory_mib for one in first)])
    return Size(vcpus=vcpus, memory_mib=memory)


def _arch(definition: Mapping[str, Any]) -> str:
    for one in (definition, *ranges_of(definition)):
        tasks = (one.get("ecsProperties") or {}).get("taskProperties") or ()
        for place in (one.get("containerProperties"), one.get("container"), *tasks):
            arch = ((place or {}).get("runtimePlatform") or {}).get("cpuArchitecture")
            if arch:
                return str(arch).lower()
    return "x86_64"


def _query(reference: str) -> dict[str, Any]:
    if ":" in reference:
        return {"jobDefinitions": [reference]}
    return {"jobDefinitionName": reference, "status": "ACTIVE"}


def _amount(what: str, value: Json, value_of: Callable[[Json], str | None]) -> float:
    text = value_of(value)
    try:
        return float(text or "")
    except ValueError:
        raise UsageProblem(f"its {what}, {value}, are known in a run only") from None
