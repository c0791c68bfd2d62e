"""What else there is of AWS: SubmitJob with its quota, jobs that are counted, a long listing."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from batch_local.simulation import Job, JobSpec, JobStatus, Scheduler
from batchrelay.adapters.memory import MemoryObjects, MemoryUpload
from batchrelay.domain.errors import Throttled
from batchrelay_cli.simulate.agenda import Agenda
from batchrelay_cli.simulate.batch import SimulatedBatch
from verification.scale.invocations import Invocations
from verification.scale.limits import PATIENCE_MS, SUBMIT_MS, SUBMITS_AT_ONCE, SubmitQuota

KEYS_PER_PAGE, PAGE_MS, PAGE_CPU_MS = 1_000, 100, 20
"""Of ListObjectsV2; what a page takes, and the function's work on its items: assumptions, three
times what docs/reference/benchmarks.md measures of the work, for 512 MB are a third of a vCPU."""

UPLOAD_PART_BYTES, UPLOAD_PART_MS = 8 * 1_024 * 1_024, 200
"""Of a part of a manifest (adapters/s3.py), and what it takes: an assumption."""


class CountedScheduler(Scheduler):
    """Children that all take the same time, so that they are counted: first in, first out, on so
    many vCPUs, one each. A million of them are a few hundred moments."""

    def __init__(self, *, agenda: Agenda, vcpus: int, child_ms: int, **ports: Any) -> None:
        super().__init__(**ports)
        self._agenda, self._child_ms = agenda, child_ms
        self._free = vcpus
        self._waiting: deque[tuple[Job, int]] = deque()
        self._left: dict[str, int] = {}
        self.waited = False
        """Whether there was ever no room."""

    def submit(self, spec: JobSpec, now: int) -> Job:
        job = Job(id=self._new_id(), spec=spec, created_at=now, status=JobStatus.PENDING)
        assert not spec.depends_on, "the engine orders all jobs"
        self.jobs[job.id] = job
        count = spec.size or 1
        self._left[job.id] = count
        self._waiting.append((job, count))
        self._begin()
        return job

    def _begin(self) -> None:
        while self._waiting and self._free:
            job, count = self._waiting.popleft()
            begun = min(count, self._free)
            self._free -= begun
            if begun < count:
                self._waiting.appendleft((job, count - begun))
            self._agenda.after(self._child_ms, partial(self._ended, job, begun))
        self.waited = self.waited or bool(self._waiting)

    def _ended(self, job: Job, count: int) -> None:
        self._free += count
        self._left[job.id] -= count
        if not self._left[job.id]:
            job.status, job.stopped_at = JobStatus.SUCCEEDED, self._agenda.now_ms
            self._observe(job)
        self._begin()


class CountedBatch(SimulatedBatch):
    """AWS Batch, over that scheduler."""

    def __init__(self, *, agenda: Agenda, vcpus: int, child_ms: int, **rest: Any) -> None:
        super().__init__(agenda=agenda, **rest)
        self.counted = CountedScheduler(
            agenda=agenda,
            vcpus=vcpus,
            child_ms=child_ms,
            new_id=self._new_id,
            observe=self._observe,
        )
        self.scheduler = self.counted


class QuotaJobs:
    """The port Jobs: SubmitJob has its quota, and takes its time."""

    def __init__(self, batch: SimulatedBatch, agenda: Agenda, invocations: Invocations) -> None:
        self.quota = SubmitQuota()
        self._batch, self._agenda, self._invocations = batch, agenda, invocations

    def __getattr__(self, method: str) -> Any:
        return getattr(self._batch, method)

    def submit_all(self, requests: Sequence[Mapping[str, Any]]) -> Sequence[str | Exception]:
        answers: list[str | Exception] = []
        for start in range(0, len(requests), SUBMITS_AT_ONCE):
            answers += self._submit_together(requests[start : start + SUBMITS_AT_ONCE])
        return answers

    def _submit_together(self, requests: Sequence[Mapping[str, Any]]) -> list[str | Exception]:
        """As many as an invocation sends at once; the next follow when all are answered."""
        now_ms = self._agenda.now_ms
        times = [self.quota.accepted_at(now_ms) for _ in requests]
        latest_ms = max(now_ms + PATIENCE_MS if at is None else at for at in times)
        self._invocations.wait(latest_ms - now_ms + SUBMIT_MS)
        return [
            Throttled("429") if at is None else self._batch.submit_all([request])[0]
            for request, at in zip(requests, times, strict=True)
        ]


@dataclass
class ListedObjects(MemoryObjects):
    """S3 with so many objects below every prefix, which takes its time."""

    invocations: Invocations = field(kw_only=True)
    listed: int = 0
    gets: int = 0
    puts: int = 0
    """With pages of a listing, which cost the same."""

    def list(self, prefix: str, after: str) -> Iterator[tuple[str, int]]:
        first = int(after.rpartition("/")[2]) + 1 if after else 0
        folder = prefix.removeprefix("s3://").partition("/")[2]
        for number in range(first, self.listed):
            if (number - first) % KEYS_PER_PAGE == 0:
                self.puts += 1
                self.invocations.wait(PAGE_MS + PAGE_CPU_MS)
            yield f"{folder}{number:09}", 1

    def upload(self, uri: str, state: Mapping[str, Any] | None = None) -> MemoryUpload:
        body = bytearray.fromhex(state["body"]) if state is not None else bytearray()
        return TimedUpload(self.objects, uri, body, of=self)


@dataclass
class TimedUpload(MemoryUpload):
    """A manifest in the making; its parts are sent at its end."""

    of: ListedObjects = field(kw_only=True)

    def complete(self) -> None:
        parts = max(1, math.ceil(len(self.body) / UPLOAD_PART_BYTES))
        self.of.puts += parts + 2
        self.of.invocations.wait(parts * UPLOAD_PART_MS)
        super().complete()
