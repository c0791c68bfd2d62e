"""One job of AWS Batch: what is asked of it while a run is open, and all that a report shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from batchrelay.domain.step_state import JobOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What the compute environments of a job queue run its jobs on."""

    is_spot: bool = False
    """All of them are Spot."""
    is_mixed: bool = False
    """Some are Spot: it is not known which of them ran a job."""
    instance_type: str = ""
    """Of EC2, if they have only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetail:
    """All that AWS Batch says of one job, or of one child of an array; None is not known."""

    job_id: str
    status: str
    """AWS Batch's own."""
    size: int = 0
    """Children; 0 of a plain job, and of a child."""
    created_at: datetime | None = None
    started_at: datetime | None = None
    """Of its latest attempt, as is `stopped_at`."""
    stopped_at: datetime | None = None
    attempts: int = 1
    """The latest of them is at work or waits, unless the job has ended."""
    earlier_s: float = 0
    """Seconds that its attempts before the latest ran."""
    exit_code: int | None = None
    reason: str = ""
    """Why it ended, or waits."""
    log_stream: str = ""
    queue: str = ""
    vcpus: float | None = None
    memory_mib: int | None = None
    is_fargate: bool = False
    arch: str = "x86_64"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """What AWS Batch says of a job; the counts are of children, and advisory."""

    job_id: str
    outcome: JobOutcome | None
    succeeded: int = 0
    failed: int = 0
    running: int = 0
    reason: str = ""
    waits_since: datetime | None = None
    """When it was made, if it could begin and nothing of it has; None otherwise."""
    stopped_at: datetime | None = None
