"""Compute environments, job queues, scheduling policies: where jobs run, and where they wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batchrelay_local.batch.details import arn
from batchrelay_local.batch.errors import ClientError
from batchrelay_local.batch.model import NAME, ComputeEnvironment, JobQueue

_STATES = ("ENABLED", "DISABLED")


class Queues:
    """Every queue, every compute environment, every scheduling policy."""

    def __init__(self) -> None:
        self._environments: dict[str, ComputeEnvironment] = {}
        self._queues: dict[str, JobQueue] = {}
        self._policies: dict[str, dict[str, Any]] = {}

    def tagged(self) -> Iterator[ComputeEnvironment | JobQueue]:
        """Everything here that has an ARN and tags."""
        yield from self._environments.values()
        yield from self._queues.values()

    # --- compute environments

    def create_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateComputeEnvironment; maxvCpus are this machine's slots."""
        name = _new_name(request["computeEnvironmentName"], self._environments)
        environment = ComputeEnvironment(
            name=name,
            arn=arn(f"compute-environment/{name}"),
            max_vcpus=_slots(request, 1),
            state=_state(request, "ENABLED"),
            tags=request.get("tags", {}),
        )
        self._environments[name] = environment
        return {"computeEnvironmentName": name, "computeEnvironmentArn": environment.arn}

    def update_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateComputeEnvironment: its slots and its state."""
        environment = self._environment(request["computeEnvironment"])
        environment.max_vcpus = _slots(request, environment.max_vcpus)
        environment.state = _state(request, environment.state)
        return {
            "computeEnvironmentName": environment.name,
            "computeEnvironmentArn": environment.arn,
        }

    def delete_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteComputeEnvironment: nothing may use it any more."""
        environment = self._environment(request["computeEnvironment"])
        if any(queue.environment is environment for queue in self._queues.values()):
            raise ClientError("Cannot delete, found existing JobQueue relationship")
        del self._environments[environment.name]
        return {}

    def describe_environments(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeComputeEnvironments."""
        wanted = request.get("computeEnvironments")
        found = (e for e in self._environments.values() if _is_wanted(e, wanted))
        return {"computeEnvironments": [_environment_detail(environment) for environment in found]}

    def _environment(self, reference: str) -> ComputeEnvironment:
        environment = self._environments.get(reference.rpartition("/")[2])
        if environment is None:
            raise ClientError(f"Compute environment {reference!r} does not exist")
        return environment

    # --- queues

    def create_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateJobQueue."""
        name = _new_name(request["jobQueueName"], self._queues)
        order = request.get("computeEnvironmentOrder") or [{}]
        queue = JobQueue(
            name=name,
            arn=arn(f"job-queue/{name}"),
            environment=self._environment(str(order[0].get("computeEnvironment", ""))),
            priority=request["priority"],
            state=_state(request, "ENABLED"),
            scheduling_policy=request.get("schedulingPolicyArn"),
            tags=request.get("tags", {}),
        )
        self._queues[name] = queue
        return {"jobQueueName": name, "jobQueueArn": queue.arn}

    def update_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateJobQueue: its priority and its state."""
        queue = self.resolve(request["jobQueue"])
        queue.priority = request.get("priority", queue.priority)
        queue.state = _state(request, queue.state)
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def delete_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteJobQueue: it must be DISABLED, and its jobs must have ended."""
        queue = self.resolve(request["jobQueue"])
        if queue.state != "DISABLED":
            raise ClientError("Cannot delete, JobQueue state is not DISABLED")
        if any(not job.status.is_terminal for job in queue.jobs.values()):
            raise ClientError("Cannot delete, JobQueue has jobs that have not ended")
        del self._queues[queue.name]
        return {}

    def resolve(self, reference: str) -> JobQueue:
        """A queue by name or ARN. Raises: ClientError."""
        queue = self._queues.get(reference.rpartition("job-queue/")[2])
        if queue is None:
            raise ClientError(f"JobQueue {reference} does not exist")
        return queue

    def describe_queues(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeJobQueues."""
        wanted = request.get("jobQueues")
        found = (queue for queue in self._queues.values() if _is_wanted(queue, wanted))
        return {"jobQueues": [_queue_detail(queue) for queue in found]}

    # --- scheduling policies

    def create_policy(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateSchedulingPolicy; shares are accepted and not weighed."""
        name = _new_name(request["name"], self._policies)
        policy_arn = arn(f"scheduling-policy/{name}")
        fair_share = request.get("fairsharePolicy", {})
        self._policies[name] = {"name": name, "arn": policy_arn, "fairsharePolicy": fair_share}
        return {"name": name, "arn": policy_arn}

    def describe_policies(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeSchedulingPolicies."""
        found = [policy for policy in self._policies.values() if policy["arn"] in request["arns"]]
        return {"schedulingPolicies": found}


def _new_name(name: str, taken: dict[str, Any]) -> str:
    if not NAME.fullmatch(name):
        raise ClientError(f"The name {name!r} should match valid pattern {NAME.pattern}")
    if name in taken:
        raise ClientError(f"Object already exists: {name}")
    return name


def _slots(request: dict[str, Any], otherwise: float) -> float:
    slots: float = request.get("computeResources", {}).get("maxvCpus", otherwise)
    if slots < 0:
        raise ClientError("maxvCpus must not be negative")
    return slots


def _state(request: dict[str, Any], otherwise: str) -> str:
    state: str = request.get("state", otherwise)
    if state not in _STATES:
        raise ClientError(f"state must be one of {', '.join(_STATES)}")
    return state


def _is_wanted(thing: ComputeEnvironment | JobQueue, wanted: list[str] | None) -> bool:
    return not wanted or thing.name in wanted or thing.arn in wanted


def _environment_detail(environment: ComputeEnvironment) -> dict[str, Any]:
    return {
        "computeEnvironmentName": environment.name,
        "computeEnvironmentArn": environment.arn,
        "ecsClusterArn": arn("cluster/local").replace(":batch:", ":ecs:"),
        "state": environment.state,
        "status": "VALID",
        "type": "MANAGED",
        "tags": environment.tags,
        "computeResources": {
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": int(environment.max_vcpus),
            "subnets": [],
        },
    }


def _queue_detail(queue: JobQueue) -> dict[str, Any]:
    policy = (
        {} if queue.scheduling_policy is None else {"schedulingPolicyArn": queue.scheduling_policy}
    )
    return {
        "jobQueueName": queue.name,
        "jobQueueArn": queue.arn,
        "state": queue.state,
        "status": "VALID",
        "priority": queue.priority,
        "tags": queue.tags,
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": queue.environment.arn}],
        **policy,
    }
