"""load -> advance -> save -> perform. The one engine: AWS, the local cloud and the simulation
differ in adapters only.

State is saved before an effect is performed, and only the saver performs what its save made
newly owed. A crash anywhere leaves the effect owed; `sweep` pays it after its grace.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial, reduce

from batchrelay.domain.effects import (
    DeleteQueues,
    Effect,
    Notify,
    Prepare,
    SubmitJob,
    TerminateJob,
    WithdrawSubmission,
)
from batchrelay.domain.errors import NotDone, Refused, RunConflict, RunExists, RunNotFound
from batchrelay.domain.events import (
    CancelRequested,
    DeadlinePassed,
    Event,
    GraceExpired,
    JobSubmitted,
    JobTerminated,
    NoticeRefused,
    NoticeSent,
    QueuesDeleted,
    QueuesLeft,
    SubmissionRefused,
    SubmissionWithdrawn,
    TurnCame,
)
from batchrelay.domain.limits import EFFECTS_PER_SAVE
from batchrelay.domain.obligations import owed
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.requests import notice_of, submit_request
from batchrelay.domain.run import NO_ATTEMPTS, Run, RunStatus, StartOrder, StepStatus
from batchrelay.domain.start_check import check_start
from batchrelay.domain.transitions import advance, new_run
from batchrelay.domain.values import JobKey
from batchrelay.domain.variables import check_trigger_variables, resolve_params, run_variables
from batchrelay.hearing import active_jobs, missed
from batchrelay.job_detail import end_of
from batchrelay.ports import (
    Backoff,
    Clock,
    Jobs,
    Notices,
    PipelineStore,
    Preparations,
    Queues,
    RunStore,
)
from batchrelay.preparation import Preparation, attempt_begun, attempt_failed
from batchrelay.turns import create_in_turn, leave, next_to_begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What came of it: the run as last seen, and the effects that were performed."""

    run: Run
    performed: tuple[Effect, ...] = ()
    is_repeated: bool = False
    """Whether this start had been made before, with the same key."""
    ended: bool = False
    """Whether the run ended by this: once in its life."""
    conflicts: int = 0
    """Writes of ours that a rival was faster than."""
    others: tuple[Handled, ...] = ()
    """What came of the other runs of its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Moves runs on. It keeps nothing between calls."""

    runs: RunStore
    pipelines: PipelineStore
    jobs: Jobs
    notices: Notices
    queues: Queues
    preparations: Preparations
    preparation: Preparation
    clock: Clock
    backoff: Backoff
    environment: Mapping[str, str]
    """The stack's own values, which `${env.*}` means."""

    def start(self, order: StartOrder) -> Handled:
        """Start a run and perform what it owes at once; with a key, once and for all.

        Raises:
            PipelineNotFound, InvalidParams, InvalidStart, RunExists, RunSkipped: nothing stored.
        """
        if order.key:
            with suppress(RunNotFound):
                return self._repeated(order)
        version = order.version or self.pipelines.registered_version(order.pipeline)
        pipeline = self.pipelines.get_pipeline(order.pipeline, version)
        now = self.clock.now()
        variables = run_variables(order.run_id, now, self.environment, order.trigger)
        params = resolve_params(pipeline, order.params, variables)
        check_trigger_variables(pipeline, variables)
        run = new_run(
            run_id=order.run_id,
            pipeline=pipeline,
            params=params,
            environment=self.environment,
            at=now,
            trigger=order.trigger,
            overlap=order.overlap,
        )
        check_start(run)
        try:
            if order.overlap is Overlap.PARALLEL:
                created = self.runs.create(run)
            else:
                created = create_in_turn(self.runs, run, self.backoff)
        except RunExists:
            if not order.key:
                raise
            return self._repeated(order)
        ended = created.status.is_terminal  # nothing of it was to be done
        begun = _Advanced(run=created, newly_owed=owed(created), ended=ended)
        return self._in_line(self._perform_all(begun))

    def _repeated(self, order: StartOrder) -> Handled:
        """What came of it the first time; who started it may have died there."""
        return self._in_line(Handled(run=self.runs.load(order.run_id), is_repeated=True))

    def cancel(self, run_id: str, reason: str = "") -> Handled:
        """Stop a run and every job of it; nothing to one that has ended or is being stopped.

        Raises: as `handle`.
        """
        return self.handle(run_id, (CancelRequested(at=self.clock.now(), reason=reason),))

    def handle(self, run_id: str, events: Sequence[Event]) -> Handled:
        """Fold events into their run and perform what becomes newly owed.

        Raises:
            RunNotFound: there is no such run (any more).
            RunConflict: rivals were faster as long as there was time; deliver the events again.
        """
        return self._in_line(self._handled(run_id, events))

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
            noted = self.handle(run_id, [attempt_failed(error, step, round_number, self.clock)])
            if noted.run.state(step).status is StepStatus.PREPARING:
                raise
            return noted
        events: list[Event] = [] if event is None else [event]
        if run.pipeline.step(step).workers is not None:  # the run may have been stopped since
            events.append(QueuesLeft(at=self.clock.now()))
        return self._in_line(self._perform_all(self._fold(run, events)))

    def sweep(self, run_id: str) -> Handled:
        """Hear what was missed, and pay what is overdue, with the same identity.

        Whoever saves has sole charge of what was overdue; a rival's sweep, or any other write
        that was faster, leaves it to the next sweep.
        """
        run = self.runs.load(run_id)
        now = self.clock.now()
        overdue = tuple(effect for effect in owed(run) if effect.is_overdue(now))
        after = _folded(
            run, (*missed(run, self.jobs, now), DeadlinePassed(at=now), GraceExpired(at=now))
        )
        if after is run:
            return self._in_line(Handled(run=run))
        try:
            saved = self.runs.save(after)
        except RunConflict:
            return Handled(run=run)
        still_owed = owed(saved)
        fresh = tuple(effect for effect in still_owed if effect not in owed(run))
        retaken = tuple(effect for effect in overdue if effect in still_owed)
        swept = _Advanced(run=saved, newly_owed=fresh, ended=_has_ended(run, saved))
        return self._in_line(self._perform_all(swept, retaken))

    def _handled(self, run_id: str, events: Sequence[Event]) -> Handled:
        return self._perform_all(self._fold(self.runs.load(run_id), events))

    def _in_line(self, handled: Handled) -> Handled:
        """What a run that waits, or one that has ended and was waited for, means to the others.

        Whoever dies here leaves a QUEUED run, which every sweep brings here again.
        """
        run, others = handled.run, []
        is_queued = run.status is RunStatus.QUEUED
        if run.overlap is Overlap.PARALLEL or not (is_queued or handled.ended):
            return handled
        if run.overlap is Overlap.CANCEL_RUNNING:
            for before in self.runs.turn(run.pipeline.name).before(run.id):
                reason = f"run {run.id} takes its place"
                with suppress(RunNotFound):
                    now = self.clock.now()
                    others.append(self._handled(before, [CancelRequested(at=now, reason=reason)]))
        gone = {each.run.id for each in (handled, *others) if each.run.status.is_terminal}
        leave(self.runs, run.pipeline.name, gone)
        while (run_id := next_to_begin(self.runs, run.pipeline.name)) is not None:
            came = self._handled(run_id, [TurnCame(at=self.clock.now())])
            others.append(came)
            run = came.run if run_id == run.id else run
            if not came.run.status.is_terminal:
                break
        return replace(handled, run=run, others=tuple(others))

    def _fold(self, run: Run, events: Iterable[Event]) -> _Advanced:
        """Fold and save; a rival's write is loaded and folded upon. Nothing new: no write."""
        conflicts = 0
        for conflicts in self.backoff.tries():
            after = _folded(run, events)
            if after is run:
                return _Advanced(run=run, conflicts=conflicts)
            try:
                saved = self.runs.save(after)
            except RunConflict:
                run = self.runs.load(run.id)
                continue
            before = owed(run)
            newly_owed = tuple(effect for effect in owed(saved) if effect not in before)
            return _Advanced(
                run=saved,
                newly_owed=newly_owed,
                ended=_has_ended(run, saved),
                conflicts=conflicts,
            )
        raise RunConflict(f"run {run.id}: {conflicts + 1} writers were faster")

    def _perform_all(self, first: _Advanced, retaken: tuple[Effect, ...] = ()) -> Handled:
        """Perform effects until none is newly owed; every result enters by the same door.

        Results are saved every EFFECTS_PER_SAVE effects, and what one effect raises is raised
        only when the results of the others are saved: they are done, and must not be forgotten.
        """
        waiting = deque((effect, True) for effect in retaken)
        waiting.extend((effect, False) for effect in first.newly_owed)
        run, ended, conflicts = first.run, first.ended, first.conflicts
        performed: list[Effect] = []
        trouble: Exception | None = None
        while waiting:
            some = [waiting.popleft() for _ in range(min(EFFECTS_PER_SAVE, len(waiting)))]
            performed.extend(effect for effect, _ in some)
            results: list[Event] = []
            for act in self._acts(run, some):
                try:
                    results += act()
                except Exception as error:  # noqa: BLE001  # raised again below
                    trouble = trouble or error
            advanced = self._fold(run, results)
            run, ended = advanced.run, ended or advanced.ended
            conflicts += advanced.conflicts
            waiting.extend((effect, False) for effect in advanced.newly_owed)
        if trouble is not None:
            raise trouble
        return Handled(run=run, performed=tuple(performed), ended=ended, conflicts=conflicts)

    def _acts(
        self, run: Run, effects: Iterable[tuple[Effect, bool]]
    ) -> Iterator[Callable[[], tuple[Event, ...]]]:
        """One by one, but for the jobs to be stopped: AWS Batch takes many at a time."""
        terminations: list[TerminateJob] = []
        for effect, again in effects:
            if isinstance(effect, TerminateJob):
                terminations.append(effect)
            else:
                yield partial(self._perform_again if again else self._perform, run, effect)
        if terminations:
            yield partial(self._terminate_all, run, terminations)

    def _perform(self, run: Run, effect: _Single) -> tuple[Event, ...]:
        """Do it; the events that acknowledge it, none if it stays owed."""
        try:
            match effect:
                case SubmitJob():
                    return (self._submit(run, effect.key),)
                case Prepare():
                    self.preparations.request(effect, effect.resume)
                    return ()
                case WithdrawSubmission():  # somebody may be submitting it: wait for the grace
                    return ()
                case DeleteQueues():
                    self.queues.delete(f"br-{run.id}-")
                    return (QueuesDeleted(at=self.clock.now()),)
                case Notify():
                    return (self._notify(run, effect.rule),)
        except NotDone:
            return ()

    def _perform_again(self, run: Run, effect: _Single) -> tuple[Event, ...]:
        """Do what somebody may have done already. Only a submission must be looked up first."""
        if not isinstance(effect, SubmitJob | WithdrawSubmission):
            return self._perform(run, effect)
        try:
            return self._found(run, effect.key) or (self._not_found(run, effect),)
        except NotDone:
            return ()
        except Refused as error:  # its queue is gone
            now = self.clock.now()
            if isinstance(effect, WithdrawSubmission):
                return (SubmissionWithdrawn(at=now, key=effect.key),)
            return (SubmissionRefused(at=now, key=effect.key, reason=str(error)),)

    def _submit(self, run: Run, key: JobKey) -> Event:
        try:
            job_id = self.jobs.submit(submit_request(run, key))
        except Refused as error:
            return SubmissionRefused(at=self.clock.now(), key=key, reason=str(error))
        return JobSubmitted(at=self.clock.now(), key=key, job_id=job_id)

    def _found(self, run: Run, key: JobKey) -> tuple[Event, ...]:
        """The jobs of that name: the oldest will be adopted, the others are twins."""
        found = self.jobs.find(str(submit_request(run, key)["jobQueue"]), key.name)
        now = self.clock.now()
        return tuple(JobSubmitted(at=now, key=key, job_id=job_id) for job_id in found)

    def _not_found(self, run: Run, effect: SubmitJob | WithdrawSubmission) -> Event:
        if isinstance(effect, SubmitJob):
            return self._submit(run, effect.key)
        return SubmissionWithdrawn(at=self.clock.now(), key=effect.key)

    def _terminate_all(self, run: Run, effects: Sequence[TerminateJob]) -> tuple[Event, ...]:
        """What has ended or failed by now has done so of its own: that is kept."""
        now = self.clock.now()
        reports = self.jobs.describe([effect.job_id for effect in effects])
        failed = {report.job_id: report.failed for report in reports}
        active = {job_id: key for job_id, key, _ in active_jobs(run)}
        ends = (end_of(r, active[r.job_id], now) for r in reports if r.job_id in active)
        ended = {end.job_id: end for end in ends if end is not None}
        told: list[str] = []
        for reason in dict.fromkeys(effect.reason for effect in effects):
            same = [e.job_id for e in effects if e.reason == reason and e.job_id not in ended]
            told += self.jobs.terminate(same, reason) if same else ()
        terminated = (
            JobTerminated(at=now, job_id=job_id, failed=failed.get(job_id, 0)) for job_id in told
        )
        return (*ended.values(), *terminated)

    def _notify(self, run: Run, rule: int) -> Event:
        try:
            self.notices.publish(notice_of(run, rule))
        except Refused:
            return NoticeRefused(at=self.clock.now(), rule=rule)
        return NoticeSent(at=self.clock.now(), rule=rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Advanced:
    run: Run
    newly_owed: tuple[Effect, ...] = ()
    ended: bool = False
    conflicts: int = 0


def _has_ended(before: Run, after: Run) -> bool:
    return after.status.is_terminal and not before.status.is_terminal


_Single = Prepare | SubmitJob | WithdrawSubmission | Notify | DeleteQueues
"""Effects that are performed one by one."""


def _folded(run: Run, events: Iterable[Event]) -> Run:
    return reduce(advance, events, run)
