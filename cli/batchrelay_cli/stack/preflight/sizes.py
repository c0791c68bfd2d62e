"""Whether a compute environment may ever be as large as one job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batchrelay.domain.containers import NODES, ONE_CONTAINER, POD, TASK
from batchrelay.domain.job_containers import requested_of_job
from batchrelay.domain.values import Json
from batchrelay_cli.stack.preflight.uses import Use, members


def vcpus_of(use: Use, value_of: Callable[[Json], str | None]) -> float | None:
    """Of one job, on all its nodes; None if only a run knows it, or a request of several containers
    changes it."""
    if any(_changes_vcpus(use.request.get(form)) for form in (TASK, POD, NODES)):
        return None
    container = use.definition.get("containerProperties") or {}
    own = (use.request.get(ONE_CONTAINER) or {}).get("resourceRequirements") or ()
    amounts = [entry["value"] for entry in own if entry.get("type") == "VCPU"]
    if not amounts:
        return requested_of_job({**use.definition, "container": container})[0]
    text = value_of(amounts[-1])
    try:
        return float(text or "")
    except ValueError:
        return None


def _changes_vcpus(override: Any) -> bool:
    return any(
        key == "cpu" or value == "VCPU" for (*_, key), value in members(override, "cpu", "type")
    )


def size_problem(
    use: Use, vcpus: float | None, environments: Sequence[Mapping[str, Any]]
) -> str | None:
    """Why such a job would wait for ever. Source: ComputeResource, maxvCpus."""
    largest = max((_vcpus_max(environment) for environment in environments), default=None)
    if vcpus is None or largest is None or vcpus <= largest:
        return None
    return (
        f"a job of {use.name} asks for {vcpus:g} vCPUs, and no compute environment of job queue "
        f"{use.queue} may have more than {largest:g}: it would wait for ever. Ask for less, or "
        "raise maxvCpus (aws batch update-compute-environment)"
    )


def _vcpus_max(environment: Mapping[str, Any]) -> float:
    """Of an unmanaged one AWS Batch knows no bound."""
    bound = (environment.get("computeResources") or {}).get("maxvCpus")
    return float("inf") if bound is None else float(bound)
