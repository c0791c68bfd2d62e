"""What a report is made from: the run's public document, and what AWS Batch says of its jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Document = Mapping[str, Any]
"""JSON, as the API answers it."""


class ChildState(StrEnum):
    """Where a child is, or how it ended. The letter stands for it in a column."""

    WAITING = "WAITING"
    """AWS Batch has it, and its container has not started."""
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UPSTREAM = "UPSTREAM"
    """It never ran, because the same child of a step before it failed."""
    STOPPED = "STOPPED"
    """It was cancelled with its run."""

    @property
    def letter(self) -> str:
        """W, R, S, F, U, and X of one that was stopped."""
        return "X" if self is ChildState.STOPPED else self.value[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFact:
    """What is known of one child of one round of a step; a plain job is its only child."""

    step: str
    number: int
    """Within its round, as `batchrelay logs RUN/STEP:NUMBER` counts."""
    state: ChildState
    round: int = 0
    group: int = 0
    """Of its job, as the run's document has it."""
    created_at: datetime | None = None
    started_at: datetime | None = None
    """Of its latest attempt, as is `stopped_at`."""
    stopped_at: datetime | None = None
    attempts: int = 1
    earlier_s: float = 0
    """Seconds that its attempts before the latest ran."""
    peak_mib: float | None = None
    """The most memory that it held; None if it was not measured."""
    cpu_s: float | None = None
    """Seconds of CPU time that it used, user and system; None if it was not measured."""
    exit_code: int | None = None
    reason: str = ""
    log_stream: str = ""
    """In the log group of AWS Batch."""
    item: str = ""
    """A text for its item, or its first item: of the slowest and the failed children only."""

    @property
    def wait_ms(self) -> int | None:
        """How long it waited for a place, its earlier attempts not counted."""
        if self.created_at is None or self.started_at is None:
            return None
        waited_s = (self.started_at - self.created_at).total_seconds() - self.earlier_s
        return max(0, round(waited_s * 1000))

    @property
    def run_ms(self) -> int | None:
        """How long its latest attempt ran; None before its end."""
        if self.started_at is None or self.stopped_at is None:
            return None
        return max(0, round((self.stopped_at - self.started_at).total_seconds() * 1000))

    @property
    def is_retried(self) -> bool:
        """Whether an earlier attempt of its work failed."""
        return self.attempts > 1 or self.round > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFact:
    """What one job of a step asks for; None is what is not known."""

    queue: str | None = None
    vcpus: float | None = None
    """Of each child, as is the memory."""
    memory_mib: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """An estimate of what a run cost, in US dollars."""

    usd: float
    sums: str
    """What is summed, in a sentence."""
    source: str
    """Of the prices."""
    date: str
    """Of the prices, YYYY-MM-DD."""
    wasted_usd: float | None = None
    """Of it, what attempts cost whose work had to be done again, or failed."""
    steps: Mapping[str, float | None] = field(default_factory=dict)
    """By step; None is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that a report is made from. Only the run is always there."""

    run: Document
    """As `api/views.run_document` gives it."""
    at: datetime
    """When all of it was known."""
    failures: Document | None = None
    """As `api/failures` gives them for the run."""
    jobs: Mapping[str, JobFact] = field(default_factory=dict)
    """By jobId."""
    children: Iterable[ChildFact] = ()
    """Of every round of every step, in any order; read once."""
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What could not be found out of the children, by step; read after they are."""
    cost: Cost | None = None
    """None: it is not known."""
    region: str | None = None
    """Where the run's logs and buckets are; without it a report has no links into the console."""
