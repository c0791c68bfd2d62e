"""What AWS Batch remembers: queues, definitions, jobs. Times are epoch milliseconds, as AWS's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""Of jobs, definitions, queues. Source: SubmitJob, jobName."""

ARRAY_SIZE_MIN, ARRAY_SIZE_MAX = 2, 10_000
"""Children. Source: SubmitJob, arrayProperties.size; 1 is refused (reference §1.2)."""

DEPENDENCIES_MAX = 20
"""Entries of dependsOn. Source: Batch User Guide, service quotas."""

REQUEST_BYTES_MAX = 30 * 1024
"""Bytes of a SubmitJob request. Source: Batch User Guide, service quotas."""

DESCRIBE_IDS_MAX = 100
"""Job ids of one DescribeJobs. Source: DescribeJobs, jobs."""

REASON_CHARS_MAX = 1_024
"""Characters of the reason of a stop. Source: TerminateJob, reason."""

STOP_GRACE_S = 30
"""Seconds between SIGTERM and SIGKILL. Source: Batch User Guide, job_timeouts."""


class JobStatus(StrEnum):
    """AWS Batch's own seven."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_terminal(self) -> bool:
        """Whether it is never left."""
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED)


@dataclass(slots=True, kw_only=True)
class ComputeEnvironment:
    """Where jobs run. Its vCPUs are this machine's slots."""

    name: str
    arn: str
    max_vcpus: float
    used_vcpus: float = 0.0


@dataclass(slots=True, kw_only=True)
class JobQueue:
    """Where jobs wait."""

    name: str
    arn: str
    environment: ComputeEnvironment
    priority: int = 1
    state: str = "ENABLED"
    jobs: dict[str, Job] = field(default_factory=dict)
    """Simple jobs and parents, in the order of their submission."""


@dataclass(slots=True, kw_only=True)
class JobDefinition:
    """One revision."""

    name: str
    revision: int
    arn: str
    container: dict[str, Any]
    directory: str | None
    """Where the job's process starts: what WORKDIR is to an image."""
    entrypoint: tuple[str, ...] = ()
    """What stands before every command: what ENTRYPOINT is to an image."""
    status: str = "ACTIVE"
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class JobSpec:
    """What a request and its definition come to; a parent and its children share it."""

    name: str
    queue: JobQueue
    definition: JobDefinition
    command: tuple[str, ...]
    environment: dict[str, str]
    requirements: dict[str, str]
    depends_on: tuple[dict[str, str], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    propagate_tags: bool = False
    size: int | None = None
    """Children of an array job."""

    @property
    def vcpus(self) -> float:
        """What one of its processes takes of a compute environment."""
        return float(self.requirements.get("VCPU", "1"))


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One run of a job's process."""

    started_at: int
    task_id: str
    log_stream: str | None = None
    stopped_at: int | None = None
    exit_code: int | None = None
    reason: str | None = None
    status_reason: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A simple job, an array's parent (it has children) or a child (it has a parent)."""

    id: str
    spec: JobSpec
    created_at: int
    status: JobStatus = JobStatus.SUBMITTED
    status_reason: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    index: int | None = None
    parent: Job | None = None
    children: list[Job] = field(default_factory=list)
    summary: dict[str, int] = field(default_factory=dict)
    """Children by status, of a parent."""
    unmet: int = 0
    """Dependencies that have not ended."""
    dependents: list[Job] = field(default_factory=list)
    stop_reason: str | None = None
    """Set once it was told to stop."""

    @property
    def is_parent(self) -> bool:
        """Whether it is an array's parent, children or not yet."""
        return self.spec.size is not None and self.parent is None
