"""Compute environments and job queues: where jobs run, and where they wait."""

from __future__ import annotations

from typing import Any

from batchrelay_local.batch.details import arn
from batchrelay_local.batch.errors import ClientError
from batchrelay_local.batch.model import ComputeEnvironment, JobQueue


class Queues:
    """Every queue and every compute environment."""

    def __init__(self) -> None:
        self._environments: dict[str, ComputeEnvironment] = {}
        self._queues: dict[str, JobQueue] = {}

    def create_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateComputeEnvironment; maxvCpus are this machine's slots."""
        name = request["computeEnvironmentName"]
        if name in self._environments:
            raise ClientError(f"Object already exists: {name}")
        slots = request.get("computeResources", {}).get("maxvCpus", 1)
        environment = ComputeEnvironment(
            name=name, arn=arn(f"compute-environment/{name}"), max_vcpus=slots
        )
        self._environments[name] = environment
        return {"computeEnvironmentName": name, "computeEnvironmentArn": environment.arn}

    def describe_environments(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeComputeEnvironments."""
        wanted = request.get("computeEnvironments")
        found = (e for e in self._environments.values() if not wanted or e.name in wanted)
        return {
            "computeEnvironments": [
                {
                    "computeEnvironmentName": environment.name,
                    "computeEnvironmentArn": environment.arn,
                    "ecsClusterArn": "",
                    "state": "ENABLED",
                    "status": "VALID",
                    "type": "MANAGED",
                    "computeResources": {"maxvCpus": int(environment.max_vcpus)},
                }
                for environment in found
            ]
        }

    def create_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateJobQueue."""
        name = request["jobQueueName"]
        if name in self._queues:
            raise ClientError(f"Object already exists: {name}")
        order = request.get("computeEnvironmentOrder") or [{}]
        reference = str(order[0].get("computeEnvironment", ""))
        environment = self._environments.get(reference.rpartition("/")[2])
        if environment is None:
            raise ClientError(f"Compute environment {reference!r} does not exist")
        queue = JobQueue(
            name=name,
            arn=arn(f"job-queue/{name}"),
            environment=environment,
            priority=request["priority"],
            state=request.get("state", "ENABLED"),
        )
        self._queues[name] = queue
        return {"jobQueueName": name, "jobQueueArn": queue.arn}

    def resolve(self, reference: str) -> JobQueue:
        """A queue by name or ARN. Raises: ClientError."""
        queue = self._queues.get(reference.rpartition("job-queue/")[2])
        if queue is None:
            raise ClientError(f"JobQueue {reference} does not exist")
        return queue

    def describe_queues(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeJobQueues."""
        wanted = request.get("jobQueues")
        found = (q for q in self._queues.values() if not wanted or q.name in wanted)
        return {
            "jobQueues": [
                {
                    "jobQueueName": queue.name,
                    "jobQueueArn": queue.arn,
                    "state": queue.state,
                    "status": "VALID",
                    "priority": queue.priority,
                    "computeEnvironmentOrder": [
                        {"order": 1, "computeEnvironment": queue.environment.arn}
                    ],
                }
                for queue in found
            ]
        }
