"""RegisterJobDefinition: what AWS Batch refuses at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchrelay_local.batch.container_fields import check_words, variables_of
from batchrelay_local.batch.errors import ClientException
from batchrelay_local.batch.log_target import log_target
from batchrelay_local.batch.model import NAME, Kind
from batchrelay_local.batch.requirements import FARGATE, requirements_of
from batchrelay_local.batch.submission import (
    check_priority,
    retry_of,
    text_of,
    timeout_of,
)
from batchrelay_local.batch.task_definitions import check_task

DEFINITION_BYTES_MAX = 24 * 1024
"""Bytes of a RegisterJobDefinition request. Source: Batch User Guide, service quotas."""

MANAGED_INSTANCES = "MANAGED_INSTANCES"

ONLY_WITH_TASKS = (
    f"Jobs with the {MANAGED_INSTANCES} platform capability must use ecsProperties (not "
    "containerProperties) and do not support multi-node parallel jobs"
)
"""Source: RegisterJobDefinition, platformCapabilities."""

ONE_KIND = (
    f"If the value of type is container, then one of the following is required: {', '.join(Kind)}"
)
"""Source: RegisterJobDefinition, type."""

_PLATFORMS = ("EC2", FARGATE, MANAGED_INSTANCES)
_ONLY_FARGATE = ("networkConfiguration", "fargatePlatformConfiguration")


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
    match kind:
        case Kind.CONTAINER:
            _check_container(request[kind], platform)
        case Kind.TASK:
            check_task(request[kind], platform)


def kind_of(request: Mapping[str, Any]) -> Kind:
    """Which one of the kinds a definition is. Raises: ClientException."""
    kinds = [kind for kind in Kind if kind in request]
    if len(kinds) > 1:
        raise ClientException(
            f"When {kinds[0]} is used in the job definition, it can't be used in addition to "
            f"{kinds[1]}: write one of them"
        )
    if not kinds or request["type"] != "container":
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
    return str(platforms[0])


def _check_container(container: Mapping[str, Any], platform: str) -> None:
    check_words(container, "command")
    variables_of(container.get("environment", ()))
    requirements_of(container, {}, platform=platform)
    log_target(container)
    if platform == FARGATE:
        _check_fargate(container)
    for name in _ONLY_FARGATE:
        if platform != FARGATE and name in container:
            raise ClientException(f"{name} is not applicable for EC2: leave it out")


def _check_fargate(container: Mapping[str, Any]) -> None:
    if not container.get("executionRoleArn"):
        raise ClientException("Fargate needs executionRoleArn: write it into containerProperties")
    if container.get("privileged") or container.get("ulimits"):
        raise ClientException(
            "privileged and ulimits are not applicable for Fargate: leave them out"
        )
