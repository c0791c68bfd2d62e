"""vCPUs, memory and GPUs: where they are written, what wins, and which values AWS Batch takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from batch_local.errors import ClientException

FARGATE = "FARGATE"

MEMORY_MIB_MIN = 4
"""Source: ResourceRequirement, value."""

FARGATE_MEMORY_MIB: Mapping[str, frozenset[int]] = {
    "0.25": frozenset({512, 1_024, 2_048}),
    "0.5": frozenset(range(1_024, 4_097, 1_024)),
    "1": frozenset(range(2_048, 8_193, 1_024)),
    "2": frozenset(range(4_096, 16_385, 1_024)),
    "4": frozenset(range(8_192, 30_721, 1_024)),
    "8": frozenset(range(16_384, 61_441, 4_096)),
    "16": frozenset(range(32_768, 122_881, 8_192)),
    "32": frozenset({61_440, 122_880, 249_856}),
}
"""MiB that Fargate has for a number of vCPUs. Source: ResourceRequirement, value."""

_DEPRECATED = {"vcpus": "VCPU", "memory": "MEMORY"}
_KINDS = ("GPU", "VCPU", "MEMORY")
_WHOLE = re.compile(r"[0-9]{1,9}")
_PART = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def requirements_of(
    container: Mapping[str, Any],
    overrides: Mapping[str, Any],
    *,
    platform: str,
    whose: str | None = None,
) -> dict[str, str]:
    """What one container asks for, by type.

    The deprecated `vcpus` and `memory` of overrides override those of the definition, and no
    entry of its resourceRequirements. Source: ContainerOverrides.

    Args:
        container: of the definition.
        overrides: of the request.
        platform: EC2 or Fargate.
        whose: which of several containers asks; alone it is no size of Fargate.

    Raises:
        ClientException: a value that AWS Batch does not take; vCPU or memory is missing.
    """
    if platform == FARGATE:
        _no_deprecated(container)
        _no_deprecated(overrides)
    requirements = _old(container) | _old(overrides) | _listed(container) | _listed(overrides)
    _check(requirements, platform, whose or "containerProperties")
    if platform == FARGATE and whose is None:
        _check_fargate_size(requirements)
    return requirements


def together(requirements: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What several containers ask for at the same time, by type."""
    totals: dict[str, float] = {}
    for amounts in requirements:
        for kind, value in amounts.items():
            totals[kind] = totals.get(kind, 0.0) + float(value)
    return {kind: f"{total:.15g}" for kind, total in totals.items()}


def _no_deprecated(container: Mapping[str, Any]) -> None:
    for name in _DEPRECATED:
        if name in container:
            raise ClientException(
                f"{name} is not applicable for Fargate. Use resource requirements instead."
            )


def _old(container: Mapping[str, Any]) -> dict[str, str]:
    return {kind: str(container[name]) for name, kind in _DEPRECATED.items() if name in container}


def _listed(container: Mapping[str, Any]) -> dict[str, str]:
    return {entry["type"]: entry["value"] for entry in container.get("resourceRequirements", ())}


def _check(requirements: Mapping[str, str], platform: str, whose: str) -> None:
    for kind, value in requirements.items():
        if kind not in _KINDS:
            raise ClientException(
                f"{kind} is not a type of resourceRequirements: write one of {', '.join(_KINDS)}"
            )
        if platform == FARGATE and kind == "VCPU":
            _check_part(value)
        else:
            _check_whole(kind, value)
    for kind, name in (("VCPU", "vCPU"), ("MEMORY", "Memory")):
        if kind not in requirements:
            raise ClientException(
                f"{name} is not provided. Write {{type: {kind}, value: …}} into the "
                f"resourceRequirements of {whose}"
            )
    if platform == FARGATE and "GPU" in requirements:
        raise ClientException("GPU is not applicable for Fargate")


def _check_part(value: str) -> None:
    """vCPUs on Fargate, which may be a part of one."""
    if not _PART.fullmatch(value) or float(value) <= 0:
        raise ClientException(
            f"Value {value} for type VCPU in resourceRequirement is not valid. "
            "Please provide a numeric value."
        )


def _check_whole(kind: str, value: str) -> None:
    least = MEMORY_MIB_MIN if kind == "MEMORY" else 1
    if not _WHOLE.fullmatch(value):
        raise ClientException(
            f"Value {value} for type {kind} in resourceRequirement is not valid. "
            "Please provide a numeric value."
        )
    if int(value) < least:
        raise ClientException(
            f"Value {value} for type {kind} in resourceRequirement is not valid. "
            f"It must be at least {least}."
        )


def _check_fargate_size(requirements: Mapping[str, str]) -> None:
    vcpus, memory = requirements["VCPU"], int(requirements["MEMORY"])
    if vcpus not in FARGATE_MEMORY_MIB:
        raise ClientException(
            f"Fargate has no {vcpus} vCPU: write one of {', '.join(FARGATE_MEMORY_MIB)}"
        )
    if memory not in FARGATE_MEMORY_MIB[vcpus]:
        choices = ", ".join(map(str, sorted(FARGATE_MEMORY_MIB[vcpus])))
        raise ClientException(
            f"Fargate has no {memory} MiB for {vcpus} vCPU: write one of {choices}"
        )
