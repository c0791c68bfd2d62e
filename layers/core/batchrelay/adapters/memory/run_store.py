"""Runs in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from batchrelay.codec import stored_run
from batchrelay.domain import copies
from batchrelay.domain.errors import RunConflict, RunExists, RunNotFound
from batchrelay.domain.limits import RUN_BYTES_MAX
from batchrelay.domain.pending_effects import is_open
from batchrelay.domain.run import Run
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.run_summary import RunSummary


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
            raise RunConflict(f"the run queue of {run_queue.pipeline} has changed")
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
                cost_usd=None if run.cost is None else round(run.cost.usd, 6),
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
        written = copies.replace(run, version=run.version + 1)
        stored_run(written, self.bytes_max)
        self.runs[run.id] = written
        if is_open(run):
            self.open_ids[run.id] = None
        else:
            self.open_ids.pop(run.id, None)
        return written
