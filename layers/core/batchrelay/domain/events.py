"""Facts that happened, in the past tense. `at` is when we heard of them: the core has no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from batchrelay.domain.values import JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A step's items were counted and written; no manifest for 0 items."""

    at: datetime
    step: str
    round: int
    items: int
    existing: int = 0
    """Items beside them, left out because their output is there."""
    passed: int = 0
    """Objects of a listing that are no items."""
    children: tuple[int, ...]
    """Of each group; one number without groups."""
    chunk: int = 1
    manifest: str | None
    queue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationContinued:
    """A step's items are so many that another invocation goes on where one stopped."""

    at: datetime
    step: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationFailed:
    """A step's items are not what `forEach` says."""

    at: datetime
    step: str
    round: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSubmitted:
    """AWS Batch gave the job an id."""

    at: datetime
    key: JobKey
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRefused:
    """AWS Batch will never accept the request."""

    at: datetime
    key: JobKey
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSucceeded:
    """A simple job or an array's parent is SUCCEEDED."""

    at: datetime
    key: JobKey
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed:
    """A simple job or an array's parent is FAILED; the counts are of children, and advisory."""

    at: datetime
    key: JobKey
    job_id: str
    succeeded: int
    failed: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgressed:
    """How far an array is; heard now and then, advisory."""

    at: datetime
    key: JobKey
    job_id: str
    succeeded: int
    failed: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesDeleted:
    """The run's SQS queues are gone."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinTerminated:
    """A twin was told to stop, or is not there any more."""

    at: datetime
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSent:
    """SNS accepted a notice."""

    at: datetime
    rule: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRefused:
    """SNS will never accept a notice."""

    at: datetime
    rule: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GraceExpired:
    """A sweep passed: whoever owed something for longer than its grace is taken for dead."""

    at: datetime


JobEvent = JobSubmitted | SubmissionRefused | JobProgressed | JobSucceeded | JobFailed
Event = (
    Prepared
    | PreparationFailed
    | PreparationContinued
    | JobEvent
    | TwinTerminated
    | QueuesDeleted
    | NoticeSent
    | NoticeRefused
    | GraceExpired
)
