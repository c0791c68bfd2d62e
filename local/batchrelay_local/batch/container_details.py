"""AWS's shapes of the containers of a job: what they are, and how they ended.

`container` of a job with several is empty, and ListJobs says nothing of them. Source: JobDetail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay_local.batch.arns import ACCOUNT, REGION
from batchrelay_local.batch.model import Attempt, ContainerRun, ContainerSpec, Job, Kind

_REGISTERED = frozenset(
    {"jobRoleArn", "executionRoleArn", "user", "privileged", "readonlyRootFilesystem"}
    | {"volumes", "mountPoints", "ulimits", "linuxParameters", "logConfiguration", "instanceType"}
    | {"networkConfiguration", "fargatePlatformConfiguration", "ephemeralStorage"}
    | {"runtimePlatform", "repositoryCredentials", "enableExecuteCommand"}
)
"""What a job's container says as it was registered. Source: ContainerDetail."""

_DEPRECATED = {"vcpus": "VCPU", "memory": "MEMORY"}


def containers_detail(job: Job) -> dict[str, Any]:
    """The fields of a JobDetail that say what its containers are, and how the latest ended."""
    match job.spec.definition.kind:
        case Kind.CONTAINER:
            return {"container": _container(job)}
        case Kind.TASK:
            return {"container": {}, "ecsProperties": {"taskProperties": [_task(job)]}}


def attempt_detail(job: Job, attempt: Attempt) -> dict[str, Any]:
    """An AttemptDetail."""
    ended = {
        "startedAt": attempt.started_at,
        "stoppedAt": attempt.stopped_at,
        "statusReason": attempt.status_reason,
    }
    match job.spec.definition.kind:
        case Kind.CONTAINER:
            return {"container": _attempt_container(attempt) | {"networkInterfaces": []}, **ended}
        case Kind.TASK:
            task = {**_place(attempt), "containers": [_run(run) for run in attempt.containers]}
            return {"container": {}, "taskProperties": [task], **ended}


def outcome(run: Attempt | ContainerRun) -> dict[str, Any]:
    """How a container ended, or the one that decides an attempt."""
    fields = {"exitCode": run.exit_code, "reason": run.reason}
    return {name: value for name, value in fields.items() if value is not None}


# --- one container


def _container(job: Job) -> dict[str, Any]:
    [spec] = job.spec.containers
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
    return container | (_attempt_container(job.attempts[-1]) if job.attempts else {})


def _asked(spec: ContainerSpec) -> dict[str, Any]:
    """What overrides may change."""
    return {
        "command": list(spec.command),
        "environment": [{"name": n, "value": v} for n, v in spec.environment.items()],
        "resourceRequirements": [{"type": t, "value": v} for t, v in spec.requirements.items()],
    }


def _attempt_container(attempt: Attempt) -> dict[str, Any]:
    return {**_place(attempt), **_stream(attempt), **outcome(attempt)}


def _place(attempt: Attempt) -> dict[str, Any]:
    ecs = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    return {
        "taskArn": f"{ecs}:task/local/{attempt.task_id}",
        "containerInstanceArn": f"{ecs}:container-instance/local/{'0' * 32}",
    }


def _stream(run: Attempt | ContainerRun) -> dict[str, Any]:
    return {} if run.log_stream is None else {"logStreamName": run.log_stream}


# --- the containers of a task


def _task(job: Job) -> dict[str, Any]:
    """An EcsTaskDetails."""
    [registered] = job.spec.definition.properties["taskProperties"]
    place = _place(job.attempts[-1]) if job.attempts else {}
    return {**registered, **place, "containers": list(_task_containers(job))}


def _task_containers(job: Job) -> Iterator[Mapping[str, Any]]:
    runs = job.attempts[-1].containers if job.attempts else []
    by_name = {run.spec.name: _run(run) for run in runs}
    for spec in job.spec.containers:
        own = {"name": spec.name, "essential": spec.is_essential, **_asked(spec)}
        yield {**spec.registered, **own, **by_name.get(spec.name, {"networkInterfaces": []})}


def _run(run: ContainerRun) -> dict[str, Any]:
    """An AttemptTaskContainerDetails."""
    return {"name": run.spec.name, "networkInterfaces": [], **_stream(run), **outcome(run)}
