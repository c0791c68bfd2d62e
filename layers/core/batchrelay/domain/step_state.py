"""Where one step of a run is, and what became of its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from batchrelay.domain.stops import EarlyStop


class StepStatus(StrEnum):
    """Where a step is. The last five are terminal."""

    is_terminal: bool
    """Whether nothing can change it any more."""

    WAITING = "WAITING"
    PREPARING = "PREPARING"
    SUBMITTING = "SUBMITTING"
    ACTIVE = "ACTIVE"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"

    def __init__(self, _name: str) -> None:
        before_it_ends = ("WAITING", "PREPARING", "SUBMITTING", "ACTIVE")
        self.is_terminal = self.value not in before_it_ends


_WENT_WELL = (StepStatus.SUCCEEDED, StepStatus.PARTIAL)
_SKIPPED = StepStatus.SKIPPED
"""Constants: Python 3.11 looks a member up in its class slower than it calls a function."""


class JobOutcome(StrEnum):
    """AWS Batch's own two terminal statuses, and what it has no word for."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    """We stopped it, or never let it begin."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One AWS Batch job of a step: not yet submitted, submitted (job_id), or ended (outcome)."""

    size: int
    """Children; 1 means a plain job."""
    since: datetime | None = None
    """When its submission became pending, or was last taken over; None while another job must be
    there first, or other submissions are under way."""
    group: int = 0
    """Which of the step's groups; their items are a manifest of their own."""
    job_id: str | None = None
    outcome: JobOutcome | None = None
    succeeded: int = 0
    """Children that AWS Batch reported; advisory (Q7 of aws-batch.md)."""
    failed: int = 0
    running: int = 0
    is_terminate_accepted: bool = False
    """Whether AWS Batch accepted TerminateJob for it."""
    blocked: str = ""
    """Why AWS Batch does not begin with it."""
    missing_since: datetime | None = None
    """Since when every look of DescribeJobs left it out; once it is given up, when it was."""
    is_given_up: bool = False
    """Whether it was missing for so long that it is to be stopped."""
    is_measured: bool = False
    """Whether what its job cost is in the sum of a run with a budget."""

    def counted(self, children: int) -> int:
        """A count of children from outside as one that this part can have."""
        return max(0, min(children, self.size))

    @property
    def is_unsubmitted(self) -> bool:
        """Whether it has no job yet, and may have one."""
        return self.job_id is None and self.outcome is None

    @property
    def stopped(self) -> int:
        """Children that we stopped, or that never began because of it; advisory."""
        is_cancelled = self.outcome is JobOutcome.CANCELLED
        return self.size - self.succeeded - self.failed if is_cancelled else 0

    @property
    def is_to_be_stopped(self) -> bool:
        """Whether it is to be stopped although its run goes on: nothing is known of it."""
        return self.is_active and self.is_given_up and not self.is_terminate_accepted

    @property
    def is_unmeasured(self) -> bool:
        """Whether it had a job that has ended and is in no sum yet."""
        return self.job_id is not None and self.outcome is not None and not self.is_measured

    @property
    def is_active(self) -> bool:
        """Whether AWS Batch has it and has not ended it."""
        return self.job_id is not None and self.outcome is None


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """What is known of the attempts of a preparation since it last made progress."""

    requests: int = 0
    """How often reconcile asked for it again."""
    begun: int = 0
    """Attempts that began. The first is not among them unless it reported why it failed: usually
    nothing is written before the work."""
    is_underway: bool = False
    """Whether the latest of them may still be at work."""


NO_ATTEMPTS = Attempts()


@dataclass(frozen=True, kw_only=True)
class StepState:
    """What has become of a step. A step that is not yet mentioned in a run is WAITING."""

    status: StepStatus = StepStatus.WAITING
    since: datetime | None = None
    """When it entered its status, or when its preparation was last taken over."""
    round: int = 0
    items: int | None = None
    """Known once they were counted; None for a step without items."""
    existing: int = 0
    """Items that were left out because their output is there."""
    children: int | None = None
    """Known once the items were counted."""
    chunk: int = 1
    """Items of one child, or of one message of the queue."""
    parts: tuple[Part, ...] = ()
    manifest: str | None = None
    """S3 URI of the folder of the items."""
    queue: str | None = None
    """URL of the SQS queue from which workers pull."""
    reason: str = ""
    """Why it was SKIPPED, CANCELLED or FAILED; while PREPARING, why the last attempt ended."""
    earlier_rounds: tuple[tuple[Part, ...], ...] = ()
    """The parts of the rounds before this one, of a step whose failed items run again."""
    failures: str = ""
    """S3 URI of the folder that describes the failures of the round before, or of all once it has
    ended; the manifests of this round are there too."""
    is_collected: bool = False
    """Whether those are all of its failures: it has ended, and nothing was to run again."""
    failed_items: int = 0
    """Items that failed in earlier rounds and do not run again; once it has ended, all of them."""
    upstream_items: int = 0
    """Likewise, because their item failed in a step before."""
    stopped_items: int = 0
    """Likewise, because we stopped them, or never let them begin."""
    redrive_round: int | None = None
    """The first round that a redrive asked for."""
    level: int = 0
    """Of an aggregate."""
    attempts: Attempts = NO_ATTEMPTS
    resume: str = ""
    """S3 URI of what an attempt of its preparation put down; the next one goes on from there."""
    job_reason: str = ""
    """Why its jobs failed, while its failures are collected."""
    early_stop: EarlyStop | None = None
    """Set for good once a rule of its own made it end before its time; a redrive goes on."""
    counted_at: datetime | None = None
    """When AWS Batch gave other counts of its active jobs than are stored; None before that."""

    @property
    def blocked(self) -> str:
        """Why AWS Batch does not begin with one of its jobs."""
        return next((part.blocked for part in self.parts if part.is_active and part.blocked), "")

    @property
    def reason_so_far(self) -> str:
        """Why it is in its status; while its failures are collected, why its jobs failed."""
        return self.reason or self.job_reason

    @property
    def lets_dependents_run(self) -> bool:
        """Whether a dependent may start: all went well, or there was nothing to do."""
        if self.status in _WENT_WELL:
            return True
        return self.status is _SKIPPED and self.children == 0

    @property
    def first_parts(self) -> tuple[Part, ...]:
        """The parts of all its children, whatever ran again."""
        return self.earlier_rounds[0] if self.earlier_rounds else self.parts

    @property
    def every_part(self) -> tuple[Part, ...]:
        """The parts of every round."""
        return (*(part for parts in self.earlier_rounds for part in parts), *self.parts)

    @property
    def first_round(self) -> int:
        """The number of the round that had all items; of an aggregate, of its level."""
        return self.round - len(self.earlier_rounds)

    @property
    def every_round(self) -> tuple[tuple[int, tuple[Part, ...]], ...]:
        """The parts of every round, with its number; of an aggregate, those of its level only."""
        return tuple(enumerate((*self.earlier_rounds, self.parts), start=self.first_round))

    @property
    def is_retry(self) -> bool:
        """Whether this round runs failed items again, or finds out which ones."""
        return bool(self.earlier_rounds)

    @property
    def failed(self) -> int:
        """Children that failed, and have not run again; advisory until it has ended."""
        given_up = self.failed_items + self.upstream_items
        if self.is_collected:
            return given_up
        return given_up + sum(part.failed for part in self._latest_parts)

    @property
    def stopped(self) -> int:
        """Children that we stopped, or never let begin, and that have not run again; advisory."""
        if self.is_collected:
            return self.stopped_items
        return self.stopped_items + sum(part.stopped for part in self._latest_parts)

    @property
    def _latest_parts(self) -> tuple[Part, ...]:
        """Those of the round before, while this one is prepared."""
        return self.parts or (self.earlier_rounds[-1] if self.earlier_rounds else ())

    @property
    def succeeded(self) -> int:
        """Children of every round that succeeded; advisory."""
        return sum(part.succeeded for part in self.every_part)

    @property
    def is_redriven(self) -> bool:
        """Whether this round, or one before it, was asked for by a redrive."""
        return self.redrive_round is not None and self.round >= self.redrive_round

    def with_part(self, number: int, part: Part) -> tuple[Part, ...]:
        """The parts with one of them changed."""
        return (*self.parts[:number], part, *self.parts[number + 1 :])

    def part_offset(self, number: int) -> int:
        """The first child of a part, counted within the step."""
        return sum(part.size for part in self.parts[:number])

    def group_offset(self, group: int) -> int:
        """The first child of a group, counted within the step."""
        return sum(part.size for part in self.parts if part.group < group)


WAITING_STEP = StepState()
