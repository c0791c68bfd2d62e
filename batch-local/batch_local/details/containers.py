"""AWS's shapes of the containers of a job: what they are, and how they ended.

`container` of a job with several is empty, and ListJobs says nothing of them. Source: JobDetail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batch_local.arns import ACCOUNT, REGION
from batch_local.containers.nodes import range_kind, range_of
from batch_local.details.pods import pod_detail, pod_range_detail
from batch_local.model import Attempt, ContainerRun, ContainerSpec, Job, Kind

_REGISTERED = frozenset(
    {"jobRoleArn", "executionRoleArn", "user", "privileged", "readonlyRootFilesystem"}
    | {"volumes", "mountPoints", "ulimits", "linuxParameters", "logConfiguration", "instanceType"}
    | {"networkConfiguration", "fargatePlatformConfiguration", "ephemeralStorage"}
    | {"runtimePlatform", "repositoryCredentials", "enableExecuteCommand"}
)
"""What a job's container says as it was registered. Source: ContainerDetail."""

_DEPRECATED = {"vcpus": "VCPU", "memory": "MEMORY"}


def containers_detail(job: Job) -> dict[str, Any]:
    """The fields of a JobDetail that say what its containers are, and how they ended."""
    spec, last = job.spec, job.attempts[-1] if job.attempts else None
    match spec.definition.kind:
        case Kind.CONTAINER:
            ended = _attempt_container(last) if last else {}
            detail = {"container": _container(spec.containers[0]) | ended}
        case Kind.TASK:
            detail = _task_detail(spec.definition.properties, spec.containers, last)
        case Kind.POD:
            return pod_detail(spec.definition.properties, spec.containers, job.attempts)
        case Kind.NODES:
            main = node_detail(job, spec.main_node)
            own = {key: main[key] for key in ("attempts", "eksAttempts")}
            return {"nodeProperties": _node_properties(job), **own}
    attempts = [_attempt(job, one) for one in job.attempts if one.stopped_at]
    return {**detail, "attempts": attempts, "eksAttempts": []}


def node_detail(job: Job, node: int) -> dict[str, Any]:
    """As `containers_detail`, of one node. A multi-node parallel job has the attempts of its main
    node."""
    last = job.attempts[-1] if job.attempts else None
    own = [spec for spec in job.spec.containers if spec.node == node]
    kind, properties = _range(job, node)
    if kind is Kind.POD:
        return pod_detail(properties, own, job.attempts)
    if kind is Kind.TASK:
        detail = _task_detail(properties, own, last)
    else:
        detail = {"container": _container(own[0]) | (_node_container(last, node) if last else {})}
    attempts = [
        {**_attempt_node(kind, attempt, node), **_ended(attempt)}
        for attempt in job.attempts
        if attempt.stopped_at
    ]
    return {**detail, "attempts": attempts, "eksAttempts": []}


def _attempt(job: Job, attempt: Attempt) -> dict[str, Any]:
    """An AttemptDetail."""
    if job.spec.definition.kind is Kind.TASK:
        return {**_attempt_task(attempt, 0), **_ended(attempt)}
    container = _attempt_container(attempt) | {"networkInterfaces": []}
    return {"container": container, **_ended(attempt)}


def _ended(attempt: Attempt) -> dict[str, Any]:
    return {
        "startedAt": attempt.started_at,
        "stoppedAt": attempt.stopped_at,
        "statusReason": attempt.status_reason,
    }


def outcome(run: Attempt | ContainerRun) -> dict[str, Any]:
    """How a container ended, or the one that decides an attempt."""
    fields = {"exitCode": run.exit_code, "reason": run.reason}
    return {name: value for name, value in fields.items() if value is not None}


# --- one container


def _container(spec: ContainerSpec) -> dict[str, Any]:
    """A ContainerDetail, without how it ended."""
    container: dict[str, Any] = {
        "image": spec.registered.get("image", ""),
        "volumes": [],
        "mountPoints": [],
        "ulimits": [],
        "networkInterfaces": [],
        "secrets": [],
        **_asked(spec),
    }
    for name, value in spec.registered.items():
        if name in _REGISTERED:
            container[name] = value
        elif name in _DEPRECATED:
            container[name] = int(spec.requirements[_DEPRECATED[name]])
    return container


def _asked(spec: ContainerSpec) -> dict[str, Any]:
    """What overrides may change."""
    return {
        "command": list(spec.command),
        "environment": [{"name": n, "value": v} for n, v in spec.environment.items()],
        "resourceRequirements": [{"type": t, "value": v} for t, v in spec.requirements.items()],
    }


def _attempt_container(attempt: Attempt) -> dict[str, Any]:
    return {**_place(attempt, 0), **_stream(attempt), **outcome(attempt)}


def _place(attempt: Attempt, node: int) -> dict[str, Any]:
    ecs = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    return {
        "taskArn": f"{ecs}:task/local/{attempt.task_of(node)}",
        "containerInstanceArn": f"{ecs}:container-instance/local/{node:032x}",
    }


def _stream(run: Attempt | ContainerRun) -> dict[str, Any]:
    return {} if run.log_stream is None else {"logStreamName": run.log_stream}


# --- the containers of a task


def _task_detail(
    properties: Mapping[str, Any], specs: Sequence[ContainerSpec], last: Attempt | None
) -> dict[str, Any]:
    """An EcsTaskDetails, with how its containers ended; and `container`, which is empty then."""
    [registered] = properties["taskProperties"]
    node = specs[0].node
    place = _place(last, node) if last else {}
    runs = _runs(last, node) if last else []
    by_name = {run.spec.name: _run(run) for run in runs}
    containers = [
        {**_task_container(spec), **by_name.get(spec.name, {"networkInterfaces": []})}
        for spec in specs
    ]
    task = {**registered, **place, "containers": containers}
    return {"container": {}, "ecsProperties": {"taskProperties": [task]}}


def _task_container(spec: ContainerSpec) -> dict[str, Any]:
    own = {"name": spec.name, "essential": spec.is_essential}
    return {**spec.registered, **own, **_asked(spec)}


def _attempt_task(attempt: Attempt, node: int) -> dict[str, Any]:
    """An AttemptEcsTaskDetails."""
    containers = [_run(run) for run in _runs(attempt, node)]
    task = {**_place(attempt, node), "containers": containers}
    return {"container": {}, "taskProperties": [task]}


def _runs(attempt: Attempt, node: int) -> list[ContainerRun]:
    return [run for run in attempt.containers if run.spec.node == node]


def _run(run: ContainerRun) -> dict[str, Any]:
    """An AttemptTaskContainerDetails."""
    return {"name": run.spec.name, "networkInterfaces": [], **_stream(run), **outcome(run)}


# --- nodes


def _node_properties(job: Job) -> dict[str, Any]:
    """NodeProperties, as a request changed them."""
    properties = job.spec.definition.properties
    ranges = [
        _range_detail(entry, job.spec.containers) for entry in properties["nodeRangeProperties"]
    ]
    return {**properties, "numNodes": job.spec.nodes, "nodeRangeProperties": ranges}


def _range_detail(entry: Mapping[str, Any], specs: Sequence[ContainerSpec]) -> dict[str, Any]:
    """The containers of any node of a range are those of all."""
    kind, field = range_kind(entry)
    if kind is Kind.CONTAINER:
        own = next((spec for spec in specs if spec.registered is entry[field]), None)
        changed = _asked(own) if own else {}
        return {**entry, field: {**entry[field], **changed}}
    if kind is Kind.POD:
        own_specs = [spec for spec in specs if range_of([entry], spec.node) is entry]
        return {**entry, field: pod_range_detail(entry[field], own_specs)}
    [task] = entry[field]["taskProperties"]
    containers = [
        next((_task_container(spec) for spec in specs if spec.registered is one), one)
        for one in task["containers"]
    ]
    return {**entry, field: {"taskProperties": [{**task, "containers": containers}]}}


def _range(job: Job, node: int) -> tuple[Kind, Mapping[str, Any]]:
    entry = range_of(job.spec.definition.properties["nodeRangeProperties"], node)
    assert entry is not None, node
    kind, field = range_kind(entry)
    return kind, entry[field]


def _attempt_node(kind: Kind, attempt: Attempt, node: int) -> dict[str, Any]:
    if kind is Kind.TASK:
        return _attempt_task(attempt, node)
    return {"container": _node_container(attempt, node) | {"networkInterfaces": []}}


def _node_container(attempt: Attempt, node: int) -> dict[str, Any]:
    """An AttemptContainerDetail of a node."""
    runs = _runs(attempt, node)
    ended = {**_stream(runs[0]), **outcome(runs[0])} if runs else {}
    return {**_place(attempt, node), **ended}
