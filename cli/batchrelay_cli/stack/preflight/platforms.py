"""Whether compute environments are of the kind that a job definition is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchrelay_cli.pipeline_file.definition_containers import kind_of
from batchrelay_cli.stack.preflight.uses import Use

_PLATFORM_OF = {
    "EC2": "EC2",
    "SPOT": "EC2",
    "FARGATE": "FARGATE",
    "FARGATE_SPOT": "FARGATE",
    "ECS_MANAGED_INSTANCES": "MANAGED_INSTANCES",
}
"""By ComputeResource, type."""


def platform_of(environment: Mapping[str, Any]) -> str:
    """As `platformCapabilities` writes it, or EKS. An unmanaged one is of EC2."""
    if environment.get("containerOrchestrationType") == "EKS":
        return "EKS"
    kind = str((environment.get("computeResources") or {}).get("type", "EC2"))
    return _PLATFORM_OF.get(kind, kind)


def platform_problem(use: Use, environments: Sequence[Mapping[str, Any]]) -> str | None:
    """Why AWS Batch would not place a definition's jobs in a queue of these environments.

    Source: RegisterJobDefinition, platformCapabilities, which is EC2 by default; ComputeResource,
    type, on multi-node parallel jobs.
    """
    kind = kind_of(use.definition)
    if kind is None or not environments:
        return None
    wanted = _wanted(use.definition)
    there = {platform_of(environment) for environment in environments}
    if not there & wanted:
        return (
            f"job definition {use.name} is for {_listed(wanted)}, and job queue {use.queue} has "
            f"compute environments of {_listed(there)}: {_remedy(there)}, or name a queue of "
            f"{_listed(wanted)}"
        )
    types = {(one.get("computeResources") or {}).get("type") for one in environments}
    if kind == "nodeProperties" and types == {"SPOT"}:
        return (
            f"job definition {use.name} has several nodes, and job queue {use.queue} has compute "
            "environments of Spot, which run none: name a queue of EC2 On-Demand"
        )
    return None


def _wanted(definition: Mapping[str, Any]) -> set[str]:
    if kind_of(definition) == "eksProperties":
        return {"EKS"}
    return set(definition.get("platformCapabilities") or ("EC2",))


def _remedy(there: set[str]) -> str:
    if there == {"EKS"}:
        return "write eksProperties"
    more = ", with an executionRoleArn" if there == {"FARGATE"} else ""
    return f"write platformCapabilities: [{_listed(there)}]{more}"


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
