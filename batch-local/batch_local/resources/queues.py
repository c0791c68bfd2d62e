"""Compute environments and job queues: where jobs run, and where they wait."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from batch_local.arns import arn
from batch_local.errors import ClientException
from batch_local.model import NAME, ComputeEnvironment, JobQueue
from batch_local.resources.pages import page_of
from batch_local.resources.policies import SchedulingPolicies
from batch_local.resources.tags import checked_tags

ENVIRONMENTS_MAX = 3
"""Compute environments of a job queue. Source: Batch User Guide, service quotas."""

QUEUE_PRIORITY_MAX = 1_000
"""Source: CreateJobQueue, priority; the console's limit."""

_STATES = ("ENABLED", "DISABLED")
_ENVIRONMENT_FIELDS = frozenset(
    {"type", "computeResources", "unmanagedvCpus", "serviceRole", "context", "ecsSettings"}
    | {"updatePolicy", "eksConfiguration"}
)
_CHANGED_IN_PART = frozenset({"computeResources", "eksConfiguration"})
_QUEUE_FIELDS = frozenset({"jobStateTimeLimitActions", "jobQueueType"})


class Queues:
    """Every queue, every compute environment."""

    def __init__(self, policies: SchedulingPolicies) -> None:
        self._environments: dict[str, ComputeEnvironment] = {}
        self._queues: dict[str, JobQueue] = {}
        self._policies = policies

    def tagged(self) -> Iterator[ComputeEnvironment | JobQueue]:
        """Everything here that has an ARN and tags."""
        yield from self._environments.values()
        yield from self._queues.values()

    # --- compute environments

    def create_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateComputeEnvironment; maxvCpus are this machine's slots."""
        name = new_name(request["computeEnvironmentName"], self._environments)
        environment = ComputeEnvironment(
            name=name,
            arn=arn(f"compute-environment/{name}"),
            max_vcpus=_slots(request, 1),
            state=_state(request, "ENABLED"),
            described=_kept(request, _ENVIRONMENT_FIELDS),
            tags=checked_tags(request.get("tags", {})),
        )
        self._environments[name] = environment
        return {"computeEnvironmentName": name, "computeEnvironmentArn": environment.arn}

    def update_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateComputeEnvironment: its slots and its state."""
        environment = self._environment(request["computeEnvironment"])
        slots, state = _slots(request, environment.max_vcpus), _state(request, environment.state)
        environment.max_vcpus, environment.state = slots, state
        changes = _kept(request, _ENVIRONMENT_FIELDS)
        for name in _CHANGED_IN_PART & changes.keys():
            changes[name] = {**environment.described.get(name, {}), **changes[name]}
            changes[name].pop("updateToLatestImageVersion", None)  # an order, no property
        environment.described |= changes
        return {
            "computeEnvironmentName": environment.name,
            "computeEnvironmentArn": environment.arn,
        }

    def uses_policy(self, policy_arn: str) -> bool:
        """Whether a job queue has this scheduling policy."""
        return any(queue.scheduling_policy == policy_arn for queue in self._queues.values())

    def delete_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteComputeEnvironment: nothing may use it any more."""
        environment = self._environment(request["computeEnvironment"])
        if any(queue.environment is environment for queue in self._queues.values()):
            raise ClientException("Cannot delete, found existing JobQueue relationship")
        del self._environments[environment.name]
        return {}

    def describe_environments(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeComputeEnvironments."""
        names = request.get("computeEnvironments")
        matching = [e for e in self._environments.values() if _is_wanted(e, names)]
        return page_of(request, "computeEnvironments", matching, _environment_detail)

    def _environment(self, reference: str) -> ComputeEnvironment:
        environment = self._environments.get(reference.rpartition("/")[2])
        if environment is None:
            raise ClientException(f"Compute environment {reference!r} does not exist")
        return environment

    # --- queues

    def create_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateJobQueue."""
        name = new_name(request["jobQueueName"], self._queues)
        order = self._ordered(request.get("computeEnvironmentOrder", []))
        queue = JobQueue(
            name=name,
            arn=arn(f"job-queue/{name}"),
            environment=order[0],
            order=[environment.arn for environment in order],
            priority=_priority(request, 0),
            state=_state(request, "ENABLED"),
            scheduling_policy=self._policy_arn(request),
            described=_kept(request, _QUEUE_FIELDS),
            tags=checked_tags(request.get("tags", {})),
        )
        self._queues[name] = queue
        return {"jobQueueName": name, "jobQueueArn": queue.arn}

    def update_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateJobQueue; a scheduling policy can be replaced, and neither added nor removed."""
        queue = self.resolve(request["jobQueue"])
        policy = self._policy_arn(request)
        if policy is not None and queue.scheduling_policy is None:
            raise ClientException(
                f"{queue.name} was created without a scheduling policy, and cannot be given one: "
                "create another job queue"
            )
        priority, state = _priority(request, queue.priority), _state(request, queue.state)
        if "computeEnvironmentOrder" in request:
            order = self._ordered(request["computeEnvironmentOrder"])
            queue.environment, queue.order = order[0], [environment.arn for environment in order]
        queue.priority, queue.state = priority, state
        queue.scheduling_policy = policy or queue.scheduling_policy
        queue.described |= _kept(request, _QUEUE_FIELDS)
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def _ordered(self, order: list[dict[str, Any]]) -> list[ComputeEnvironment]:
        """The compute environments of a queue; its jobs run in the first.

        Raises: ClientException.
        """
        if not 1 <= len(order) <= ENVIRONMENTS_MAX:
            raise ClientException(
                f"computeEnvironmentOrder must have 1 to {ENVIRONMENTS_MAX} compute environments, "
                f"got {len(order)}"
            )
        by_order = sorted((entry["order"], entry["computeEnvironment"]) for entry in order)
        return [self._environment(reference) for _, reference in by_order]

    def _policy_arn(self, request: dict[str, Any]) -> str | None:
        policy: str | None = request.get("schedulingPolicyArn")
        return None if policy is None else self._policies.resolve(policy).arn

    def delete_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteJobQueue: it must be DISABLED, and its jobs must have ended."""
        queue = self.resolve(request["jobQueue"])
        if queue.state != "DISABLED":
            raise ClientException("Cannot delete, JobQueue state is not DISABLED")
        if any(not job.status.is_terminal for job in queue.jobs.values()):
            raise ClientException("Cannot delete, JobQueue has jobs that have not ended")
        del self._queues[queue.name]
        return {}

    def resolve(self, reference: str) -> JobQueue:
        """A queue by name or ARN. Raises: ClientException."""
        queue = self._queues.get(reference.rpartition("job-queue/")[2])
        if queue is None:
            raise ClientException(f"JobQueue {reference} does not exist")
        return queue

    def describe_queues(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeJobQueues."""
        names = request.get("jobQueues")
        matching = [queue for queue in self._queues.values() if _is_wanted(queue, names)]
        return page_of(request, "jobQueues", matching, _queue_detail)


def new_name(name: str, names_in_use: Container[str]) -> str:
    """A name that is free. Raises: ClientException."""
    if not NAME.fullmatch(name):
        raise ClientException(f"The name {name!r} should match valid pattern {NAME.pattern}")
    if name in names_in_use:
        raise ClientException(f"Object already exists: {name}")
    return name


def _kept(request: dict[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    """What is only given back."""
    return {name: value for name, value in request.items() if name in fields}


def _priority(request: dict[str, Any], otherwise: int) -> int:
    priority: int = request.get("priority", otherwise)
    if not 0 <= priority <= QUEUE_PRIORITY_MAX:
        raise ClientException(
            f"priority must be between 0 and {QUEUE_PRIORITY_MAX}, got {priority}"
        )
    return priority


def _slots(request: dict[str, Any], otherwise: float) -> float:
    slots: float = request.get("computeResources", {}).get("maxvCpus", otherwise)
    if slots < 0:
        raise ClientException("maxvCpus must not be negative")
    return slots


def _state(request: dict[str, Any], otherwise: str) -> str:
    state: str = request.get("state", otherwise)
    if state not in _STATES:
        raise ClientException(f"state must be one of {', '.join(_STATES)}")
    return state


def _is_wanted(thing: ComputeEnvironment | JobQueue, names: list[str] | None) -> bool:
    return not names or thing.name in names or thing.arn in names


def _environment_detail(environment: ComputeEnvironment) -> dict[str, Any]:
    defaults = {"type": "EC2", "minvCpus": 0, "subnets": []}
    resources = environment.described.get("computeResources", {})
    vcpus = int(environment.max_vcpus)
    return {
        "type": "MANAGED",
        **environment.described,
        "computeEnvironmentName": environment.name,
        "computeEnvironmentArn": environment.arn,
        "ecsClusterArn": arn("cluster/local").replace(":batch:", ":ecs:"),
        "containerOrchestrationType": "ECS",
        "state": environment.state,
        "status": "VALID",
        "tags": environment.tags,
        "computeResources": {**defaults, **resources, "maxvCpus": vcpus},
    }


def _queue_detail(queue: JobQueue) -> dict[str, Any]:
    policy = (
        {} if queue.scheduling_policy is None else {"schedulingPolicyArn": queue.scheduling_policy}
    )
    return {
        **queue.described,
        "jobQueueName": queue.name,
        "jobQueueArn": queue.arn,
        "state": queue.state,
        "status": "VALID",
        "priority": queue.priority,
        "tags": queue.tags,
        "computeEnvironmentOrder": [
            {"order": number, "computeEnvironment": environment}
            for number, environment in enumerate(queue.order, start=1)
        ],
        **policy,
    }
