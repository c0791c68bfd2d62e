"""RegisterJobDefinition: what AWS Batch refuses at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batch_local.containers.of_job import check_containers
from batch_local.containers.requirements import FARGATE
from batch_local.errors import ClientException
from batch_local.jobs.submission import (
    check_priority,
    retry_of,
    text_of,
    timeout_of,
)
from batch_local.model import NAME, Kind

DEFINITION_BYTES_MAX = 24 * 1024
"""Bytes of a RegisterJobDefinition request. Source: Batch User Guide, service quotas."""

MANAGED_INSTANCES = "MANAGED_INSTANCES"

ONLY_WITH_TASKS = (
    f"Jobs with the {MANAGED_INSTANCES} platform capability must use ecsProperties (not "
    "containerProperties) and do not support multi-node parallel jobs"
)
"""Source: RegisterJobDefinition, platformCapabilities."""

ONE_KIND = (
    "If the value of type is container, then one of the following is required: "
    f"{Kind.CONTAINER}, {Kind.TASK}, or {Kind.POD}. If the value is multinode, then {Kind.NODES} "
    "is required"
)
"""Source: RegisterJobDefinition, type."""

NOT_ON_EKS = "If the job runs on Amazon EKS resources, then you must not specify"
"""Source: RegisterJobDefinition, propagateTags, platformCapabilities."""

NO_NODES_ON_FARGATE = "If the job is run on Fargate resources, then multinode isn't supported"
"""Source: RegisterJobDefinition, type."""

_PLATFORMS = ("EC2", FARGATE, MANAGED_INSTANCES)


def check_definition(request: Mapping[str, Any]) -> None:
    """Everything that can be seen in a request. Raises: ClientException."""
    size = len(text_of(request).encode(errors="surrogatepass"))
    if size > DEFINITION_BYTES_MAX:
        raise ClientException(
            f"Job definition size must be less than 24 KiB, got {-(-size // 1024)} KiB"
        )
    if not NAME.fullmatch(request["jobDefinitionName"]):
        raise ClientException(f"Job definition name should match valid pattern {NAME.pattern}")
    retry_of(request.get("retryStrategy"))
    timeout_of(request.get("timeout"))
    check_priority("schedulingPriority", request.get("schedulingPriority", 0))
    kind, platform = kind_of(request), platform_of(request)
    for name in ("propagateTags", "platformCapabilities"):
        if kind is Kind.POD and name in request:
            raise ClientException(f"{NOT_ON_EKS} {name}: leave it out")
    check_containers(kind, request[kind], platform)


def kind_of(request: Mapping[str, Any]) -> Kind:
    """Which one of the kinds a definition is. Raises: ClientException."""
    kinds = [kind for kind in Kind if kind in request]
    if len(kinds) > 1:
        raise ClientException(
            f"When {kinds[0]} is used in the job definition, it can't be used in addition to "
            f"{kinds[1]}: write one of them"
        )
    if not kinds or (kinds[0] is Kind.NODES) != (request["type"] == "multinode"):
        raise ClientException(ONE_KIND)
    return kinds[0]


def platform_of(request: Mapping[str, Any]) -> str:
    """EC2 by default. Raises: ClientException."""
    platforms = request.get("platformCapabilities") or ["EC2"]
    if len(platforms) != 1 or platforms[0] not in _PLATFORMS:
        raise ClientException(
            f"platformCapabilities must be one of {', '.join(_PLATFORMS)}, got {platforms}"
        )
    if platforms[0] == MANAGED_INSTANCES and Kind.TASK not in request:
        raise ClientException(ONLY_WITH_TASKS)
    if platforms[0] == FARGATE and Kind.NODES in request:
        raise ClientException(NO_NODES_ON_FARGATE)
    return str(platforms[0])
