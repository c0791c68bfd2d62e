"""What AWS documents of definitions with several containers, of EKS, and of several nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchrelay.domain.containers import Path
from batchrelay.domain.job_containers import has_node
from batchrelay.domain.request_rules import Violation, container_violations
from batchrelay_cli.pipeline_file.definition_containers import (
    DEFAULT_NAME,
    FORM_OF_KIND,
    containers_of_pod,
    containers_of_task,
    kind_of,
    lists_of_pod,
    ranges_of,
)
from batchrelay_cli.pipeline_file.edges import cycles

CONTAINERS_MAX = 10
"""Of a task, and of each list of a pod. Source: EcsProperties, taskProperties; EksPodProperties."""

TASK_CONTAINER_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
POD_CONTAINER_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Source: ECS, ContainerDefinition, name; Kubernetes, Container, name."""

_AFTER_ITS_END = ("COMPLETE", "SUCCESS")
RESERVED = (("AWS_BATCH", "AWS Batch"),)
"""Names of variables that a job definition may not have, and whose they are."""

_OF_CONTAINER = ("containerProperties", "ecsProperties", "eksProperties")


def kind_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    """Of a RegisterJobDefinition request, or of a range of nodes in one."""
    kinds = [kind for kind in FORM_OF_KIND if kind in entry]
    if len(kinds) > 1:
        message = f"{kinds[0]} and {kinds[1]}: a job definition has one of them"
        yield Violation(path=(kinds[1],), message=message)
    if entry.get("type") == "container" and not any(kind in entry for kind in _OF_CONTAINER):
        message = f"a definition of type container needs one of {', '.join(_OF_CONTAINER)}"
        yield Violation(path=(), message=message)
    if entry.get("type") == "multinode" and "nodeProperties" not in entry:
        message = "a definition of type multinode needs nodeProperties"
        yield Violation(path=(), message=message)
    kind = kind_of(entry)
    if kind == "ecsProperties":
        path = (kind, "taskProperties", 0, "containers")
        yield from _task_violations(containers_of_task(entry[kind]), path)
    elif kind == "eksProperties":
        yield from _pod_violations(entry[kind], (kind, "podProperties"))
    elif kind == "nodeProperties":
        yield from _node_violations(entry)


def _task_violations(containers: Sequence[Mapping[str, Any]], path: Path) -> Iterator[Violation]:
    yield from _too_many(containers, "a task", path)
    names = [str(one.get("name", "")) for one in containers]
    if len(containers) > 1 and not all(names):
        message = "each container of several needs a name: write {name: NAME, image: …}"
        yield Violation(path=path, message=message)
    yield from _twice(names, path)
    form = "1 to 255 letters, digits, - and _"
    yield from _name_violations(containers, TASK_CONTAINER_NAME, form, path)
    essential = {one.get("name") for one in containers if one.get("essential") is not False}
    if containers and not essential:
        message = "at least one container must be essential: leave essential: false out of it"
        yield Violation(path=path, message=message)
    needs = {name: _needs_of(one) for name, one in zip(names, containers, strict=True)}
    for names_in_circle in cycles(needs):
        circle = " → ".join([*names_in_circle, names_in_circle[0]])
        yield Violation(path=path, message=f"containers that wait for each other: {circle}")
    for index, container in enumerate(containers):
        here = (*path, index)
        for violation in container_violations(container, RESERVED):
            yield Violation(path=(*here, *violation.path), message=violation.message)
        yield from _amount_violations(container, here)
        yield from _dependency_violations(container, names, essential, here)


def _needs_of(container: Mapping[str, Any]) -> list[str]:
    """The names of the containers that it waits for."""
    entries = container.get("dependsOn")
    listed = entries if isinstance(entries, list) else []
    return [str(entry.get("containerName")) for entry in listed if isinstance(entry, dict)]


def _amount_violations(container: Mapping[str, Any], path: Path) -> Iterator[Violation]:
    entries = container.get("resourceRequirements")
    amounts = entries if isinstance(entries, list) else []
    kinds = {entry.get("type") for entry in amounts if isinstance(entry, dict)}
    wanting = [kind for kind in ("VCPU", "MEMORY") if kind not in kinds]
    if wanting:
        needed = ", ".join(f'{{type: {kind}, value: "…"}}' for kind in wanting)
        message = (
            f"a container says its vCPUs and its memory: write resourceRequirements: [{needed}]"
        )
        yield Violation(path=path, message=message)


def _dependency_violations(
    container: Mapping[str, Any], names: Sequence[str], essential: set[Any], path: Path
) -> Iterator[Violation]:
    """Source: TaskContainerDependency, condition."""
    entries = container.get("dependsOn")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            continue
        here = (*path, "dependsOn", index)
        name = entry.get("containerName")
        if name not in names:
            message = f"there is no container {name}: write one of {', '.join(names)}"
            yield Violation(path=(*here, "containerName"), message=message)
        elif str(entry.get("condition")).upper() in _AFTER_ITS_END and name in essential:
            message = (
                f"AWS Batch refuses {entry['condition']} of {name}, which is essential: the job "
                f"ends with it. Write essential: false for {name}, or START"
            )
            yield Violation(path=(*here, "condition"), message=message)


def _pod_violations(properties: Mapping[str, Any], path: Path) -> Iterator[Violation]:
    for key, containers in lists_of_pod(properties).items():
        yield from _too_many(containers, f"{key} of a pod", (*path, key))
        form = "1 to 63 small letters, digits and -"
        yield from _name_violations(containers, POD_CONTAINER_NAME, form, (*path, key))
    names = [str(one.get("name", DEFAULT_NAME)) for one in containers_of_pod(properties)]
    yield from _twice(names, path)


def _name_violations(
    containers: Sequence[Mapping[str, Any]], pattern: re.Pattern[str], form: str, path: Path
) -> Iterator[Violation]:
    for index, container in enumerate(containers):
        name = container.get("name")
        if isinstance(name, str) and name and not pattern.fullmatch(name):
            message = f"{name[:100]!r} is no name of a container: write {form}"
            yield Violation(path=(*path, index, "name"), message=message)


def _node_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    properties = entry["nodeProperties"]
    capabilities = entry.get("platformCapabilities")
    if isinstance(capabilities, list) and "FARGATE" in capabilities:
        message = "there are no multi-node parallel jobs on Fargate: write [EC2]"
        yield Violation(path=("platformCapabilities",), message=message)
    number, main = properties.get("numNodes"), properties.get("mainNode")
    if isinstance(number, int) and isinstance(main, int) and not 0 <= main < number:
        message = f"mainNode is one of the nodes 0 to {number - 1}, not {main}"
        yield Violation(path=("nodeProperties", "mainNode"), message=message)
    ranges = ranges_of(entry)
    nodes = range(number if isinstance(number, int) else 0)
    alone = next((n for n in nodes if not any(has_node(one, n) for one in ranges)), None)
    if alone is not None:
        message = f"node {alone} is in none of the ranges: write targetNodes that have all of them"
        yield Violation(path=("nodeProperties", "nodeRangeProperties"), message=message)
    for index, one in enumerate(ranges):
        path = ("nodeProperties", "nodeRangeProperties", index)
        for violation in kind_violations(one):
            yield Violation(path=(*path, *violation.path), message=violation.message)
        container = one.get("container")
        if isinstance(container, dict):
            for violation in container_violations(container, RESERVED):
                inner = (*path, "container", *violation.path)
                yield Violation(path=inner, message=violation.message)


def _too_many(
    containers: Sequence[Mapping[str, Any]], what: str, path: Path
) -> Iterator[Violation]:
    if len(containers) > CONTAINERS_MAX:
        message = f"{len(containers)} containers; AWS Batch takes {CONTAINERS_MAX} in {what}"
        yield Violation(path=path, message=message)


def _twice(names: Sequence[str], path: Path) -> Iterator[Violation]:
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        yield Violation(path=path, message=f"two containers are called {name}")
