"""What a run does while another run of its pipeline is open: the four overlap policies.

| policy | when it is created | when it reaches the front of the run queue |
| --- | --- | --- |
| PARALLEL | begins | it has none |
| SKIP | is not created while another run is open | begins |
| QUEUE | waits behind the others | begins |
| CANCEL_RUNNING | waits behind the others, and cancels them | begins |
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from batchrelay.domain.errors import RunConflict, RunNotFound, RunSkipped
from batchrelay.domain.events import CancelRequested, Event, RunDequeued
from batchrelay.domain.limits import QUEUED_RUNS_MAX
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.transitions import advance
from batchrelay.engine.outcome import Handled
from batchrelay.ports import Backoff, Clock, RunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """Creates runs by their overlap policy, and begins the next of a run queue."""

    runs: RunStore
    clock: Clock
    backoff: Backoff
    handle: Callable[[str, Sequence[Event]], Handled]
    """Folds events into a run and performs what becomes pending."""

    def create(self, run: Run) -> Run:
        """Store a new run by its policy.

        Raises:
            RunSkipped, RunExists, InputError: nothing was stored.
            RunConflict: nor here; try again.
        """
        match run.overlap:
            case Overlap.PARALLEL:
                return self.runs.create(run)
            case Overlap.SKIP | Overlap.QUEUE | Overlap.CANCEL_RUNNING:
                return self._create_in_queue(run)

    def advance_run_queue(self, handled: Handled) -> Handled:
        """Go on with the run queue after a run was queued, or has ended.

        A process that dies here leaves a QUEUED run, which reconcile brings here again.
        """
        run = handled.run
        is_queued = run.status is RunStatus.QUEUED
        if run.overlap is Overlap.PARALLEL or not (is_queued or handled.ended):
            return handled
        others = [*self._cancel_running(run)] if run.overlap is Overlap.CANCEL_RUNNING else []
        ended = {each.run.id for each in (handled, *others) if each.run.status.is_terminal}
        self._leave(run.pipeline.name, ended)
        while (run_id := self._next_to_begin(run.pipeline.name)) is not None:
            begun = self.handle(run_id, [RunDequeued(at=self.clock.now())])
            others.append(begun)
            run = begun.run if run_id == run.id else run
            if not begun.run.status.is_terminal:
                break
        return replace(handled, run=run, others=tuple(others))

    def _create_in_queue(self, queued: Run) -> Run:
        """Create a run QUEUED, or begun if no other is open or waits."""
        for _ in self.backoff.tries():
            run_queue = self.runs.run_queue(queued.pipeline.name)
            holder = self._run(run_queue.holder)
            is_open = _is_open(holder)
            if run_queue.waiting and not is_open:  # the process that ended the holder has died
                self._next_to_begin(run_queue.pipeline)
                continue
            if is_open and queued.overlap is Overlap.SKIP:
                raise RunSkipped(f"run {run_queue.holder} of {run_queue.pipeline} is open")
            with suppress(RunConflict):
                if not is_open:
                    return self.runs.create(_begun(queued, holder), run_queue.taken(queued.id))
                return self.runs.create(queued, run_queue.joined(queued.id))
        raise RunConflict(f"the run queue of {queued.pipeline.name}: others were faster")

    def _cancel_running(self, run: Run) -> Iterator[Handled]:
        """Cancel the open run and those that wait before this one; what began may clean up."""
        reason = f"run {run.id} takes its place"
        for earlier in self.runs.run_queue(run.pipeline.name).before(run.id):
            with suppress(RunNotFound):
                yield self.handle(earlier, [CancelRequested(at=self.clock.now(), reason=reason)])

    def _next_to_begin(self, pipeline: str) -> str | None:
        """The QUEUED run that is to begin; a place whose run has ended goes to the next."""
        for _ in range(QUEUED_RUNS_MAX):
            run_queue = self.runs.run_queue(pipeline)
            holder = self._run(run_queue.holder)
            if _is_open(holder):
                return run_queue.holder if holder and holder.status is RunStatus.QUEUED else None
            if not run_queue.waiting:
                return None
            with suppress(RunConflict):
                self.runs.save_run_queue(run_queue.passed_on())
        raise RunConflict(f"the run queue of {pipeline}: others were faster")

    def _leave(self, pipeline: str, run_ids: Collection[str]) -> None:
        """Remove runs that ended while they waited. A crash before is harmless: a place whose run
        has ended is passed over."""
        run_queue = self.runs.run_queue(pipeline)
        if not set(run_ids).isdisjoint(run_queue.waiting):
            with suppress(RunConflict):
                self.runs.save_run_queue(run_queue.without(run_ids))

    def _run(self, run_id: str) -> Run | None:
        """None before the first run, or when its time to live has passed."""
        with suppress(RunNotFound):
            return self.runs.load(run_id) if run_id else None
        return None


def _begun(queued: Run, holder: Run | None) -> Run:
    """The run as one that never waits, or only for a holder that ended while this one was made."""
    ended_at = holder.ended_at if holder else None
    return advance(queued, RunDequeued(at=max(queued.started_at, ended_at or queued.started_at)))


def _is_open(run: Run | None) -> bool:
    return run is not None and not run.status.is_terminal
