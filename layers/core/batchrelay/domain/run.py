"""One execution of one pipeline version: everything about it that can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from batchrelay.domain.end_report import EndReport
from batchrelay.domain.pipeline import Overlap, Pipeline
from batchrelay.domain.stops import EarlyStop, Stop


class StepStatus(StrEnum):
    """Where a step is. The last five are terminal."""

    WAITING = "WAITING"
    PREPARING = "PREPARING"
    SUBMITTING = "SUBMITTING"
    ACTIVE = "ACTIVE"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can change it any more."""
        return self not in (
            StepStatus.WAITING,
            StepStatus.PREPARING,
            StepStatus.SUBMITTING,
            StepStatus.ACTIVE,
        )


class RunStatus(StrEnum):
    """Where a run is."""

    QUEUED = "QUEUED"
    """It waits: another run of its pipeline is open."""
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether every step has ended."""
        return self not in (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.CANCELLING)


class JobOutcome(StrEnum):
    """AWS Batch's own two terminal statuses, and what it has no word for."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    """We stopped it, or never let it begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """A run to be started."""

    run_id: str
    pipeline: str
    version: int | None = None
    """None is the registered one."""
    params: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    """What the run's id was made from, if the same start may come again."""
    trigger: Mapping[str, str] = field(default_factory=dict)
    """What `${trigger.…}` means; nothing for a start by hand."""
    overlap: Overlap = Overlap.PARALLEL


@dataclass(frozen=True, slots=True, kw_only=True)
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
    def is_active(self) -> bool:
        """Whether AWS Batch has it and has not ended it."""
        return self.job_id is not None and self.outcome is None


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    def lets_dependents_run(self) -> bool:
        """Whether a dependent may start: all went well, or there was nothing to do."""
        match self.status:
            case StepStatus.SUCCEEDED | StepStatus.PARTIAL:
                return True
            case StepStatus.SKIPPED:
                return self.children == 0
            case _:
                return False

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


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateJob:
    """A second job of a part that already has one; it must be stopped."""

    job_id: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """The latest request to run again what failed."""

    number: int
    """The first of a run is 1."""
    at: datetime
    step: str = ""
    """The step whose failed items run again; empty for every step that failed."""
    classes: frozenset[str] = frozenset()
    """Classes of failures, as in `retryFailed.when`; empty for all."""
    queue: str = ""
    """The job queue of these rounds; empty for the step's own."""
    memory_factor: float | None = None
    """By what the memory of these items grows."""


class NoticeState(StrEnum):
    """What became of a notice, or of the event of a run's end."""

    SENT = "SENT"
    REFUSED = "REFUSED"


WAITING_STEP = StepState()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run, with the definition it is pinned to. Values change with `advance` only."""

    id: str
    pipeline: Pipeline
    params: Mapping[str, str]
    """Resolved: every `${…}` of a default is expanded."""
    environment: Mapping[str, str]
    """The stack's own values: `bucket`, `topicArn`."""
    started_at: datetime
    trigger: Mapping[str, str] = field(default_factory=dict)
    """What `${trigger.…}` means."""
    overlap: Overlap = Overlap.PARALLEL
    """What it does while another such run of its pipeline is open."""
    dequeued_at: datetime | None = None
    """When it began, if it waited in a run queue."""
    status: RunStatus = RunStatus.RUNNING
    ended_at: datetime | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)
    """Steps that have left WAITING, by name."""
    stop: Stop | None = None
    """Of the ordinary steps; kept for good: why a run is CANCELLED, or FAILED without a failure."""
    finally_stop: Stop | None = None
    """Of the finally steps; kept likewise."""
    redrive: Redrive | None = None
    """Kept for good: the latest of them."""
    duplicate_jobs: tuple[DuplicateJob, ...] = ()
    notices: Mapping[int, NoticeState] = field(default_factory=dict)
    """By the rule's place in the pipeline's `notify`."""
    queues_since: datetime | None = None
    """When the deletion of its queues became pending, or was last taken over; None if none is."""
    notices_since: datetime | None = None
    """When the notices became pending, or were last taken over."""
    report: EndReport | None = None
    """Of its end, which its notices and its event wait for; None if none is to be written."""
    end_event: NoticeState | None = None
    """What became of the event of its end on EventBridge; None before that."""
    end_event_since: datetime | None = None
    """When that event became pending, or was last taken over; None if nothing is pending."""
    continue_since: datetime | None = None
    """When effects were postponed to another invocation, or that one was asked for again; until it
    begins, nothing further is submitted. None if nothing is postponed."""
    version: int = 0
    """Counts the writes; 0 was never stored."""

    @property
    def redrive_number(self) -> int:
        """Which end of it comes next, or has come: 0 before a redrive."""
        return 0 if self.redrive is None else self.redrive.number

    @property
    def cause(self) -> str:
        """What started it, in a word: an object, a time, an upload batch; empty by hand."""
        trigger = self.trigger
        bucket = f"s3://{trigger.get('bucket', '')}/"
        if "uploads" in trigger:
            return f"{trigger.get('count', '')} uploads to {bucket}".strip()
        return f"{bucket}{trigger['key']}" if "key" in trigger else trigger.get("time", "")

    @property
    def deadline(self) -> datetime | None:
        """When it is stopped, whatever it does; None while it is QUEUED."""
        timeout_s = self.pipeline.timeout_s
        if timeout_s is None or self.status is RunStatus.QUEUED:
            return None
        redriven_at = None if self.redrive is None else self.redrive.at
        since = redriven_at or self.dequeued_at or self.started_at
        return since + timedelta(seconds=timeout_s)

    @property
    def blocked(self) -> dict[str, str]:
        """Why AWS Batch does not begin with a job, by step."""
        return {name: state.blocked for name, state in self.steps.items() if state.blocked}

    def state(self, step: str) -> StepState:
        """What has become of a step."""
        return self.steps.get(step, WAITING_STEP)

    def with_step(self, step: str, state: StepState) -> Run:
        """The same run with one step changed."""
        return replace(self, steps={**self.steps, step: state})
