"""The RUNNABLE jobs of a queue, in the order in which they start."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from batch_local.model import Job, JobQueue, JobStatus


@dataclass(slots=True)
class RunOrder:
    """By scheduling priority, then first in, first out.

    A job that is no longer RUNNABLE stays in the heap until it comes to the front.
    """

    queue: JobQueue
    heap: list[tuple[int, int, Job]] = field(default_factory=list)
    parked: dict[str, list[tuple[int, int, Job]]] = field(default_factory=dict)
    """By the consumable resource that each waits for while others pass it, in its order."""
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

    def park(self, resource: str) -> None:
        """Put the head aside until there are units of a consumable resource."""
        heapq.heappush(self.parked.setdefault(resource, []), heapq.heappop(self.heap))

    def unpark(self, available: Callable[[str], int]) -> None:
        """Put those back, at their places, for which there are units."""
        for resource, entries in tuple(self.parked.items()):
            units = available(resource)
            while entries and units > 0:
                entry = heapq.heappop(entries)
                if entry[2].status is JobStatus.RUNNABLE:
                    heapq.heappush(self.heap, entry)
                    units -= 1
            if not entries:
                del self.parked[resource]

    def front(self, count: int) -> list[Job]:
        """The first jobs, at most `count`: GetJobQueueSnapshot's frontOfQueue."""
        parked = (entry for entries in self.parked.values() for entry in entries)
        in_order = (entry[2] for entry in sorted((*self.heap, *parked)))
        return [job for job in in_order if job.status is JobStatus.RUNNABLE][:count]
