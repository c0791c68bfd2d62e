"""The bugs in which run of a run queue begins, and when."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a run begins while others of its run queue wait",
        file="engine/concurrency.py",
        old="            if run_queue.waiting and not is_open:  # the process that ended the holder has died",
        new="            if False:",
    ),
    Mutant(
        bug="a run begins before the one ahead of it has ended, by its own times",
        file="engine/concurrency.py",
        old="RunDequeued(at=max(queued.started_at, ended_at or queued.started_at))",
        new="RunDequeued(at=queued.started_at)",
    ),
    Mutant(
        bug="a run queue goes on while its holder is open",
        file="engine/concurrency.py",
        old="            if _is_open(holder):\n",
        new="            if _is_open(holder) and not run_queue.waiting:\n",
    ),
    Mutant(
        bug="a run queue is saved although it changed meanwhile",
        file="adapters/memory/run_store.py",
        old="if self.run_queue(run_queue.pipeline).version != run_queue.version:",
        new="if False:",
    ),
    Mutant(
        bug="a run queue does not go on after a run of it has ended",
        file="engine/concurrency.py",
        old="if run.overlap is Overlap.PARALLEL or not (is_queued or handled.ended):",
        new="if run.overlap is Overlap.PARALLEL or is_queued or not handled.ended:",
    ),
    Mutant(
        bug="what waits is not cancelled by what takes its place",
        file="domain/run_queue.py",
        old="return (self.holder, *self.waiting[: self.waiting.index(run_id)])",
        new="return (self.holder,)",
    ),
    Mutant(
        bug="a trigger that skips waits instead",
        file="engine/concurrency.py",
        old="if is_open and queued.overlap is Overlap.SKIP:",
        new="if False:",
    ),
    Mutant(
        bug="runs that were cancelled keep their places in the run queue",
        file="engine/concurrency.py",
        old="        if not set(run_ids).isdisjoint(run_queue.waiting):",
        new="        if False:",
    ),
    Mutant(
        bug="a run that is QUEUED begins by itself",
        file="domain/derived_transitions.py",
        old="if run.status is RunStatus.QUEUED or run.status.is_terminal:",
        new="if run.status.is_terminal:",
    ),
)
