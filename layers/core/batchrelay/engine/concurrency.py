"""Runs that must not overlap: each is created in its turn, or behind others, or not at all."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from batchrelay.domain.errors import RunConflict, RunNotFound, RunSkipped
from batchrelay.domain.events import RunDequeued
from batchrelay.domain.limits import QUEUED_RUNS_MAX
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.transitions import advance
from batchrelay.ports import Backoff, RunStore


def create_in_queue(runs: RunStore, queued: Run, backoff: Backoff) -> Run:
    """Create a QUEUED run: so, or begun if nobody is before it.

    Raises:
        RunSkipped, RunExists, InputError: nothing was stored.
        RunConflict: nor here; try again.
    """
    begun = advance(queued, RunDequeued(at=queued.started_at))
    for _ in backoff.tries():
        run_queue = runs.run_queue(queued.pipeline.name)
        is_open = _is_open(_run(runs, run_queue.holder))
        if run_queue.waiting and not is_open:  # whoever should have passed it on has died
            next_to_begin(runs, run_queue.pipeline)
            continue
        if is_open and queued.overlap is Overlap.SKIP:
            raise RunSkipped(f"run {run_queue.holder} of {run_queue.pipeline} is open")
        with suppress(RunConflict):
            if not is_open:
                return runs.create(begun, run_queue.taken(begun.id))
            return runs.create(queued, run_queue.joined(queued.id))
    raise RunConflict(f"the line of {queued.pipeline.name}: others were faster")


def next_to_begin(runs: RunStore, pipeline: str) -> str | None:
    """The QUEUED run whose turn it is; the turn of one that has ended is passed on."""
    for _ in range(QUEUED_RUNS_MAX):
        run_queue = runs.run_queue(pipeline)
        holder = _run(runs, run_queue.holder)
        if _is_open(holder):
            return run_queue.holder if holder and holder.status is RunStatus.QUEUED else None
        if not run_queue.waiting:
            return None
        with suppress(RunConflict):
            runs.save_run_queue(run_queue.passed_on())
    raise RunConflict(f"the line of {pipeline}: others were faster")


def leave(runs: RunStore, pipeline: str, run_ids: Collection[str]) -> None:
    """Runs that have ended while they waited give up their places. It may be lost: a place that
    nobody gave up is passed over when its turn comes."""
    run_queue = runs.run_queue(pipeline)
    if not set(run_ids).isdisjoint(run_queue.waiting):
        with suppress(RunConflict):
            runs.save_run_queue(run_queue.without(run_ids))


def _run(runs: RunStore, run_id: str) -> Run | None:
    """None before the first run, or when its time to live has passed."""
    with suppress(RunNotFound):
        return runs.load(run_id) if run_id else None
    return None


def _is_open(run: Run | None) -> bool:
    return run is not None and not run.status.is_terminal
