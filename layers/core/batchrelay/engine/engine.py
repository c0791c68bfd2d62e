"""load -> advance -> save -> perform. The one engine: AWS, the local cloud and the simulation
differ in adapters only.

State is saved before an effect is performed, and only the saver performs what its save made
pending. A crash anywhere leaves the effect pending; `reconcile` performs it after its grace.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce

from batchrelay.domain.effects import Effect, TerminateJob
from batchrelay.domain.end_effects import is_report_pending
from batchrelay.domain.errors import (
    NotDone,
    NotRedrivable,
    Refused,
    RunConflict,
    RunExists,
    RunNotFound,
)
from batchrelay.domain.events import (
    CancelRequested,
    DeadlinePassed,
    Event,
    GraceExpired,
    QueuesLeft,
    RunContinued,
)
from batchrelay.domain.job_queues import queue_problem
from batchrelay.domain.limits import (
    EFFECTS_PER_SAVE,
    SUBMISSIONS_MAX,
)
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.redrive import RedriveOrder, event_of
from batchrelay.domain.redrive_check import check_redrive
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.start_check import check_start
from batchrelay.domain.step_state import NO_ATTEMPTS, StepStatus
from batchrelay.domain.transitions import advance, new_run
from batchrelay.domain.values import printable
from batchrelay.domain.variables import check_trigger_variables, resolve_params, run_variables
from batchrelay.engine.concurrency import Concurrency
from batchrelay.engine.consumable_resources import as_stored
from batchrelay.engine.duplicate_jobs import stop_unnoted
from batchrelay.engine.effects import Budget, Performer, postponed
from batchrelay.engine.outcome import Advanced, Handled
from batchrelay.engine.reconcile import missed_events
from batchrelay.engine.report_attempt import ReportWriter, report_attempt
from batchrelay.ports import (
    Backoff,
    Clock,
    ConsumableResources,
    EventBus,
    Jobs,
    Notices,
    PipelineStore,
    Preparations,
    Presigner,
    Queues,
    RunStore,
)
from batchrelay.preparation.prepare import Preparation, attempt_begun, attempt_failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Moves runs on. It keeps nothing between calls."""

    runs: RunStore
    pipelines: PipelineStore
    jobs: Jobs
    notices: Notices
    event_bus: EventBus
    presigner: Presigner
    queues: Queues
    consumable_resources: ConsumableResources
    preparations: Preparations
    preparation: Preparation
    clock: Clock
    backoff: Backoff
    environment: Mapping[str, str]
    """The stack's own values, which `${env.*}` means."""
    open_days_max: int
    """Days after its start when a run that is open is stopped, before its lists expire."""

    def start(self, request: StartRequest) -> Handled:
        """Start a run and perform the first of its effects; with a key, only once.

        A run that is stored has begun, even if one of those effects fails.

        Raises:
            PipelineNotFound, InvalidParams, InvalidStart, RunExists, RunSkipped: nothing stored.
        """
        if request.key:
            with suppress(RunNotFound):
                return self._repeated(request)
        run = self._new_run(request)
        try:
            created = self._concurrency().create(run)
        except RunExists:
            if not request.key:
                raise
            return self._repeated(request)
        ended = created.status.is_terminal  # nothing of it was to be done
        begun = Advanced(run=created, new_effects=pending_effects(created), ended=ended)
        try:
            return self._advance_run_queue(self._perform_all(begun))
        except Exception as problem:  # noqa: BLE001  # the run is there, and its id must be known
            return Handled(run=created, ended=ended, problem=problem)

    def _new_run(self, request: StartRequest) -> Run:
        version = request.version or self.pipelines.registered_version(request.pipeline)
        pipeline = self.pipelines.get_pipeline(request.pipeline, version)
        now = self.clock.now()
        variables = run_variables(request.run_id, now, self.environment, request.trigger)
        params = resolve_params(pipeline, request.params, variables)
        check_trigger_variables(pipeline, variables)
        run = new_run(
            run_id=request.run_id,
            pipeline=pipeline,
            params=params,
            environment=self.environment,
            at=now,
            trigger=request.trigger,
            overlap=request.overlap,
        )
        check_start(run)
        return run

    def _repeated(self, request: StartRequest) -> Handled:
        """The run of the first start; the process that made it may have died there."""
        return self._advance_run_queue(
            Handled(run=self.runs.load(request.run_id), is_repeated=True)
        )

    def cancel(self, run_id: str, reason: str = "", stops_finally: bool = False) -> Handled:
        """Stop a run and every job of it; nothing to one that has ended or is being stopped.

        Its finally steps still run, unless they are to be stopped too. A second request alone does
        not say so: it may be a repeat of the first.

        Raises: as `handle`.
        """
        now = self.clock.now()
        event = CancelRequested(at=now, reason=reason, stops_finally=stops_finally)
        return self.handle(run_id, (event,))

    def redrive(self, run_id: str, order: RedriveOrder) -> Handled:
        """Let a run that has ended go on with what failed; once, however often it is asked.

        Raises:
            NotRedrivable: nothing of the run has changed; with the reason.
            As `handle`.
        """
        run = self.runs.load(run_id)
        self.check_redrive(run, order)
        event = event_of(run, order, self.clock.now())
        handled = self.handle(run_id, (event,))
        if handled.run.redrive != event.redrive:
            raise NotRedrivable(f"run {run_id} is {handled.run.status}: it was redriven just now")
        return handled

    def check_redrive(self, run: Run, order: RedriveOrder) -> None:
        """Raises: NotRedrivable, also if what the redrive needs is no longer there."""
        check_redrive(run, order)
        if self.clock.now() >= run.started_at + timedelta(days=self.open_days_max):
            raise NotRedrivable(
                f"run {run.id} began more than {self.open_days_max} days ago, and its lists have "
                "expired: start a new run; skipExisting leaves out what is done"
            )
        if order.queue:
            self._check_queue(order.queue)
        self.preparation.check_failures(run, order)

    def _check_queue(self, reference: str) -> None:
        """Raises: NotRedrivable. Where AWS Batch does not answer, SubmitJob will."""
        try:
            problem = queue_problem(reference, self.jobs.queues())
        except (NotDone, Refused):
            return
        if problem is not None:
            raise NotRedrivable(printable(problem))

    def handle(self, run_id: str, events: Sequence[Event]) -> Handled:
        """Fold events into their run and perform what becomes pending.

        Raises:
            RunNotFound: there is no such run (any more).
            RunConflict: rivals were faster as long as there was time; deliver the events again.
        """
        return self._advance_run_queue(self._handled(run_id, events))

    def prepare(
        self,
        run_id: str,
        step: str,
        round_number: int,
        *,
        resume: str = "",
        is_repeated: bool = False,
        time_left: Callable[[], float] = lambda: math.inf,
    ) -> Handled:
        """Prepare a step's items, and go on from there; or ask for the continuation.

        Args:
            resume: where an earlier invocation put down what it had.
            is_repeated: this message was delivered before.
            time_left: seconds until this invocation must have ended.
        Raises: as `handle`, and what another attempt may do without; its reason is saved.
        """
        run = self.runs.load(run_id)
        if is_repeated or run.state(step).attempts != NO_ATTEMPTS:
            run = self._fold(run, [attempt_begun(step, round_number, resume, self.clock)]).run
        try:
            event = self.preparation.prepare(
                run, step, round_number, resume=resume, time_left=time_left
            )
        except Exception as error:
            recorded = self.handle(run_id, [attempt_failed(error, step, round_number, self.clock)])
            if recorded.run.state(step).status is StepStatus.PREPARING:
                raise
            return recorded
        events: list[Event] = [] if event is None else [event]
        if run.pipeline.step(step).workers is not None:  # the run may have been stopped since
            events.append(QueuesLeft(at=self.clock.now()))
        return self.handle_at_length(run, events)

    def write_report(
        self,
        run_id: str,
        redrive: int,
        write: ReportWriter,
        *,
        is_last: bool = False,
        time_left: Callable[[], float] = lambda: math.inf,
    ) -> Handled:
        """Write the report of a run's end, and send what waits for it: notices, and the event.

        Args:
            is_last: whether an error is recorded although another attempt may do without it.
        Raises: as `handle`, and what another attempt may do without.
        """
        run = self.runs.load(run_id)
        if not is_report_pending(run, redrive):
            return Handled(run=run)
        event = report_attempt(write, run, self.clock, time_left, is_last=is_last)
        return self.handle_at_length(run, (event,))

    def handle_at_length(self, run: Run, events: Iterable[Event]) -> Handled:
        """As `handle`, of a run that was loaded, where there is time for every effect.

        Raises: as `handle`.
        """
        return self._advance_run_queue(self._perform_all(self._fold(run, events), most=math.inf))

    def continue_run(self, run_id: str) -> Handled:
        """Go on with the effects that another invocation had no time for.

        Raises: as `handle`.
        """
        run = self.runs.load(run_id)
        advanced = self._fold(run, (RunContinued(at=self.clock.now()),))
        stops: tuple[Effect, ...] = ()
        if run.continue_since is not None:
            stops = tuple(e for e in pending_effects(advanced.run) if isinstance(e, TerminateJob))
        fresh = tuple(e for e in advanced.new_effects if e not in stops)
        advanced = replace(advanced, new_effects=(*fresh, *stops))
        return self._advance_run_queue(self._perform_all(advanced, most=math.inf))

    def reconcile(self, run_id: str) -> Handled:
        """Poll for missed events, and perform overdue effects, with the same identity.

        The process that saves alone performs what was overdue. A faster write of another process
        leaves it to the next reconcile.
        """
        run = self.runs.load(run_id)
        now = self.clock.now()
        overdue = tuple(effect for effect in pending_effects(run) if effect.is_overdue(now))
        after = _folded(
            run, (*missed_events(run, self.jobs, now), DeadlinePassed(at=now), GraceExpired(at=now))
        )
        after = advance(after, DeadlinePassed(at=now, open_days_max=self.open_days_max))
        if after is run:
            return self._advance_run_queue(Handled(run=run))
        try:
            saved = self.runs.save(after)
        except RunConflict:
            return Handled(run=run)
        before, still_pending = (
            frozenset(pending_effects(run)),
            dict.fromkeys(pending_effects(saved)),
        )
        fresh = tuple(effect for effect in still_pending if effect not in before)
        retaken = tuple(effect for effect in still_pending if effect in overdue)
        reconciled = Advanced(run=saved, new_effects=fresh, ended=_has_ended(run, saved))
        return self._advance_run_queue(self._perform_all(reconciled, retaken, most=SUBMISSIONS_MAX))

    def _handled(self, run_id: str, events: Sequence[Event]) -> Handled:
        return self._perform_all(self._fold(self.runs.load(run_id), events))

    def _concurrency(self) -> Concurrency:
        return Concurrency(
            runs=self.runs, clock=self.clock, backoff=self.backoff, handle=self._handled
        )

    def _advance_run_queue(self, handled: Handled) -> Handled:
        return self._concurrency().advance_run_queue(handled)

    def _fold(self, run: Run, events: Iterable[Event]) -> Advanced:
        """Fold and save; after a rival's write, load and fold again. Nothing new: no write."""
        conflicts = 0
        for conflicts in self.backoff.tries():
            after = _folded(run, events)
            if after is run:
                return Advanced(run=run, conflicts=conflicts)
            try:
                saved = self.runs.save(after)
            except RunConflict:
                run = self.runs.load(run.id)
                continue
            before = frozenset(pending_effects(run))
            new_effects = tuple(effect for effect in pending_effects(saved) if effect not in before)
            return Advanced(
                run=saved,
                new_effects=new_effects,
                ended=_has_ended(run, saved),
                conflicts=conflicts,
            )
        raise RunConflict(f"run {run.id}: {conflicts + 1} writers were faster")

    def _perform_all(
        self, first: Advanced, retaken: tuple[Effect, ...] = (), *, most: float = EFFECTS_PER_SAVE
    ) -> Handled:
        """Perform effects until none is pending anew; every result is an event of the run.

        Results are saved every EFFECTS_PER_SAVE effects. An exception of one effect is raised only
        when the results of the others are saved: they are done, and must be recorded.
        After `most` effects, or when no time is left, the rest is postponed to another invocation.
        """
        budget = Budget(backoff=self.backoff, effects=most)
        performer = self._performer()
        waiting = deque((effect, True) for effect in retaken)
        waiting.extend((effect, False) for effect in first.new_effects)
        run, ended, conflicts = first.run, first.ended, first.conflicts
        performed: list[Effect] = []
        problem: Exception | None = None
        while waiting:
            events = () if budget.is_left() else postponed(waiting, self.clock.now())
            goes_on = budget.goes_on()
            batch = budget.next_batch(waiting)
            done = performer.perform(run, batch, goes_on=goes_on)
            performed.extend(effect for effect, _ in batch)
            problem = problem or done.problem
            budget.note(done.events)
            events += done.events
            if not budget.is_left() and not _is_continued(done.events):
                events += postponed(waiting, self.clock.now())
            advanced = self._fold(as_stored(self.runs, run, events), events)
            run, ended = advanced.run, ended or advanced.ended
            conflicts += advanced.conflicts
            problem = problem or stop_unnoted(self.jobs, run, events)
            waiting.extend((effect, False) for effect in advanced.new_effects)
        if problem is not None:
            raise problem
        return Handled(run=run, performed=tuple(performed), ended=ended, conflicts=conflicts)

    def _performer(self) -> Performer:
        return Performer(
            jobs=self.jobs,
            notices=self.notices,
            event_bus=self.event_bus,
            presigner=self.presigner,
            queues=self.queues,
            consumable_resources=self.consumable_resources,
            preparations=self.preparations,
            clock=self.clock,
        )


def _is_continued(events: Sequence[Event]) -> bool:
    return any(isinstance(event, RunContinued) for event in events)


def _has_ended(before: Run, after: Run) -> bool:
    return after.status.is_terminal and not before.status.is_terminal


def _folded(run: Run, events: Iterable[Event]) -> Run:
    return reduce(advance, events, run)
