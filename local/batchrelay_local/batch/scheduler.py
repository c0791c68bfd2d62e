"""The states of jobs, and who runs when. Pure: time is told, processes are asked for.

Every method takes `now`, epoch milliseconds. What must happen outside is left in `launches` and
`signals` for the caller to take; every transition is told to `observe` at once.

Laws (reference §3, §6):
1. A parent is SUBMITTED, then PENDING once a child is RUNNABLE, and ends when all children ended:
   FAILED with "Array Child Job failed" if one of them failed. Siblings go on after a failure.
2. A dependent of a failed job fails with "Dependent Job failed" and never runs.
3. A queue is first in, first out; its head waits for vCPUs, and those behind it with it.
4. A job that has ended never changes again.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from batchrelay_local.batch.model import (
    STOP_GRACE_S,
    Attempt,
    Job,
    JobQueue,
    JobSpec,
    JobStatus,
)

CHILD_FAILED = "Array Child Job failed"
DEPENDENCY_FAILED = "Dependent Job failed"
CONTAINER_EXITED = "Essential container in task exited"
START_FAILED = "Task failed to start"


@dataclass(frozen=True, slots=True)
class Launch:
    """A process that is to be started."""

    job: Job
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Signal:
    """A process that is to be told to stop, or made to."""

    job: Job
    kill: bool


class Scheduler:
    """All jobs of all queues."""

    def __init__(self, *, new_id: Callable[[], str], observe: Callable[[Job], None]) -> None:
        self.jobs: dict[str, Job] = {}
        self.launches: list[Launch] = []
        self.signals: list[Signal] = []
        self._new_id = new_id
        self._observe = observe
        self._runnable: dict[str, deque[Job]] = {}
        self._kills: list[tuple[int, str]] = []

    # --- what others tell

    def submit(self, spec: JobSpec, dependencies: Iterable[Job], now: int) -> Job:
        """Accept a job; it is on its way when this returns."""
        job = Job(id=self._new_id(), spec=spec, created_at=now)
        self.jobs[job.id] = job
        spec.queue.jobs[job.id] = job
        doomed = False
        for dependency in dependencies:
            doomed = doomed or dependency.status is JobStatus.FAILED
            if not dependency.status.is_terminal:
                dependency.dependents.append(job)
                job.unmet += 1
        if doomed:
            self._end(job, JobStatus.FAILED, DEPENDENCY_FAILED, now)
        elif job.unmet:
            self._move(job, JobStatus.PENDING)
        else:
            self._release(job, now)
        self._fill(spec.queue, now)
        return job

    def started(self, job: Job, attempt: Attempt, log_stream: str, now: int) -> None:
        """The process of an attempt runs."""
        attempt.log_stream = log_stream
        attempt.started_at = job.started_at = now
        self._move(job, JobStatus.RUNNING)

    def start_failed(self, job: Job, attempt: Attempt, reason: str, now: int) -> None:
        """There is no process: nothing of that name, or not to be run."""
        attempt.reason = reason
        self._close(job, attempt, START_FAILED, now)
        self._end(job, JobStatus.FAILED, job.stop_reason or START_FAILED, now)
        self._fill(job.spec.queue, now)

    def exited(self, job: Job, attempt: Attempt, exit_code: int, now: int) -> None:
        """The process of an attempt ended."""
        attempt.exit_code = exit_code
        self._close(job, attempt, CONTAINER_EXITED, now)
        succeeded = exit_code == 0 and job.stop_reason is None
        status = JobStatus.SUCCEEDED if succeeded else JobStatus.FAILED
        self._end(job, status, job.stop_reason or CONTAINER_EXITED, now)
        self._fill(job.spec.queue, now)

    def terminate(self, job: Job, reason: str, now: int) -> None:
        """Stop a job, or all children of a parent. Nothing happens to what has ended."""
        if job.status.is_terminal or job.stop_reason is not None:
            return
        if job.children:
            for child in job.children:
                self.terminate(child, reason, now)
            return
        job.stop_reason = reason
        if job.status in (JobStatus.STARTING, JobStatus.RUNNING):
            self.signals.append(Signal(job, kill=False))
            heapq.heappush(self._kills, (now + STOP_GRACE_S * 1000, job.id))
        else:
            self._end(job, JobStatus.FAILED, reason, now)
            self._fill(job.spec.queue, now)

    def tick(self, now: int) -> int | None:
        """Do what time has brought about; when to come again, epoch milliseconds."""
        while self._kills and self._kills[0][0] <= now:
            job = self.find(heapq.heappop(self._kills)[1])
            if job is not None and not job.status.is_terminal:
                self.signals.append(Signal(job, kill=True))
        return self._kills[0][0] if self._kills else None

    def find(self, job_id: str) -> Job | None:
        """A job, or a child as `parent:index`."""
        parent_id, colon, index = job_id.partition(":")
        job = self.jobs.get(parent_id)
        if job is None or not colon:
            return job
        known = index.isdecimal() and int(index) < len(job.children)
        return job.children[int(index)] if known else None

    # --- what follows

    def _release(self, job: Job, now: int) -> None:
        """Its dependencies are met."""
        waiting = self._runnable.setdefault(job.spec.queue.name, deque())
        if not job.is_parent:
            self._move(job, JobStatus.RUNNABLE)
            waiting.append(job)
            return
        size = job.spec.size or 0
        job.children = [
            Job(
                id=f"{job.id}:{index}",
                spec=job.spec,
                created_at=now,
                status=JobStatus.PENDING,
                index=index,
                parent=job,
            )
            for index in range(size)
        ]
        job.summary = Counter({JobStatus.PENDING: size})
        if job.status is not JobStatus.PENDING:
            self._move(job, JobStatus.PENDING)
        for child in job.children:
            self._move(child, JobStatus.RUNNABLE)
        waiting.extend(job.children)

    def _fill(self, queue: JobQueue, now: int) -> None:
        """Start what fits, in order."""
        waiting = self._runnable.get(queue.name, deque())
        environment = queue.environment
        while waiting:
            job = waiting[0]
            if job.status is not JobStatus.RUNNABLE:
                waiting.popleft()
                continue
            if environment.used_vcpus + job.spec.vcpus > environment.max_vcpus:
                return
            waiting.popleft()
            environment.used_vcpus += job.spec.vcpus
            attempt = Attempt(started_at=now, task_id=self._new_id().replace("-", ""))
            job.attempts.append(attempt)
            self._move(job, JobStatus.STARTING)
            self.launches.append(Launch(job, attempt))

    def _close(self, job: Job, attempt: Attempt, status_reason: str, now: int) -> None:
        attempt.stopped_at = now
        attempt.status_reason = status_reason
        job.spec.queue.environment.used_vcpus -= job.spec.vcpus

    def _end(self, job: Job, status: JobStatus, reason: str | None, now: int) -> None:
        job.stopped_at = now
        job.status_reason = reason
        self._move(job, status)
        for dependent in job.dependents:
            if not dependent.status.is_terminal:
                self._dependency_ended(dependent, status, now)
        job.dependents.clear()
        if job.parent is not None:
            self._child_ended(job.parent, now)

    def _dependency_ended(self, job: Job, status: JobStatus, now: int) -> None:
        job.unmet -= 1
        if status is JobStatus.FAILED:
            self._end(job, JobStatus.FAILED, DEPENDENCY_FAILED, now)
        elif not job.unmet:
            self._release(job, now)
            self._fill(job.spec.queue, now)

    def _child_ended(self, parent: Job, now: int) -> None:
        failed = parent.summary[JobStatus.FAILED]
        if parent.summary[JobStatus.SUCCEEDED] + failed < len(parent.children):
            return
        if failed:
            self._end(parent, JobStatus.FAILED, CHILD_FAILED, now)
        else:
            self._end(parent, JobStatus.SUCCEEDED, None, now)

    def _move(self, job: Job, status: JobStatus) -> None:
        if job.parent is not None:
            job.parent.summary[job.status] -= 1
            job.parent.summary[status] += 1
        job.status = status
        self._observe(job)
