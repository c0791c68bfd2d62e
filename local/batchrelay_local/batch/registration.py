"""RegisterJobDefinition: what AWS Batch refuses at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchrelay_local.batch.errors import ClientException
from batchrelay_local.batch.log_target import log_target
from batchrelay_local.batch.model import NAME
from batchrelay_local.batch.requirements import FARGATE, requirements_of
from batchrelay_local.batch.submission import (
    check_priority,
    environment_of,
    retry_of,
    text_of,
    timeout_of,
)

DEFINITION_BYTES_MAX = 24 * 1024
"""Bytes of a RegisterJobDefinition request. Source: Batch User Guide, service quotas."""

_PLATFORMS = ("EC2", FARGATE)
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
    if request["type"] != "container" or "containerProperties" not in request:
        raise ClientException("only definitions of type container, with containerProperties")
    retry_of(request.get("retryStrategy"))
    timeout_of(request.get("timeout"))
    check_priority("schedulingPriority", request.get("schedulingPriority", 0))
    _check_container(request["containerProperties"], platform_of(request))


def platform_of(request: Mapping[str, Any]) -> str:
    """EC2 by default. Raises: ClientException."""
    platforms = request.get("platformCapabilities") or ["EC2"]
    if len(platforms) != 1 or platforms[0] not in _PLATFORMS:
        raise ClientException(f"platformCapabilities must be [EC2] or [FARGATE], got {platforms}")
    return str(platforms[0])


def _check_container(container: Mapping[str, Any], platform: str) -> None:
    if "" in container.get("command", ()):
        raise ClientException("Command field cannot have empty strings")
    environment_of(container)
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
