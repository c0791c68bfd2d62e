"""Facts, in the past tense. `at` is when they were received: the core has no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from batchrelay.domain.budget_events import BudgetEvent
from batchrelay.domain.effects import Prepare, SubmitJob
from batchrelay.domain.run import Redrive
from batchrelay.domain.run_cost import RunCost
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
    resume: str
    """S3 URI of what it put down."""
    after: str = ""
    """That of what it went on from itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationBegun:
    """An attempt begins that is not the first: an earlier one may have died."""

    at: datetime
    step: str
    round: int
    resume: str = ""
    """S3 URI of what it goes on from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt of a preparation ended without a result; another may end with one."""

    at: datetime
    step: str
    round: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationFailed:
    """A step's items are not what `forEach` says."""

    at: datetime
    step: str
    round: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailuresCollected:
    """It is known which items failed in the round before, why, and which of them run again."""

    at: datetime
    step: str
    round: int
    """The round in which they run again."""
    failed: int
    """Items that failed and do not run again."""
    upstream: int
    """Likewise, because their item failed in a step before."""
    stopped: int = 0
    """Likewise, because we stopped them, or never let them begin."""
    reason: str
    """The causes."""
    failures: str
    """S3 URI of the folder that describes them."""
    children: tuple[int, ...]
    """Of the next round, by group; empty if nothing runs again."""
    queue: str | None = None
    """URL of the SQS queue from which the workers of that round pull."""


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
class SubmissionWithdrawn:
    """A part that was to be submitted has no job, and will have none."""

    at: datetime
    key: JobKey


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
    stopped_at: datetime | None = None
    """By AWS Batch's clock; None if it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobBlocked:
    """AWS Batch does not begin with a job: nothing fits it, or nothing is free for long."""

    at: datetime
    key: JobKey
    job_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMissing:
    """DescribeJobs was asked for a job and left it out."""

    at: datetime
    key: JobKey
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgressed:
    """The progress of an array; reported now and then, advisory."""

    at: datetime
    key: JobKey
    job_id: str
    succeeded: int
    failed: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsPostponed:
    """An invocation had no time for the rest; none of these requests was made."""

    at: datetime
    effects: tuple[SubmitJob | Prepare, ...]
    """With the time at which each became pending: one that was taken over since is another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContinued:
    """An invocation has the time for what was postponed, and takes it over."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesDeleted:
    """The run's SQS queues are gone."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesLeft:
    """A preparation that is no longer needed may have left a queue behind."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumableResourcesDeleted:
    """The consumable resources of a run's end are gone."""

    at: datetime
    redrive: int
    """Which of its ends: 0 before a redrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumableResourcesLeft:
    """A submission made sure that a consumable resource is there; the run may have ended since."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTerminated:
    """AWS Batch accepted the end of a job, or no longer has it."""

    at: datetime
    job_id: str
    failed: int = 0
    """Children that had failed before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDequeued:
    """No run before it is open any more."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """The run is to end, by request."""

    at: datetime
    reason: str = ""
    stops_finally: bool = False
    """Whether its finally steps are stopped too, or not even begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveRequested:
    """A run that has ended is to go on, with what failed."""

    at: datetime
    redrive: Redrive
    params: Mapping[str, str] = field(default_factory=dict)
    """Parameters that have another value from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlinePassed:
    """The run takes longer than its `timeout` allows, or is open for longer than any run may be."""

    at: datetime
    open_days_max: int | None = None
    """Days for which a run may be open; None if its own `timeout` is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSent:
    """SNS accepted a notice."""

    at: datetime
    rule: int
    pause: int = 0
    """Which pause of the run it was about; 0 for its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRefused:
    """SNS will never accept a notice."""

    at: datetime
    rule: int
    pause: int = 0
    """Which pause of the run it was about; 0 for its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWritten:
    """The report of a run's end is in S3."""

    at: datetime
    redrive: int
    """Which of its ends: 0 before a redrive."""
    cost: RunCost | None = None
    """What the run cost, as its report says; None is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRefused:
    """The report of a run's end will not be there."""

    at: datetime
    redrive: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEndPublished:
    """EventBridge accepted the event of a run's end."""

    at: datetime
    redrive: int
    """Which of its ends: 0 before a redrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEndRefused:
    """EventBridge will never accept the event of a run's end."""

    at: datetime
    redrive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GraceExpired:
    """Reconcile has looked: an effect that is pending for longer than its grace is taken over."""

    at: datetime


JobEvent = (
    JobSubmitted
    | SubmissionRefused
    | SubmissionWithdrawn
    | JobProgressed
    | JobBlocked
    | JobMissing
    | JobSucceeded
    | JobFailed
)
PreparationEvent = (
    Prepared
    | PreparationFailed
    | PreparationContinued
    | PreparationBegun
    | AttemptFailed
    | FailuresCollected
)
EndEffectEvent = (
    QueuesDeleted
    | QueuesLeft
    | ConsumableResourcesDeleted
    | ConsumableResourcesLeft
    | NoticeSent
    | NoticeRefused
    | ReportWritten
    | ReportRefused
    | RunEndPublished
    | RunEndRefused
)
"""An answer to an effect of a run's end."""

RunEvent = (
    JobTerminated
    | RunDequeued
    | CancelRequested
    | RedriveRequested
    | DeadlinePassed
    | EndEffectEvent
    | BudgetEvent
    | EffectsPostponed
    | RunContinued
    | GraceExpired
)
Event = PreparationEvent | JobEvent | RunEvent
