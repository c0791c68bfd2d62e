"""ecsProperties: the containers of an ECS task, and what a request changes of them.

What AWS answers, or documents, is quoted; behind it stands what to write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
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
from batch_local.model import Condition, ContainerSpec, JobDefinition

CONTAINERS_MAX = 10
"""Containers of a task. Source: EcsProperties, taskProperties."""

ONE_TASK = (
    "taskProperties is currently limited to one task element. However, the task element can run "
    f"up to {CONTAINERS_MAX} containers"
)
"""Source: EcsProperties, taskProperties."""

ONE_ESSENTIAL = "All jobs must have at least one essential container"
"""Source: TaskContainerProperties, essential."""

NOT_OF_ESSENTIAL = (
    "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
)
"""Source: boto3#2436."""

CONTAINER_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
"""Source: ECS, ContainerDefinition, name."""

_DEFAULT_NAME = "default"
"""Of the only container of a task, if it says none."""

_Container = Mapping[str, Any]


def check_task(properties: Mapping[str, Any], platform: str) -> None:
    """Everything that can be seen in ecsProperties. Raises: ClientException."""
    tasks = properties["taskProperties"]
    if len(tasks) != 1:
        raise ClientException(f"{ONE_TASK}, got {len(tasks)} tasks")
    [task] = tasks
    containers: Sequence[_Container] = task["containers"]
    if len(containers) > CONTAINERS_MAX:
        raise ClientException(f"{ONE_TASK}, got {len(containers)}")
    _check_names(containers)
    if not any(_is_essential(container) for container in containers):
        raise ClientException(f"{ONE_ESSENTIAL}: leave essential: false out of one of them")
    _check_dependencies(containers)
    if platform == FARGATE and not task.get("executionRoleArn"):
        raise ClientException("Fargate needs executionRoleArn: write it into taskProperties")
    for container in containers:
        _check_container(container, platform)


def task_containers(
    properties: Mapping[str, Any],
    overrides: Mapping[str, Any],
    definition: JobDefinition,
    parameters: Mapping[str, str],
) -> tuple[ContainerSpec, ...]:
    """The containers of a task. Raises: ClientException."""
    [task] = properties["taskProperties"]
    containers: Sequence[_Container] = task["containers"]
    by_name = _overrides_by_name(overrides, [_name(container) for container in containers])
    volumes = tuple(task.get("volumes", ()))
    return tuple(
        _merged(container, by_name.get(_name(container), {}), definition, parameters, volumes)
        for container in containers
    )


def _merged(
    container: _Container,
    override: _Container,
    definition: JobDefinition,
    parameters: Mapping[str, str],
    volumes: tuple[Mapping[str, Any], ...],
) -> ContainerSpec:
    name = _name(container)
    words = words_of(override.get("command") or container.get("command") or (), parameters)
    entrypoint = definition.entrypoint_of(container)
    check_program(definition.images, entrypoint, words, f"container {name}")
    return ContainerSpec(
        name=name,
        command=words,
        entrypoint=entrypoint,
        environment=variables_of(container.get("environment", ()))
        | variables_of(override.get("environment", ())),
        requirements=requirements_of(
            container, override, platform=definition.platform, whose=f"container {name}"
        ),
        is_essential=_is_essential(container),
        depends_on=tuple(
            (entry["containerName"], Condition(entry["condition"].upper()))
            for entry in container.get("dependsOn", ())
        ),
        log_target=log_target(container),
        volumes=volumes,
        registered=container,
    )


def _overrides_by_name(overrides: Mapping[str, Any], names: Sequence[str]) -> dict[str, _Container]:
    """What a request says of each container; of one without a name if the task has no other."""
    tasks = overrides.get("taskProperties", ())
    if len(tasks) > 1:
        raise ClientException(f"{ONE_TASK}, got {len(tasks)} tasks")
    entries: Sequence[_Container] = [
        entry for task in tasks for entry in task.get("containers", ())
    ]
    by_name: dict[str, _Container] = {}
    for entry in entries:
        check_words(entry, "command")
        name = entry.get("name") or (names[0] if len(names) == 1 else "")
        if name not in names:
            raise ClientException(
                f"Container {name!r} is not in the job definition: write one of {', '.join(names)}"
            )
        if name in by_name:
            raise ClientException(f"Container {name} is overridden twice: write it once")
        by_name[name] = entry
    return by_name


def _name(container: _Container) -> str:
    return str(container.get("name") or _DEFAULT_NAME)


def _is_essential(container: _Container) -> bool:
    """Source: TaskContainerProperties, essential."""
    return bool(container.get("essential", True))


def _check_names(containers: Sequence[_Container]) -> None:
    names = [container.get("name") or "" for container in containers]
    if len(names) > 1 and "" in names:
        raise ClientException(
            "Each container of several needs a name: write {name: NAME, image: …}"
        )
    for name in names:
        if name and not CONTAINER_NAME.fullmatch(name):
            raise ClientException(
                f"Container name {name[:200]!r} should match valid pattern {CONTAINER_NAME.pattern}"
            )
        if names.count(name) > 1:
            raise ClientException(f"Container names must be unique: two are called {name}")


def _check_dependencies(containers: Sequence[_Container]) -> None:
    essential = {_name(container): _is_essential(container) for container in containers}
    graph: dict[str, list[str]] = {}
    for container in containers:
        graph[_name(container)] = []
        for entry in container.get("dependsOn", ()):
            name, condition = entry.get("containerName", ""), entry.get("condition", "").upper()
            if name not in essential:
                raise ClientException(
                    f"Container {_name(container)} depends on {name!r}, which is not in the task: "
                    f"write one of {', '.join(essential)}"
                )
            if condition not in list(Condition):
                raise ClientException(
                    f"condition must be one of {', '.join(Condition)}, got {condition!r}"
                )
            if essential[name] and condition != Condition.START:
                raise ClientException(
                    f"{NOT_OF_ESSENTIAL}: write essential: false for {name}, or START"
                )
            graph[_name(container)].append(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise ClientException(f"Containers must not wait for each other: {circle}") from None


def _check_container(container: _Container, platform: str) -> None:
    whose = f"container {_name(container)}"
    check_words(container, "command")
    variables_of(container.get("environment", ()))
    requirements_of(container, {}, platform=platform, whose=whose)
    log_target(container)
    if platform == FARGATE and (container.get("privileged") or container.get("ulimits")):
        raise ClientException(
            "privileged and ulimits are not applicable for Fargate: leave them out"
        )
