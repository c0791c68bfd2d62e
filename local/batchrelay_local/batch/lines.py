"""The RUNNABLE jobs of a queue, in the order in which they start."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from batchrelay_local.batch.model import Job, JobQueue, JobStatus


@dataclass(slots=True)
class Line:
    """By priority, then by turn."""

    queue: JobQueue
    heap: list[tuple[int, int, Job]] = field(default_factory=list)
    last: int = 0
    first: int = 0

    def append(self, job: Job) -> None:
        """Join at the end."""
        self.last += 1
        heapq.heappush(self.heap, (-job.spec.priority, self.last, job))

    def put_first(self, job: Job) -> None:
        """Join at the front, as a retried job does."""
        self.first -= 1
        heapq.heappush(self.heap, (-job.spec.priority, self.first, job))

    def head(self) -> Job | None:
        """Who is next."""
        while self.heap and self.heap[0][2].status is not JobStatus.RUNNABLE:
            heapq.heappop(self.heap)
        return self.heap[0][2] if self.heap else None

    def take(self) -> None:
        """Take the head away."""
        heapq.heappop(self.heap)

    def first_of(self, count: int) -> list[Job]:
        """The next few."""
        waiting = (entry[2] for entry in sorted(self.heap))
        return [job for job in waiting if job.status is JobStatus.RUNNABLE][:count]
