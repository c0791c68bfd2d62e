"""What AWS Batch remembers: queues, definitions, jobs. Times are epoch milliseconds, as AWS's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from batch_local.images import NO_IMAGES, Images

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""Of jobs, definitions, queues. Source: SubmitJob, jobName."""

ARRAY_SIZE_MIN, ARRAY_SIZE_MAX = 2, 10_000
"""Children. Source: SubmitJob, arrayProperties.size; 1 is refused (aws-batch.md, Array size)."""

DEPENDENCIES_MAX = 20
"""Entries of dependsOn. Source: Batch User Guide, service quotas."""

REQUEST_BYTES_MAX = 30 * 1024
"""Bytes of a SubmitJob request. Source: Batch User Guide, service quotas."""

DESCRIBE_IDS_MAX = 100
"""Job ids of one DescribeJobs. Source: DescribeJobs, jobs."""

OVERRIDES_CHARS_MAX = 8_192
"""Characters of container overrides; above, a job is accepted and FAILS. Source: hyp3#3041."""

TIMEOUT_S_MIN = 60
"""Seconds of timeout.attemptDurationSeconds. Source: SubmitJob, JobTimeout."""

BULK_IDS_MAX = 50
"""Job ids of CancelJobs and TerminateJobs. Source: CancelJobs, jobs."""

REASON_CHARS_MAX = 1_024
"""Characters of the reason of a stop. Source: TerminateJob, reason."""

STOP_GRACE_S = 30
"""Seconds between SIGTERM and SIGKILL. Source: Batch User Guide, job_timeouts."""


LOG_GROUP = "/aws/batch/job"
"""Source: Batch User Guide, job_states."""


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
    state: str = "ENABLED"
    described: dict[str, Any] = field(default_factory=dict)
    """What is only given back."""
    tags: dict[str, str] = field(default_factory=dict)
    used_vcpus: float = 0.0


@dataclass(slots=True, kw_only=True)
class JobQueue:
    """Where jobs wait."""

    name: str
    arn: str
    environment: ComputeEnvironment
    """Where jobs start now; those that run are where they are."""
    order: list[str] = field(default_factory=list)
    """ARNs of its compute environments; its jobs run in the first."""
    priority: int = 1
    state: str = "ENABLED"
    scheduling_policy: str | None = None
    """ARN; with one, jobs carry a share identifier and a priority."""
    described: dict[str, Any] = field(default_factory=dict)
    """What is only given back."""
    tags: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    """Simple jobs and parents, in the order of their submission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget:
    """Where the output of a definition's jobs goes."""

    group: str = LOG_GROUP
    prefix: str | None = None
    """What stands before `/default/TASK` in a stream's name; None for the definition's name."""
    is_created: bool = True
    """Whether a group that is missing is created; else an attempt does not start."""


DEFAULT_LOG_TARGET = LogTarget()


class Kind(StrEnum):
    """What a job definition has, by the name of the field that says it."""

    CONTAINER = "containerProperties"
    TASK = "ecsProperties"
    POD = "eksProperties"
    NODES = "nodeProperties"


@dataclass(slots=True, kw_only=True)
class JobDefinition:
    """One revision."""

    name: str
    revision: int
    arn: str
    kind: Kind = Kind.CONTAINER
    properties: dict[str, Any]
    """What was registered under the name of its kind."""
    directory: str | None
    """Where the job's processes start: what WORKDIR is to an image."""
    entrypoint: tuple[str, ...] = ()
    """What stands before every command: what ENTRYPOINT is to an image."""
    images: Images = NO_IMAGES
    """What stands before the commands of containers of an image, if there is no entrypoint."""
    programs: str | None = None
    """A folder that stands before PATH: where an image has its programs."""
    platform: str = "EC2"
    propagate_tags: bool | None = None
    priority: int | None = None
    """schedulingPriority: of its jobs in a queue with a scheduling policy."""
    status: str = "ACTIVE"
    consumables: dict[str, Any] = field(default_factory=dict)
    """consumableResourceProperties."""
    retry_strategy: dict[str, Any] | None = None
    timeout: dict[str, int] | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def entrypoint_of(self, container: Mapping[str, Any]) -> tuple[str, ...]:
        """What stands before a container's command."""
        if self.images.are_pulled:
            return ()
        return self.entrypoint or self.images.entrypoint(str(container.get("image") or ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStrategy:
    """How often a job is attempted; `retries.py` reads the rules of its evaluateOnExit."""

    attempts: int = 1
    rules: tuple[Mapping[str, str], ...] = ()


class Condition(StrEnum):
    """How far another container must be before one starts. Source: TaskContainerDependency."""

    START = "START"
    COMPLETE = "COMPLETE"
    SUCCESS = "SUCCESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """A container of a job: here a process. A parent's children share it."""

    name: str = "default"
    """What stands in the name of its log stream; AWS Batch's own for the only one of a job."""
    command: tuple[str, ...]
    entrypoint: tuple[str, ...] = ()
    """What stands before the command; DescribeJobs says nothing of it, for it is the image's."""
    environment: dict[str, str] = field(default_factory=dict)
    requirements: dict[str, str] = field(default_factory=dict)
    """What it asks for, by type."""
    is_essential: bool = True
    """Whether the others of its task are stopped when it ends."""
    depends_on: tuple[tuple[str, Condition], ...] = ()
    """Other containers of its task, by name."""
    log_target: LogTarget = DEFAULT_LOG_TARGET
    volumes: tuple[Mapping[str, Any], ...] = ()
    """Of its task or pod, as they were registered; only an engine can mount them."""
    registered: Mapping[str, Any] = field(default_factory=dict)
    """What its definition has of it, which DescribeJobs gives back."""
    node: int = 0
    """Of a multi-node parallel job."""
    is_of_pod: bool = False
    is_init: bool = False
    """Whether a pod's other containers begin after its good end."""

    @property
    def words(self) -> tuple[str, ...]:
        """What is run."""
        return (*self.entrypoint, *self.command)


@dataclass(slots=True, kw_only=True)
class JobSpec:
    """What a request and its definition come to; a parent and its children share it."""

    name: str
    queue: JobQueue
    definition: JobDefinition
    containers: tuple[ContainerSpec, ...]
    requirements: dict[str, str]
    """What all containers ask for together, by type."""
    nodes: int | None = None
    """How many a multi-node parallel job has."""
    main_node: int = 0
    """By which the job is judged."""
    depends_on: tuple[dict[str, str], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    propagate_tags: bool = False
    size: int | None = None
    """Children of an array job."""
    retry: RetryStrategy
    timeout_s: int | None = None
    """Seconds that an attempt may run."""
    parameters: dict[str, str] = field(default_factory=dict)
    consumables: dict[str, int] = field(default_factory=dict)
    """Units of consumable resources that one of its attempts has while it runs, by name."""
    priority: int = 0
    """Higher is earlier, within a queue with a scheduling policy."""
    share: str | None = None
    flaw: str | None = None
    """Why it is accepted and then FAILS, as AWS Batch does with what it finds too late."""

    @property
    def vcpus(self) -> float:
        """What one of its attempts takes of a compute environment."""
        return float(self.requirements.get("VCPU", "1"))


class ContainerState(Enum):
    """How far a container of an attempt is."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(slots=True, kw_only=True, eq=False)
class ContainerRun:
    """A container of one attempt."""

    spec: ContainerSpec
    state: ContainerState = ContainerState.WAITING
    log_stream: str | None = None
    """There once it has begun."""
    pid: int | None = None
    """Its process on this machine, once it has begun."""
    is_stopping: bool = False
    exit_code: int | None = None
    reason: str | None = None
    rank: int | None = None
    """How many of the attempt ended before it; None while it goes on, and if it was never tried."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One run of a job's processes."""

    started_at: int
    task_id: str
    environment: ComputeEnvironment
    containers: Sequence[ContainerRun] = ()
    log_stream: str | None = None
    """Of the container that began first."""
    stopped_at: int | None = None
    exit_code: int | None = None
    """With the reason, of the container that decides."""
    reason: str | None = None
    status_reason: str | None = None

    def task_of(self, node: int) -> str:
        """The id of its ECS task; each node has one of its own."""
        return f"{self.task_id[:-3]}{node:03x}"


_NO_CHILDREN: dict[str, int] = {}
"""Of every job that is no parent; never written to."""


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A simple job, an array's parent (it has children) or a child (it has a parent).

    A machine has 100,000 children of an hour and forgets none: each holds what it has, and no
    empty list. Those of an array that has ended are packed (scheduling/ended.py).
    """

    id: str
    spec: JobSpec
    created_at: int
    status: JobStatus = JobStatus.SUBMITTED
    status_reason: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    attempts: tuple[Attempt, ...] = ()
    index: int | None = None
    parent: Job | None = None
    children: Sequence[Job] = ()
    summary: dict[str, int] = field(default_factory=lambda: _NO_CHILDREN)
    """Children by status, of a parent."""
    unmet: int = 0
    """Dependencies that have not ended."""
    stop_reason: str | None = None
    """Set once it is to stop: by a cancellation, a termination or its timeout."""
    is_cancelled: bool = False
    is_terminated: bool = False

    @property
    def is_parent(self) -> bool:
        """Whether it is an array's parent, children or not yet."""
        return self.spec.size is not None and self.parent is None
