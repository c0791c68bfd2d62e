"""The RUNNABLE jobs of a queue, in the order in which they start."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from batchrelay_local.batch.model import Job, JobQueue, JobStatus


@dataclass(slots=True)
class RunOrder:
    """By scheduling priority, then first in, first out.

    A job that is no longer RUNNABLE stays in the heap until it comes to the front.
    """

    queue: JobQueue
    heap: list[tuple[int, int, Job]] = field(default_factory=list)
    last_position: int = 0
    first_position: int = 0

    def append(self, job: Job) -> None:
        """Behind all jobs of its priority."""
        self.last_position += 1
        heapq.heappush(self.heap, (-job.spec.priority, self.last_position, job))

    def prepend(self, job: Job) -> None:
        """Before all jobs of its priority, as a retried job is."""
        self.first_position -= 1
        heapq.heappush(self.heap, (-job.spec.priority, self.first_position, job))

    def head(self) -> Job | None:
        """The job that starts next."""
        while self.heap and self.heap[0][2].status is not JobStatus.RUNNABLE:
            heapq.heappop(self.heap)
        return self.heap[0][2] if self.heap else None

    def pop(self) -> None:
        """Remove the head."""
        heapq.heappop(self.heap)

    def front(self, count: int) -> list[Job]:
        """The first jobs, at most `count`: GetJobQueueSnapshot's frontOfQueue."""
        in_order = (entry[2] for entry in sorted(self.heap))
        return [job for job in in_order if job.status is JobStatus.RUNNABLE][:count]
