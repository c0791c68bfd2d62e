"""containerProperties: the only container of a job, and what a request changes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batch_local.containers.fields import (
    check_program,
    check_words,
    variables_of,
    words_of,
)
from batch_local.containers.log_target import log_target
from batch_local.containers.requirements import FARGATE, requirements_of
from batch_local.errors import ClientException
from batch_local.model import ContainerSpec, JobDefinition

_ONLY_FARGATE = ("networkConfiguration", "fargatePlatformConfiguration")


def check_container(container: Mapping[str, Any], platform: str) -> None:
    """Everything that can be seen in containerProperties. Raises: ClientException."""
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


def only_container(
    container: Mapping[str, Any],
    overrides: Mapping[str, Any],
    definition: JobDefinition,
    parameters: Mapping[str, str],
) -> ContainerSpec:
    """The container of a job. Raises: ClientException."""
    check_words(overrides, "command")
    words = words_of(overrides.get("command") or container.get("command") or (), parameters)
    entrypoint = definition.entrypoint_of(container)
    check_program(definition.images, entrypoint, words, definition.name)
    return ContainerSpec(
        command=words,
        entrypoint=entrypoint,
        environment=variables_of(container.get("environment", ()))
        | variables_of(overrides.get("environment", ())),
        requirements=requirements_of(container, overrides, platform=definition.platform),
        log_target=log_target(container),
        volumes=tuple(container.get("volumes", ())),
        registered=container,
    )
