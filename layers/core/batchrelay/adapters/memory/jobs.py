"""AWS Batch in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from batchrelay.domain.run import JobOutcome
from batchrelay.domain.values import Json
from batchrelay.ports import JobReport


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
