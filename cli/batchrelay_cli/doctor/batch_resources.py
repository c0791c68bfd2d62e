"""What doctor makes of AWS Batch: compute environments, job queues, a job definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchrelay_cli.doctor.place import ATTEMPT_TIMEOUT_S, TAG, Place
from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.resources import Aws, ExecutionRole, NotReady, wait_for

IMAGE = "public.ecr.aws/docker/library/busybox:stable"
"""Small, public, and not of a registry that counts pulls by address."""

UNITS = 100
"""More than there are jobs that need one."""

OPEN_STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")


@dataclass(kw_only=True)
class ComputeEnvironment:
    """Fargate, of so many vCPUs at most."""

    name: str
    place: Place
    vcpus: int
    subnets: Sequence[str]
    security_groups: Sequence[str]
    kind: str = "compute environment"

    def make(self, aws: Aws) -> None:
        aws(
            "batch", "CreateComputeEnvironment", computeEnvironmentName=self.name, type="MANAGED",
            computeResources={
                "type": "FARGATE",
                "maxvCpus": self.vcpus,
                "subnets": list(self.subnets),
                "securityGroupIds": list(self.security_groups),
            },
            tags={TAG: self.place.name},
        )  # fmt: skip

    def is_ready(self, aws: Aws) -> bool:
        """Raises: NotReady, with AWS's reason."""
        return _is_valid(self._described(aws), self.name)

    def remove(self, aws: Aws) -> None:
        if self._described(aws) is None:
            return
        wait_for(self.place, lambda: _rests(self._described(aws)), f"{self.name} to be made")
        aws("batch", "UpdateComputeEnvironment", computeEnvironment=self.name, state="DISABLED")
        wait_for(self.place, lambda: _rests(self._described(aws)), f"{self.name} to be disabled")
        aws("batch", "DeleteComputeEnvironment", computeEnvironment=self.name)
        wait_for(self.place, lambda: self._described(aws) is None, f"{self.name} to be gone")

    def _described(self, aws: Aws) -> Document | None:
        answer = aws("batch", "DescribeComputeEnvironments", computeEnvironments=[self.name])
        return _one_of(answer["computeEnvironments"])

    @property
    def undo(self) -> str:
        of = f"--compute-environment {self.name}"
        return (
            f"aws batch update-compute-environment {of} --state DISABLED, a minute later "
            f"aws batch delete-compute-environment {of}"
        )


@dataclass(kw_only=True)
class JobQueue:
    """A queue on one compute environment; what is in it ends with it."""

    name: str
    place: Place
    environment: str
    units: ConsumableResource | None = None
    """What jobs in it wait for: they get it, so that they end."""
    kind: str = "job queue"
    arn: str = ""

    def make(self, aws: Aws) -> None:
        answer = aws(
            "batch", "CreateJobQueue", jobQueueName=self.name, priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": self.environment}],
            tags={TAG: self.place.name},
        )  # fmt: skip
        self.arn = answer["jobQueueArn"]

    def is_ready(self, aws: Aws) -> bool:
        """Raises: NotReady, with AWS's reason."""
        return _is_valid(self._described(aws), self.name)

    def remove(self, aws: Aws) -> None:
        if self._described(aws) is None:
            return
        wait_for(self.place, lambda: _rests(self._described(aws)), f"{self.name} to be made")
        aws("batch", "UpdateJobQueue", jobQueue=self.name, state="DISABLED")
        if self.units is not None:
            self.units.give_units(aws)
        wait_for(self.place, lambda: self._is_empty(aws), f"the jobs of {self.name} to end")
        wait_for(self.place, lambda: _rests(self._described(aws)), f"{self.name} to be disabled")
        aws("batch", "DeleteJobQueue", jobQueue=self.name)
        wait_for(self.place, lambda: self._described(aws) is None, f"{self.name} to be gone")

    def _is_empty(self, aws: Aws) -> bool:
        """Whether every job has ended; those that have not are stopped."""
        job_ids = [
            job["jobId"]
            for status in OPEN_STATUSES
            for job in aws("batch", "ListJobs", jobQueue=self.name, jobStatus=status)[
                "jobSummaryList"
            ]
        ]
        for job_id in job_ids:
            aws("batch", "TerminateJob", jobId=job_id, reason="batchrelay doctor ends")
        return not job_ids

    def _described(self, aws: Aws) -> Document | None:
        return _one_of(aws("batch", "DescribeJobQueues", jobQueues=[self.name])["jobQueues"])

    @property
    def undo(self) -> str:
        of = f"--job-queue {self.name}"
        return (
            f"aws batch update-job-queue {of} --state DISABLED, a minute later "
            f"aws batch delete-job-queue {of}"
        )


@dataclass(kw_only=True)
class JobDefinition:
    """A container that does nothing, and is stopped after two minutes."""

    name: str
    place: Place
    role: ExecutionRole
    log_group: str
    kind: str = "job definition"

    def make(self, aws: Aws) -> None:
        sizes = {"VCPU": "0.25", "MEMORY": "512"}
        options = {"awslogs-group": self.log_group, "awslogs-stream-prefix": "doctor"}
        aws(
            "batch", "RegisterJobDefinition", jobDefinitionName=self.name, type="container",
            platformCapabilities=["FARGATE"], retryStrategy={"attempts": 1},
            timeout={"attemptDurationSeconds": ATTEMPT_TIMEOUT_S}, tags={TAG: self.place.name},
            containerProperties={
                "image": IMAGE,
                "command": ["true"],
                "executionRoleArn": self.role.arn,
                "networkConfiguration": {"assignPublicIp": "ENABLED"},
                "resourceRequirements": [{"type": t, "value": v} for t, v in sizes.items()],
                "logConfiguration": {"logDriver": "awslogs", "options": options},
            },
        )  # fmt: skip

    def remove(self, aws: Aws) -> None:
        answer = aws(
            "batch", "DescribeJobDefinitions", jobDefinitionName=self.name, status="ACTIVE"
        )  # fmt: skip
        for entry in answer["jobDefinitions"]:
            revision = f"{self.name}:{entry['revision']}"
            aws("batch", "DeregisterJobDefinition", jobDefinition=revision)

    @property
    def undo(self) -> str:
        return f"aws batch deregister-job-definition --job-definition {self.name}:1"


@dataclass(kw_only=True)
class ConsumableResource:
    """One that has no units."""

    name: str
    place: Place
    kind: str = "consumable resource"

    def make(self, aws: Aws) -> None:
        aws(
            "batch", "CreateConsumableResource", consumableResourceName=self.name,
            totalQuantity=0, resourceType="REPLENISHABLE", tags={TAG: self.place.name},
        )  # fmt: skip

    def give_units(self, aws: Aws) -> None:
        """As many as all jobs need that wait for them: one that was cancelled may wait too."""
        aws(
            "batch",
            "UpdateConsumableResource",
            consumableResource=self.name,
            operation="SET",
            quantity=UNITS,
        )

    def remove(self, aws: Aws) -> None:
        filters = [{"name": "CONSUMABLE_RESOURCE_NAME", "values": [self.name]}]
        answer = aws("batch", "ListConsumableResources", filters=filters)
        if answer["consumableResources"]:
            aws("batch", "DeleteConsumableResource", consumableResource=self.name)

    @property
    def undo(self) -> str:
        return f"aws batch delete-consumable-resource --consumable-resource {self.name}"


def _one_of(entries: Sequence[Document]) -> Document | None:
    """What is described; something that AWS has deleted may be described for an hour yet."""
    return next((entry for entry in entries if entry.get("status") != "DELETED"), None)


def _is_valid(described: Document | None, name: str) -> bool:
    status = "" if described is None else described["status"]
    if status == "INVALID" and described is not None:
        raise NotReady(f"{name} is INVALID: {described.get('statusReason', 'AWS gives no reason')}")
    return status == "VALID"


def _rests(described: Document | None) -> bool:
    """Whether nothing is being changed any more."""
    return described is None or described["status"] not in ("CREATING", "UPDATING")
