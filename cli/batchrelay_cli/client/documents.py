"""The API's documents, as types: held equal to its OpenAPI document by a test.

Times are texts, ISO 8601 in UTC; what is not known is None. docs/reference/api.md has the meaning
of each field.
"""

from __future__ import annotations

from typing import Any, TypedDict


class Pipeline(TypedDict):
    """A pipeline that may be started."""

    pipeline: str
    version: int
    registeredAt: str


class Summary(TypedDict):
    """A run in a list."""

    runId: str
    pipeline: str
    status: str
    startedAt: str
    cause: str | None
    costUsd: float | None


class Runs(TypedDict):
    """A page of runs, the newest first."""

    runs: list[Summary]
    next: str | None


class Job(TypedDict):
    """A part of a step: one job of AWS Batch."""

    jobId: str | None
    round: int
    group: int
    children: int
    failed: int
    outcome: str | None


class Round(TypedDict):
    """A round before the latest."""

    round: int
    children: int
    succeeded: int
    failed: int
    jobIds: list[str]


_Finally = TypedDict("_Finally", {"finally": bool})  # a keyword of Python, which no class can have


class Step(_Finally):
    """A step of a run."""

    step: str
    status: str
    since: str | None
    startedAt: str | None
    needs: list[str]
    round: int
    rounds: list[Round]
    level: int | None
    items: int | None
    existing: int
    children: int | None
    chunk: int | None
    succeeded: int
    failed: int
    failedItems: int
    upstreamItems: int
    stoppedItems: int
    upstream: int
    stopped: int
    canary: int | None
    running: int
    asOf: str | None
    reason: str | None
    blocked: str | None
    output: str | None
    manifest: str | None
    results: str | None
    failures: str | None
    jobs: list[Job]


class Cost(TypedDict):
    """What a run has cost so far, in US dollars, at the prices of a date."""

    usd: float
    isEstimate: bool
    sums: str
    date: str


class Run(TypedDict):
    """A run with all of its steps."""

    runId: str
    pipeline: str
    version: int
    status: str
    startedAt: str
    dequeuedAt: str | None
    endedAt: str | None
    deadline: str | None
    params: dict[str, str]
    cause: str | None
    trigger: dict[str, str]
    stopped: str | None
    finallyStopped: str | None
    report: str | None
    reportProblem: str | None
    cost: Cost | None
    budgetUsd: float | None
    paused: str | None
    resume: str | None
    isOpen: bool
    asOf: str | None
    steps: list[Step]


class Moment(TypedDict):
    """One thing that happened in a run."""

    at: str
    what: str


class History(TypedDict):
    """What happened in a run, in order."""

    runId: str
    history: list[Moment]


class Sample(TypedDict):
    """A child of a cause of failures, with the end of its log."""

    number: int | None
    jobId: str
    round: int | None
    index: int | None
    log: list[str]


_Class = TypedDict("_Class", {"class": str})  # likewise


class Cause(_Class):
    """Failures of one class, exit code and reason."""

    exitCode: int | None
    reason: str | None
    count: int
    again: int
    sample: Sample | None


class StepFailures(TypedDict):
    """Why items of a step failed."""

    step: str
    status: str
    reason: str | None
    round: int | None
    counted: str
    total: int | None
    failed: int
    stopped: int
    again: int
    failures: str | None
    causes: list[Cause]
    notes: list[str]


class Failures(TypedDict):
    """Why items of a run failed, for each step with failures."""

    runId: str
    status: str
    steps: list[StepFailures]


class Item(TypedDict):
    """One item of a step, and the request of a job that does it alone."""

    runId: str
    step: str
    status: str
    number: int
    manifest: str | None
    row: int
    entry: int
    round: int
    part: int
    index: int | None
    size: int
    jobId: str | None
    request: dict[str, Any]


class RedriveStep(TypedDict):
    """What a redrive would do with a step."""

    step: str
    again: str
    status: str
    failed: int | None
    stopped: int | None
    counted: str
    total: int | None
    children: int | None
    reason: str | None


class RedrivePlan(TypedDict):
    """What a redrive would do."""

    runId: str
    steps: list[RedriveStep]
