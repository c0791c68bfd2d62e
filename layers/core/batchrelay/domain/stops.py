"""What makes a run, or a step of it, end before its time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class StopCause(StrEnum):
    """What may end a run before its time."""

    CANCEL = "CANCEL"
    TIMEOUT = "TIMEOUT"


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A run that is made to end before its time."""

    cause: StopCause
    reason: str
    requested_at: datetime
    """A job that failed before was not stopped by us."""
    since: datetime
    """When the end of its jobs became pending, or was last taken over."""

    @property
    def job_reason(self) -> str:
        """The reason in TerminateJob, which AWS Batch reports as the reason of a job."""
        return f"batchrelay: {self.reason}"


FAIL_FAST_REASON = "failFast: more items failed than are tolerated"
"""Why a step is stopped by its `failFast`."""

FAIL_FAST_JOB_REASON = f"batchrelay: {FAIL_FAST_REASON}"
"""The same in TerminateJob."""


class EarlyStopCause(StrEnum):
    """Which rule of its own may end a step before its time."""

    CANARY = "CANARY"
    FAIL_FAST = "FAIL_FAST"


@dataclass(frozen=True, kw_only=True)
class EarlyStop:
    """A step that is made to end before its time, FAILED, while its run goes on."""

    cause: EarlyStopCause
    at: datetime
    """A job that failed before was not stopped by us."""
    since: datetime
    """When the end of its jobs became pending, or was last taken over."""
