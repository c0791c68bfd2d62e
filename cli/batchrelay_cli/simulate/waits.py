"""What a run waited for, moment by moment: so is known what limits it."""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

from batch_local.simulation import Job, JobStatus
from batchrelay_cli.simulate.programs import step_of

if TYPE_CHECKING:
    from batchrelay_cli.simulate.batch import SimulatedBatch


class Wait(StrEnum):
    """What holds a step, or a run, up; what comes first is named where two hold."""

    VCPUS = "vCPUs"
    MAX_RUNNING = "maxRunning"
    WORK = "work"
    """All that may run does: how long its children take decides."""
    START = "start"
    ORCHESTRATION = "orchestration"
    """Events are under way, or items are prepared."""


class Waits:
    """Milliseconds by what was waited for, of the run and of each step that had jobs."""

    def __init__(self, batch: SimulatedBatch) -> None:
        self.run: Counter[Wait] = Counter()
        self.steps: defaultdict[str, Counter[Wait]] = defaultdict(Counter)
        self._batch = batch
        self._seen = 0
        self._active: list[Job] = []

    def add(self, elapsed_ms: int) -> None:
        """So long nothing changed."""
        if elapsed_ms == 0:
            return
        jobs = self._batch.jobs
        self._active.extend(jobs[self._seen :])
        self._seen = len(jobs)
        self._active = [job for job in self._active if not job.status.is_terminal]
        waits: dict[str, Wait] = {}
        for job in self._active:
            wait = self._wait_of(job)
            if wait is not None:
                step = step_of(job)
                waits[step] = min(waits.get(step, wait), wait, key=_ORDER.index)
        for step, wait in waits.items():
            self.steps[step][wait] += elapsed_ms
        self.run[min(waits.values(), key=_ORDER.index, default=Wait.ORCHESTRATION)] += elapsed_ms

    def _wait_of(self, job: Job) -> Wait | None:
        counts = job.summary if job.children else {job.status: 1}
        if counts.get(JobStatus.RUNNABLE):
            lacking = self._batch.scheduler.consumables.lacking(job.spec)
            return Wait.VCPUS if lacking is None else Wait.MAX_RUNNING
        if counts.get(JobStatus.RUNNING):
            return Wait.WORK
        return Wait.START if counts.get(JobStatus.STARTING) else None


_ORDER = tuple(Wait)
