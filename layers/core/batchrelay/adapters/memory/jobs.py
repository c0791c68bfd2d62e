"""AWS Batch in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from batchrelay.domain.errors import JobForgotten
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_detail import Capacity, JobDetail, JobReport
from batchrelay.domain.job_queues import JobQueue
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import Json


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
    failures: dict[int, ChildFailure] = field(default_factory=dict)
    """Of its children that FAILED, by index, where it is known which ones."""

    @property
    def name(self) -> str:
        return str(self.request["jobName"])

    @property
    def size(self) -> int:
        """Children; a plain job counts as one."""
        array = self.request.get("arrayProperties")
        size = array["size"] if isinstance(array, Mapping) else 1
        assert isinstance(size, int), size
        return size

    def failed_children(self) -> Iterator[ChildFailure]:
        """As named; else every one that did not succeed, for the job's reason."""
        if self.outcome is not JobOutcome.FAILED:
            return
        if self.failures:
            yield from self.failures.values()
            return
        is_array = "arrayProperties" in self.request
        for index in range(self.succeeded, self.size):
            job_id = f"{self.job_id}:{index}" if is_array else self.job_id
            yield ChildFailure(index=index, job_id=job_id, reason=self.reason)

    def report(self) -> JobReport:
        """What DescribeJobs would say; all children that have not ended meet the job's outcome."""
        left = self.size - self.succeeded - self.failed
        return JobReport(
            job_id=self.job_id,
            outcome=self.outcome,
            succeeded=self.succeeded + (left if self.outcome is JobOutcome.SUCCEEDED else 0),
            failed=self.failed + (left if self.outcome is JobOutcome.FAILED else 0),
            running=left if self.outcome is None else 0,
            reason=self.reason,
            stopped_at=self.stopped_at,
        )

    @property
    def detail(self) -> JobDetail:
        """Of the job itself."""
        return JobDetail(
            job_id=self.job_id,
            status=str(self.outcome or "RUNNING"),
            size=self.size if "arrayProperties" in self.request else 0,
            stopped_at=self.stopped_at,
            exit_code=self.failures[0].exit_code if self.failures and self.size == 1 else None,
            reason=self.reason
            or (self.failures[0].reason if self.size == 1 and self.failures else ""),
            queue=self.queue,
        )

    def child_detail(self, index: int) -> JobDetail:
        """Of a child: as its failure is named, else as the array ended."""
        failure = self.failures.get(index)
        if failure is None:
            outcome = JobOutcome.SUCCEEDED if self.failures else self.outcome
            failure = ChildFailure(index=index, job_id=f"{self.job_id}:{index}", reason=self.reason)
        else:
            outcome = JobOutcome.FAILED
        return JobDetail(
            job_id=f"{self.job_id}:{index}",
            status=str(outcome or "RUNNING"),
            stopped_at=self.stopped_at,
            exit_code=failure.exit_code,
            reason=failure.reason,
            queue=self.queue,
        )


@dataclass
class MemoryJobs:
    """An AWS Batch that only remembers; `end` is what a scheduler would do."""

    jobs: dict[str, MemoryJob] = field(default_factory=dict)
    submissions: int = 0
    job_queues: list[JobQueue] = field(default_factory=list)
    """Those of the account, for who asks; a job may name any."""

    def submit(self, request: Mapping[str, Json]) -> str:
        """One job; tests let it fail."""
        job_id = f"{self.submissions:08x}-0000-4000-8000-000000000000"
        self.submissions += 1
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

    def queues(self) -> Sequence[JobQueue]:
        return self.job_queues

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        known = (self.jobs[job_id] for job_id in job_ids if job_id in self.jobs)
        return tuple(job.report() for job in known)

    def failed_children(self, job_id: str) -> Iterator[ChildFailure]:
        if job_id not in self.jobs:
            raise JobForgotten(f"AWS Batch no longer knows job {job_id}")
        yield from self.jobs[job_id].failed_children()

    def details(self, job_ids: Sequence[str]) -> Iterator[JobDetail]:
        for job_id in job_ids:
            array_id, _, index = job_id.partition(":")
            if array_id in self.jobs:
                job = self.jobs[array_id]
                yield job.child_detail(int(index)) if index else job.detail

    def capacities(self, queues: Sequence[str]) -> Mapping[str, Capacity]:
        used = {job.queue for job in self.jobs.values()}
        return {queue: Capacity() for queue in queues if queue in used}

    def terminate(self, job_ids: Sequence[str], reason: str) -> tuple[str, ...]:
        for job_id in job_ids:
            if job_id in self.jobs:
                self.end(job_id, JobOutcome.FAILED, reason)
        return tuple(job_ids)

    def end(
        self,
        job_id: str,
        outcome: JobOutcome,
        reason: str = "",
        at: datetime | None = None,
        failures: Iterable[ChildFailure] = (),
    ) -> None:
        """The job ends, unless it has ended.

        Args:
            failures: its children that FAILED; the others SUCCEEDED. None: all that had not ended.
        """
        job = self.jobs[job_id]
        if job.outcome is not None:
            return
        job.outcome, job.reason, job.stopped_at = outcome, reason, at
        job.failures = {failure.index: failure for failure in failures}
        if job.failures:
            job.failed = len(job.failures)
            job.succeeded = job.size - job.failed

    def forget(self, job_id: str) -> None:
        """What AWS Batch does with an ended job after seven days."""
        del self.jobs[job_id]
