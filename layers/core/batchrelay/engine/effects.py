"""Effects, done in the world. Each gives events that acknowledge it; none if it stays pending."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from batchrelay.codec.job_detail import end_of, progress_of
from batchrelay.domain.effects import (
    ContinueRun,
    DeleteConsumableResources,
    DeleteQueues,
    Effect,
    MeasureCost,
    Notify,
    Prepare,
    PublishRunEnd,
    SubmitJob,
    TerminateJob,
    WithdrawSubmission,
    WriteReport,
)
from batchrelay.domain.end_effects import report_uri
from batchrelay.domain.errors import InvalidItems, NotDone, Refused, Throttled
from batchrelay.domain.events import (
    ConsumableResourcesDeleted,
    ConsumableResourcesLeft,
    EffectsPostponed,
    Event,
    JobSubmitted,
    JobTerminated,
    NoticeRefused,
    NoticeSent,
    QueuesDeleted,
    RunContinued,
    RunEndPublished,
    RunEndRefused,
    SubmissionRefused,
    SubmissionWithdrawn,
)
from batchrelay.domain.limits import EFFECT_S_MAX, EFFECTS_PER_SAVE, FRUITLESS_MAX
from batchrelay.domain.notices import Link, is_object, link_of, notice_of
from batchrelay.domain.pause_notice import pause_notice_of
from batchrelay.domain.pending_effects import MISSING_REASON
from batchrelay.domain.requests import step_of, submit_request
from batchrelay.domain.run import Run
from batchrelay.domain.state_change import state_change_of
from batchrelay.domain.values import JobKey, work_queues_prefix
from batchrelay.engine.consumable_resources import delete_resources, missing_resources
from batchrelay.engine.reconcile import active_jobs
from batchrelay.ports import (
    Backoff,
    Clock,
    ConsumableResources,
    EventBus,
    Jobs,
    Notices,
    Preparations,
    Presigner,
    Queues,
)

Pending = tuple[Effect, bool]
"""An effect, and whether an earlier invocation may have performed it."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """What one invocation may still perform for a run."""

    backoff: Backoff
    effects: float
    fruitless: int = 0

    def is_left(self) -> bool:
        """Whether anything more may begin here that can be postponed."""
        return self.effects > 0 and self.backoff.time_left() > EFFECT_S_MAX

    def goes_on(self) -> bool:
        """Whether what was postponed can be performed here: not by a start, nor by a handler."""
        return self.effects > EFFECTS_PER_SAVE and self.is_left()

    def next_batch(self, waiting: deque[Pending]) -> list[Pending]:
        """The effects whose results are saved together; AWS Batch stops many jobs in one call.

        Going on with a run is saved alone: what is postponed and taken over again in one save
        would look as if nothing had become pending by it.
        """
        batch: list[Pending] = []
        weight = 0.0
        most = max(1, min(EFFECTS_PER_SAVE, self.effects))
        if waiting and isinstance(waiting[0][0], ContinueRun):
            return [waiting.popleft()]
        while waiting and weight < most and not isinstance(waiting[0][0], ContinueRun):
            weight += 0.1 if isinstance(waiting[0][0], TerminateJob) else 1
            batch.append(waiting.popleft())
        self.effects -= weight
        return batch

    def note(self, events: Iterable[Event]) -> None:
        """What came of a batch. While AWS Batch accepts nothing, another invocation tries later."""
        kinds = {type(event) for event in events}
        if kinds - {EffectsPostponed, RunContinued, ConsumableResourcesLeft}:
            self.fruitless = 0
        elif EffectsPostponed in kinds:
            self.fruitless += 1
        if self.fruitless == FRUITLESS_MAX:
            self.effects = 0


_PROMPT = (
    WriteReport,
    MeasureCost,
    Notify,
    PublishRunEnd,
    DeleteQueues,
    DeleteConsumableResources,
    ContinueRun,
    WithdrawSubmission,
)
"""Effects of which a run has few: they are always performed at once."""


def postponed(waiting: deque[Pending], now: datetime) -> tuple[Event, ...]:
    """Take out what can be postponed: requests that surely were not made, and jobs to stop.

    What an earlier invocation may have done waits for its grace: it was taken over just now.
    """
    left = tuple(waiting)
    waiting.clear()
    waiting.extend(pending for pending in left if isinstance(pending[0], _PROMPT))
    requests = tuple(e for e, again in left if isinstance(e, SubmitJob | Prepare) and not again)
    if not requests and not any(isinstance(effect, TerminateJob) for effect, _ in left):
        return ()
    return (EffectsPostponed(at=now, effects=requests),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What came of some effects."""

    events: tuple[Event, ...]
    problem: Exception | None = None
    """What one of them raised; the others were performed all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Performs the effects of one run."""

    jobs: Jobs
    notices: Notices
    event_bus: EventBus
    presigner: Presigner
    queues: Queues
    consumable_resources: ConsumableResources
    preparations: Preparations
    clock: Clock

    def perform(self, run: Run, effects: Sequence[Pending], *, goes_on: bool) -> Performed:
        """Perform some effects, each once.

        Args:
            goes_on: whether this invocation has the time to go on with what was postponed.
        """
        events: list[Event] = []
        problem: Exception | None = None
        for call in self._calls(run, effects, goes_on=goes_on):
            try:
                results = call()
            except Exception as error:  # noqa: BLE001  # raised by the engine, once all is saved
                results = (error,)
            for result in results:
                if isinstance(result, Exception):
                    problem = problem or result
                else:
                    events.append(result)
        return Performed(events=tuple(events), problem=problem)

    def _calls(
        self, run: Run, effects: Sequence[Pending], *, goes_on: bool
    ) -> Iterator[Callable[[], Sequence[Event | Exception]]]:
        """One by one, but for jobs: AWS Batch stops many at a time, and takes several at once."""
        now = self.clock.now()
        terminations: list[TerminateJob] = []
        submissions: list[SubmitJob] = []
        for effect, again in effects:
            if isinstance(effect, TerminateJob):
                terminations.append(effect)
            elif isinstance(effect, ContinueRun):
                yield partial(self._continue, effect, goes_on=goes_on)
            elif again:
                yield partial(self._perform_again, run, effect)
            elif not isinstance(effect, SubmitJob):
                yield partial(self._perform, run, effect)
            elif not effect.is_overdue(now):  # otherwise reconcile may be submitting it
                submissions.append(effect)
        if submissions:
            yield partial(self._submit_all, run, submissions)
        if terminations:
            yield partial(self._terminate_all, run, terminations)

    def _perform(self, run: Run, effect: _Single) -> tuple[Event, ...]:
        """Do it; the events that acknowledge it, none if it stays pending."""
        try:
            match effect:
                case Prepare():
                    self.preparations.request(effect, effect.resume)
                    return ()
                case WriteReport() | MeasureCost():
                    self.preparations.request(effect)
                    return ()
                case WithdrawSubmission():  # an invocation may be submitting it: wait for the grace
                    return ()
                case DeleteQueues():
                    self.queues.delete(work_queues_prefix(run.id))
                    return (QueuesDeleted(at=self.clock.now()),)
                case DeleteConsumableResources():
                    delete_resources(self.consumable_resources, effect)
                    now = self.clock.now()
                    return (ConsumableResourcesDeleted(at=now, redrive=effect.redrive),)
                case Notify():
                    return (self._notify(run, effect),)
                case PublishRunEnd():
                    return (self._publish_end(run, effect),)
        except NotDone:
            return ()

    def _perform_again(self, run: Run, effect: _Single | SubmitJob) -> Sequence[Event | Exception]:
        """Do what may have been done already. Only a submission must be looked up first."""
        if not isinstance(effect, SubmitJob | WithdrawSubmission):
            return self._perform(run, effect)
        try:
            return self._submitted_jobs(run, effect.key) or self._not_found(run, effect)
        except NotDone:
            return ()
        except Refused as error:  # its queue is gone
            now = self.clock.now()
            if isinstance(effect, WithdrawSubmission):
                return (SubmissionWithdrawn(at=now, key=effect.key),)
            return (SubmissionRefused(at=now, key=effect.key, reason=str(error)),)

    def _continue(self, effect: ContinueRun, *, goes_on: bool) -> tuple[Event, ...]:
        """At once while there is time, in another invocation otherwise."""
        if goes_on:
            return (RunContinued(at=self.clock.now()),)
        try:
            self.preparations.request(effect)
        except NotDone:
            return ()
        return ()

    def _submit_all(self, run: Run, effects: Sequence[SubmitJob]) -> tuple[Event | Exception, ...]:
        """What AWS Batch had no room for is postponed: it surely was not accepted."""
        missing = missing_resources(self.consumable_resources, run, effects)
        possible = [effect for effect in effects if effect.key.label not in missing]
        requests = [submit_request(run, effect.key) for effect in possible]
        answers = dict(zip(possible, self.jobs.submit_all(requests), strict=True))
        now = self.clock.now()
        results: list[Event | Exception] = []
        throttled: list[SubmitJob] = []
        for effect in effects:
            match answer := answers.get(effect) or missing[effect.key.label]:
                case str():
                    results.append(JobSubmitted(at=now, key=effect.key, job_id=answer))
                case Refused():
                    reason = str(answer)
                    results.append(SubmissionRefused(at=now, key=effect.key, reason=reason))
                case Throttled():
                    throttled.append(effect)
                case NotDone():  # it may have been accepted: reconcile looks for it
                    pass
                case _:
                    results.append(answer)
        if throttled:
            results.append(EffectsPostponed(at=now, effects=tuple(throttled)))
        if any(step_of(run, effect.key).max_running is not None for effect in effects):
            results.append(ConsumableResourcesLeft(at=now))
        return tuple(results)

    def _submitted_jobs(self, run: Run, key: JobKey) -> tuple[Event, ...]:
        """The jobs of that name: the oldest will be adopted, the others are duplicates.

        One listing without it decides nothing: it is asked for twice.
        """
        queue = str(submit_request(run, key)["jobQueue"])
        job_ids = self.jobs.find(queue, key.name) or self.jobs.find(queue, key.name)
        now = self.clock.now()
        return tuple(JobSubmitted(at=now, key=key, job_id=job_id) for job_id in job_ids)

    def _not_found(
        self, run: Run, effect: SubmitJob | WithdrawSubmission
    ) -> Sequence[Event | Exception]:
        if isinstance(effect, SubmitJob):
            return self._submit_all(run, [effect])
        return (SubmissionWithdrawn(at=self.clock.now(), key=effect.key),)

    def _terminate_all(self, run: Run, effects: Sequence[TerminateJob]) -> tuple[Event, ...]:
        """What has ended or failed by now has done so of its own: that is kept.

        A job that was missing, and is there after all, goes on.
        """
        now = self.clock.now()
        reports = self.jobs.describe([effect.job_id for effect in effects])
        failed = {report.job_id: report.failed for report in reports}
        missing = {effect.job_id for effect in effects if effect.reason == MISSING_REASON}
        active = {job_id: key for job_id, key, _ in active_jobs(run)}
        known: dict[str, Event] = {}
        for report in reports:
            key = active.get(report.job_id)
            end = None if key is None else end_of(report, key, now)
            if end is not None:
                known[report.job_id] = end
            elif key is not None and report.job_id in missing:
                known[report.job_id] = progress_of(report, key, now)
        stopped: list[str] = []
        for reason in dict.fromkeys(effect.reason for effect in effects):
            same = [e.job_id for e in effects if e.reason == reason and e.job_id not in known]
            stopped += self.jobs.terminate(same, reason) if same else ()
        terminated = (
            JobTerminated(at=now, job_id=job_id, failed=failed.get(job_id, 0)) for job_id in stopped
        )
        return (*known.values(), *terminated)

    def _notify(self, run: Run, effect: Notify) -> Event:
        rule, pause = effect.rule, effect.pause
        try:
            self.notices.publish(
                pause_notice_of(run, rule)
                if pause
                else notice_of(run, rule, *self._links(run, rule))
            )
        except Refused:
            return NoticeRefused(at=self.clock.now(), rule=rule, pause=pause)
        return NoticeSent(at=self.clock.now(), rule=rule, pause=pause)

    def _links(self, run: Run, rule: int) -> tuple[Link | None, Link | None]:
        """To the output of a notice, and to the report."""
        seconds = run.pipeline.notify[rule].presign_s
        return self._link(link_of(run, rule), seconds), self._link(report_uri(run), seconds)

    def _link(self, uri: str | None, seconds: int | None) -> Link | None:
        """Presigned if its rule says so and it is one object."""
        if uri is None or seconds is None:
            return None if uri is None else Link(uri=uri)
        if not is_object(uri):
            return Link(uri=uri, problem="it is no single object of S3")
        until = self.clock.now() + timedelta(seconds=seconds)
        try:
            return Link(uri=uri, url=self.presigner.presigned(uri, seconds), until=until)
        except (Refused, InvalidItems) as error:
            return Link(uri=uri, problem=str(error))

    def _publish_end(self, run: Run, effect: PublishRunEnd) -> Event:
        try:
            self.event_bus.publish(state_change_of(run))
        except Refused:
            return RunEndRefused(at=self.clock.now(), redrive=effect.redrive)
        return RunEndPublished(at=self.clock.now(), redrive=effect.redrive)


_Single = (
    Prepare
    | WithdrawSubmission
    | WriteReport
    | MeasureCost
    | Notify
    | PublishRunEnd
    | DeleteQueues
    | DeleteConsumableResources
)
"""Effects that are performed one by one."""
