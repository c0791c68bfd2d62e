"""The world in memory: a fake of every port, for tests, the simulation and a user's own tests.

They keep the promises of the real ones, and no more: a save is conditional, a submission is not
idempotent, a listing knows only names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from batchrelay.codec import pipeline_text, stored_run
from batchrelay.domain.effects import ContinueRun, Prepare
from batchrelay.domain.errors import (
    PipelineNotFound,
    RunConflict,
    RunExists,
    RunNotFound,
)
from batchrelay.domain.limits import RUN_BYTES_MAX
from batchrelay.domain.pending_effects import is_open
from batchrelay.domain.pipeline import Pipeline, check_pipeline_name
from batchrelay.domain.requests import Notice
from batchrelay.domain.run import JobOutcome, Run
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.upload_batch import CreatedObject, TimerMessage, UploadBatch
from batchrelay.domain.values import Json
from batchrelay.ports import JobReport, Registered, RunSummary


@dataclass
class MemoryClock:
    """A clock that stands until it is moved."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        """Later by so many seconds."""
        self.time += timedelta(seconds=seconds)


@dataclass
class MemoryBackoff:
    """A number of tries, without a wait."""

    tries_max: int = 20
    seconds: float = math.inf
    """That the invocation has left."""

    def time_left(self) -> float:
        return self.seconds

    def tries(self) -> Iterator[int]:
        return iter(range(self.tries_max))


@dataclass
class MemoryDeliveries:
    """The messages that are to come again soon."""

    returned: list[str] = field(default_factory=list)

    def return_soon(self, records: Sequence[Mapping[str, Any]]) -> None:
        self.returned += [record["messageId"] for record in records]


@dataclass
class MemoryPipelineStore:
    """Pipeline versions in a dictionary."""

    pipelines: dict[tuple[str, int], Pipeline] = field(default_factory=dict)
    entries: dict[str, Registered] = field(default_factory=dict)

    def put_pipeline(self, pipeline: Pipeline) -> None:
        key = (pipeline.name, pipeline.version)
        if key in self.pipelines:
            raise RunConflict(f"pipeline {pipeline.name} has a version {pipeline.version}")
        pipeline_text(pipeline)  # refuses what does not fit into an item
        self.pipelines[key] = pipeline

    def get_pipeline(self, name: str, version: int) -> Pipeline:
        check_pipeline_name(name)
        if (name, version) not in self.pipelines:
            raise PipelineNotFound(f"pipeline {name} has no version {version}")
        return self.pipelines[name, version]

    def register(self, pipeline: Pipeline, at: datetime) -> int:
        latest = max((v for name, v in self.pipelines if name == pipeline.name), default=0)
        if pipeline.name in self.entries:
            known = self.pipelines[pipeline.name, self.entries[pipeline.name].version]
            if known.content == pipeline.content:
                return known.version
        version = latest + 1
        self.put_pipeline(replace(pipeline, version=version))
        self.entries[pipeline.name] = Registered(name=pipeline.name, version=version, at=at)
        return version

    def registered(self) -> Iterator[Registered]:
        return (self.entries[name] for name in sorted(self.entries))

    def registered_version(self, name: str) -> int:
        check_pipeline_name(name)
        if name not in self.entries:
            raise PipelineNotFound(f"there is no pipeline {name}")
        return self.entries[name].version

    def unregister(self, name: str) -> None:
        self.registered_version(name)
        del self.entries[name]


@dataclass
class MemoryRunStore:
    """Runs in a dictionary; every write is compared with the stored version, and has a limit."""

    runs: dict[str, Run] = field(default_factory=dict)
    open_ids: dict[str, None] = field(default_factory=dict)
    run_queues: dict[str, RunQueue] = field(default_factory=dict)
    bytes_max: int = RUN_BYTES_MAX
    """Of a run, as the real store counts them."""

    def create(self, run: Run, run_queue: RunQueue | None = None) -> Run:
        if run.id in self.runs:
            raise RunExists(f"run {run.id} exists")
        if run_queue is not None:
            self.save_run_queue(run_queue)
        return self._put(run)

    def run_queue(self, pipeline: str) -> RunQueue:
        return self.run_queues.get(pipeline, RunQueue(pipeline=pipeline))

    def save_run_queue(self, run_queue: RunQueue) -> None:
        if self.run_queue(run_queue.pipeline).version != run_queue.version:
            raise RunConflict(f"the turn of {run_queue.pipeline} was passed on by somebody else")
        self.run_queues[run_queue.pipeline] = replace(run_queue, version=run_queue.version + 1)

    def load(self, run_id: str) -> Run:
        if run_id not in self.runs:
            raise RunNotFound(f"there is no run {run_id}")
        return self.runs[run_id]

    def save(self, run: Run) -> Run:
        stored = self.runs.get(run.id)
        if stored is None or stored.version != run.version:
            raise RunConflict(f"run {run.id} is not at version {run.version} any more")
        return self._put(run)

    def runs_of(self, pipeline: str, before: str = "") -> Iterator[RunSummary]:
        found = [
            RunSummary(
                id=run.id,
                pipeline=pipeline,
                status=run.status,
                started_at=run.started_at,
                cause=run.cause,
            )
            for run in self.runs.values()
            if run.pipeline.name == pipeline
        ]
        for summary in sorted(found, key=lambda summary: summary.place, reverse=True):
            if not before or summary.place < before:
                yield summary

    def open_runs(self) -> Iterator[str]:
        return iter(tuple(self.open_ids))

    def _put(self, run: Run) -> Run:
        written = replace(run, version=run.version + 1)
        stored_run(written, self.bytes_max)
        self.runs[run.id] = written
        if is_open(run):
            self.open_ids[run.id] = None
        else:
            self.open_ids.pop(run.id, None)
        return written


@dataclass
class MemoryUploadBatches:
    """Bursts in dictionaries."""

    upload_batches: dict[str, UploadBatch] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    noted: dict[tuple[str, int], list[CreatedObject]] = field(default_factory=dict)

    def batch(self, name: str) -> UploadBatch:
        return self.upload_batches.get(name, UploadBatch())

    def collect(
        self,
        name: str,
        batch: UploadBatch,
        uploads: Sequence[CreatedObject],
        now: datetime,
        timer_at: datetime,
    ) -> None:
        known = self._same(name, batch)
        for upload in uploads:
            if (name, upload.identity) in self.seen:
                continue
            self.seen.add((name, upload.identity))
            self.noted.setdefault((name, batch.number), []).append(upload)
            known = replace(
                known,
                count=known.count + 1,
                first_at=known.first_at or now,
                last_at=now,
                timer_at=timer_at,
            )
            self.upload_batches[name] = known

    def extend(self, name: str, batch: UploadBatch, timer_at: datetime) -> None:
        self.upload_batches[name] = replace(self._same(name, batch), timer_at=timer_at)

    def close(self, name: str, batch: UploadBatch) -> None:
        if self._same(name, batch).count != batch.count:
            raise RunConflict(f"the burst of {name} is not as it was")
        self.upload_batches[name] = UploadBatch(number=batch.number + 1, closed_at=batch.timer_at)

    def uploads(self, name: str, number: int) -> Iterator[CreatedObject]:
        return iter(self.noted.get((name, number), ()))

    def _same(self, name: str, batch: UploadBatch) -> UploadBatch:
        known = self.batch(name)
        if (known.number, known.timer_at) != (batch.number, batch.timer_at):
            raise RunConflict(f"the burst of {name} is not as it was")
        return known


@dataclass
class MemoryTimers:
    """Timers that ring when they are asked to."""

    timers: list[tuple[TimerMessage, float]] = field(default_factory=list)
    """With the seconds to wait."""

    def send(self, timer: TimerMessage, delay_s: float) -> None:
        self.timers.append((timer, delay_s))


@dataclass(kw_only=True)
class MemoryJob:
    """A job as AWS Batch knows it."""

    job_id: str
    queue: str
    request: Mapping[str, Json]
    outcome: JobOutcome | None = None
    reason: str = ""
    stopped_at: datetime | None = None
    succeeded: int = 0
    """Children that have ended while the job goes on."""
    failed: int = 0

    @property
    def name(self) -> str:
        return str(self.request["jobName"])

    def report(self) -> JobReport:
        """What DescribeJobs would say; all children that have not ended meet the job's outcome."""
        array = self.request.get("arrayProperties")
        size = array["size"] if isinstance(array, Mapping) else 1
        assert isinstance(size, int), size
        left = size - self.succeeded - self.failed
        return JobReport(
            job_id=self.job_id,
            outcome=self.outcome,
            succeeded=self.succeeded + (left if self.outcome is JobOutcome.SUCCEEDED else 0),
            failed=self.failed + (left if self.outcome is JobOutcome.FAILED else 0),
            running=left if self.outcome is None else 0,
            reason=self.reason,
            stopped_at=self.stopped_at,
        )


@dataclass
class MemoryJobs:
    """An AWS Batch that only remembers; `end` is what a scheduler would do."""

    jobs: dict[str, MemoryJob] = field(default_factory=dict)

    def submit(self, request: Mapping[str, Json]) -> str:
        """One job; tests let it fail."""
        job_id = f"{len(self.jobs):08x}-0000-4000-8000-000000000000"
        queue = str(request["jobQueue"])
        self.jobs[job_id] = MemoryJob(job_id=job_id, queue=queue, request=request)
        return job_id

    def submit_all(self, requests: Sequence[Mapping[str, Json]]) -> Sequence[str | Exception]:
        return tuple(map(self._answer, requests))

    def _answer(self, request: Mapping[str, Json]) -> str | Exception:
        try:
            return self.submit(request)
        except Exception as problem:  # noqa: BLE001  # as the real one: one fault is not the others'
            return problem

    def find(self, queue: str, name: str) -> tuple[str, ...]:
        jobs = self.jobs.values()
        return tuple(job.job_id for job in jobs if (job.queue, job.name) == (queue, name))

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        known = (self.jobs[job_id] for job_id in job_ids if job_id in self.jobs)
        return tuple(job.report() for job in known)

    def terminate(self, job_ids: Sequence[str], reason: str) -> tuple[str, ...]:
        for job_id in job_ids:
            if job_id in self.jobs:
                self.end(job_id, JobOutcome.FAILED, reason)
        return tuple(job_ids)

    def end(
        self, job_id: str, outcome: JobOutcome, reason: str = "", at: datetime | None = None
    ) -> None:
        """The job ends, unless it has ended."""
        job = self.jobs[job_id]
        if job.outcome is None:
            job.outcome, job.reason, job.stopped_at = outcome, reason, at


@dataclass
class MemoryNotices:
    """An SNS that keeps what it was given."""

    published: list[Notice] = field(default_factory=list)

    def publish(self, notice: Notice) -> None:
        self.published.append(notice)


@dataclass
class MemoryPreparations:
    """A queue that keeps what it was given."""

    requested: list[Prepare | ContinueRun] = field(default_factory=list)
    resumes: list[str] = field(default_factory=list)
    """One for each request: where it goes on."""

    def request(self, effect: Prepare | ContinueRun, resume: str = "") -> None:
        self.requested.append(effect)
        self.resumes.append(resume)


@dataclass
class MemoryQueues:
    """Queues in a dictionary, by URL."""

    messages: dict[str, list[str]] = field(default_factory=dict)

    def create(self, name: str) -> str:
        self.messages.setdefault(f"memory://{name}", [])
        return f"memory://{name}"

    def send(self, url: str, bodies: Sequence[str]) -> None:
        self.messages[url] += bodies

    def delete(self, prefix: str) -> None:
        for url in [url for url in self.messages if url.startswith(f"memory://{prefix}")]:
            del self.messages[url]
