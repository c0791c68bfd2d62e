"""One execution of one pipeline version: everything about it that can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from batchrelay.domain.copies import replace
from batchrelay.domain.end_report import EndReport
from batchrelay.domain.pipeline import Overlap, Pipeline
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.spending import NO_SPENDING, Spending
from batchrelay.domain.step_state import WAITING_STEP, StepState
from batchrelay.domain.stops import Stop


class RunStatus(StrEnum):
    """Where a run is."""

    QUEUED = "QUEUED"
    """It waits: another run of its pipeline is open."""
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    """It submits nothing further until its budget is raised; jobs at work go on."""
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether every step has ended."""
        return self not in _OPEN


_OPEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.CANCELLING})


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
class DuplicateJob:
    """A second job of a part that already has one; it must be stopped."""

    job_id: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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
    consumable_resources_since: datetime | None = None
    """Likewise, of the consumable resources of its steps with `maxRunning`."""
    notices_since: datetime | None = None
    """When the notices became pending, or were last taken over."""
    report: EndReport | None = None
    """Of its end, which its notices and its event wait for; None if none is to be written."""
    cost: RunCost | None = None
    """What it cost until its end; with a budget, what has ended of it cost. None is unknown."""
    spending: Spending = NO_SPENDING
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
