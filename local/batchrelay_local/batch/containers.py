"""The containers of a job: what its definition has, and what its request changes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchrelay_local.batch.container_fields import (
    check_words,
    checked_command,
    variables_of,
    words_of,
)
from batchrelay_local.batch.errors import ClientException
from batchrelay_local.batch.log_target import log_target
from batchrelay_local.batch.model import ContainerSpec, JobDefinition, Kind
from batchrelay_local.batch.requirements import requirements_of
from batchrelay_local.batch.task_definitions import task_containers

FORMS: Mapping[Kind, str] = {
    Kind.CONTAINER: "containerOverrides",
    Kind.TASK: "ecsPropertiesOverride",
}
"""What a request changes of a definition of a kind."""

OF_ECS = (FORMS[Kind.CONTAINER], FORMS[Kind.TASK])
"""What reaches ECS as one text."""


def containers_of(
    request: Mapping[str, Any], definition: JobDefinition, parameters: Mapping[str, str]
) -> tuple[ContainerSpec, ...]:
    """Overrides win over the definition. Raises: ClientException."""
    form = FORMS[definition.kind]
    for other in FORMS.values():
        if other != form and other in request:
            raise ClientException(
                f"{other} is not for job definition {definition.name}, which has "
                f"{definition.kind}: write {form}"
            )
    overrides = request.get(form, {})
    match definition.kind:
        case Kind.CONTAINER:
            return (_only_container(overrides, definition, parameters),)
        case Kind.TASK:
            return task_containers(overrides, definition, parameters)


def _only_container(
    overrides: Mapping[str, Any], definition: JobDefinition, parameters: Mapping[str, str]
) -> ContainerSpec:
    container = definition.properties
    check_words(overrides, "command")
    words = words_of(overrides.get("command") or container.get("command") or (), parameters)
    return ContainerSpec(
        command=checked_command((*definition.entrypoint, *words), definition.name),
        environment=variables_of(container.get("environment", ()))
        | variables_of(overrides.get("environment", ())),
        requirements=requirements_of(container, overrides, platform=definition.platform),
        log_target=log_target(container),
        registered=container,
    )
