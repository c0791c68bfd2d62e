"""Obligations to act, in the imperative. Two effects are one if they do the same in the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from batchrelay.domain.limits import (
    CONTINUE_GRACE_S,
    MEASUREMENT_GRACE_S,
    NOTICE_GRACE_S,
    PREPARE_GRACE_S,
    REPORT_GRACE_S,
    SUBMIT_GRACE_S,
)
from batchrelay.domain.values import JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    GRACE_S: ClassVar[int]
    since: datetime = field(compare=False)
    """When it became pending, or was last taken over."""

    def is_overdue(self, now: datetime) -> bool:
        """Whether its grace has passed: its performer is taken for dead."""
        return now >= self.since + timedelta(seconds=self.GRACE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare(_Effect):
    """Count a step's items and write its manifest, off the hot path."""

    GRACE_S: ClassVar[int] = PREPARE_GRACE_S
    run_id: str
    step: str
    round: int
    resume: str = ""
    """S3 URI of what an earlier attempt put down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitJob(_Effect):
    """Submit one part to AWS Batch."""

    GRACE_S: ClassVar[int] = SUBMIT_GRACE_S
    key: JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawSubmission(_Effect):
    """Make sure that a part has no job. Only once overdue: another process may be submitting it."""

    GRACE_S: ClassVar[int] = SUBMIT_GRACE_S
    key: JobKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateJob(_Effect):
    """Terminate a duplicate job, or a job of a run that is being stopped."""

    GRACE_S: ClassVar[int] = SUBMIT_GRACE_S
    run_id: str
    job_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(_Effect):
    """Send the notice of one rule."""

    GRACE_S: ClassVar[int] = NOTICE_GRACE_S
    run_id: str
    rule: int
    pause: int = 0
    """Which pause of the run it is about; 0 for its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueRun(_Effect):
    """Go on with what an invocation had no time for, in one that has it."""

    GRACE_S: ClassVar[int] = CONTINUE_GRACE_S
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteQueues(_Effect):
    """Delete the SQS queues of a run that has ended."""

    GRACE_S: ClassVar[int] = NOTICE_GRACE_S
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteConsumableResources(_Effect):
    """Delete the consumable resources of a run that has ended."""

    GRACE_S: ClassVar[int] = NOTICE_GRACE_S
    run_id: str
    redrive: int
    """Which of its ends: 0 before a redrive. Those of a later one are left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport(_Effect):
    """Write the report of a run's end to S3, off the hot path. Before anything that links to it."""

    GRACE_S: ClassVar[int] = REPORT_GRACE_S
    run_id: str
    redrive: int
    """Which of its ends: 0 before a redrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureCost(_Effect):
    """Ask AWS Batch what ended jobs of a run with a budget took, off the hot path."""

    GRACE_S: ClassVar[int] = MEASUREMENT_GRACE_S
    run_id: str
    number: int
    """Which measurement of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRunEnd(_Effect):
    """Put the event of a run's end on EventBridge."""

    GRACE_S: ClassVar[int] = NOTICE_GRACE_S
    run_id: str
    redrive: int
    """Which of its ends: 0 before a redrive."""


LongWork = Prepare | ContinueRun | WriteReport | MeasureCost
"""What takes minutes: the function that prepares steps does it."""

Effect = (
    Prepare
    | SubmitJob
    | WithdrawSubmission
    | TerminateJob
    | Notify
    | WriteReport
    | MeasureCost
    | PublishRunEnd
    | DeleteQueues
    | DeleteConsumableResources
    | ContinueRun
)
