"""What a child of a step asks for: what its request says, over its job definition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchrelay.domain.sizing import Size
from batchrelay.domain.values import Json
from batchrelay.prices import Platform
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.definition_containers import kind_of
from batchrelay_cli.pipeline_file.overrides import definition_of

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

VCPUS, MEMORY_MIB = 1, 2_048
"""Of a job definition that says nothing. Source: ResourceRequirement, value."""


@dataclass(frozen=True, kw_only=True)
class Requested:
    """What a child of a step asks for, and where."""

    size: Size
    platform: Platform
    arch: str
    queue: str
    others: Mapping[str, str]
    """Of its overrides: neither vCPUs nor memory."""


def requested(
    batch: BatchClient,
    request: Mapping[str, Any],
    definitions: Iterable[Mapping[str, Any]] = (),
    value_of: Callable[[Json], str | None] = str,
) -> Requested:
    """Raises: UsageProblem, if a size is known in a run only, or is one of several.

    Args:
        definitions: those of a file come before those that AWS Batch has.
        value_of: a text with its parameters replaced; None if only a run will know it.
    """
    reference = value_of(request["jobDefinition"]) or ""
    definition: Any = definition_of({"jobDefinition": reference}, definitions)
    if not definition and reference:
        answer = batch.describe_job_definitions(**_query(reference))["jobDefinitions"]
        definition = answer[0] if answer else {}
    container: Any = definition.get("containerProperties") or {}
    if kind_of(definition) not in (None, "containerProperties"):
        raise UsageProblem(f"job definition {reference} has several containers, or nodes")
    own = _requirements(request.get("containerOverrides") or {})
    amounts = {**_requirements(container), **own}
    return Requested(
        size=Size(
            vcpus=_amount("vCPUs", amounts.get("VCPU", VCPUS), value_of),
            memory_mib=int(_amount("memory", amounts.get("MEMORY", MEMORY_MIB), value_of)),
        ),
        platform=(
            Platform.FARGATE
            if "FARGATE" in (definition.get("platformCapabilities") or ())
            else Platform.EC2
        ),
        arch=str((container.get("runtimePlatform") or {}).get("cpuArchitecture", "x86_64")).lower(),
        queue=(value_of(request.get("jobQueue", "")) or "").rpartition("job-queue/")[2],
        others={kind: own[kind] for kind in own if kind not in ("VCPU", "MEMORY")},
    )


def _requirements(container: Mapping[str, Any]) -> dict[str, str]:
    """In both spellings: `vcpus` and `memory` are the older one."""
    older = {"VCPU": container.get("vcpus"), "MEMORY": container.get("memory")}
    amounts = {kind: str(value) for kind, value in older.items() if value is not None}
    entries = container.get("resourceRequirements") or ()
    return amounts | {entry["type"]: entry["value"] for entry in entries}


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
