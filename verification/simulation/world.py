"""The world of a simulated run: it crashes, repeats, reorders, loses, delays, and has rivals."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol
from unittest.mock import patch

from batchrelay.adapters.memory import (
    MemoryBackoff,
    MemoryClock,
    MemoryConsumableResources,
    MemoryEventBus,
    MemoryJob,
    MemoryJobs,
    MemoryLogs,
    MemoryNotices,
    MemoryObjects,
    MemoryPipelineStore,
    MemoryPreparations,
    MemoryQueues,
    MemoryRunStore,
)
from batchrelay.domain.effects import ContinueRun, LongWork, MeasureCost, WriteReport
from batchrelay.domain.end_effects import report_uris
from batchrelay.domain.errors import (
    Ambiguous,
    BatchrelayError,
    InvalidStart,
    Refused,
    RunConflict,
    RunExists,
    Throttled,
)
from batchrelay.domain.events import (
    CancelRequested,
    Event,
    JobBlocked,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
)
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.limits import (
    EFFECTS_PER_SAVE,
    MEASUREMENT_DELIVERIES_MAX,
    REPORT_DELIVERIES_MAX,
    SUBMISSIONS_MAX,
)
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.transitions import advance
from batchrelay.domain.values import JobKey
from batchrelay.engine.budgets import measure_cost, resume
from batchrelay.engine.engine import Engine
from batchrelay.preparation import attempt
from batchrelay.preparation.prepare import Preparation
from verification.simulation.budgets import SimulatedMeasurement
from verification.simulation.coverage import Coverage
from verification.simulation.ending import cancelled, check_size
from verification.simulation.finally_steps import check_begun, check_status_given
from verification.simulation.invariants import UNPREPARED, check_save, check_submission
from verification.simulation.max_running import check_bound, check_not_needed
from verification.simulation.plan import BUCKET, TOPIC, Plan
from verification.simulation.retries import ItemRuns

RUN_ID = "run1"
DELIVERIES_MAX = 4
"""After so many tries a message goes to the dead-letter queue: it is lost to the run."""


class Crash(BaseException):
    """The process dies here."""


class Broken(Exception):
    """What no part of the engine expects."""


@dataclass(frozen=True, kw_only=True)
class FaultRates:
    """The probability of each fault."""

    crash: float = 0.0
    drop: float = 0.0
    duplicate: float = 0.0
    throttle: float = 0.0
    ambiguous: float = 0.0
    rival: float = 0.0
    slow: float = 0.0
    """Preparations that run out of time."""
    missing: float = 0.0
    """Jobs that an answer of DescribeJobs leaves out, once."""
    forgotten: float = 0.0
    """Jobs that fail without a word, and that every answer leaves out."""
    hurried: float = 0.0
    """Invocations that have no time for effects."""
    batch: int = EFFECTS_PER_SAVE
    """Effects that are performed, and saved, together."""
    submissions: int = SUBMISSIONS_MAX
    """Submissions that are under way at the same time."""
    zombie: float = 0.0
    """A handler that sleeps past its grace and then continues: it makes duplicate jobs."""


NO_FAULTS = FaultRates()


def random_fault_rates(rng: random.Random) -> FaultRates:
    return FaultRates(
        crash=rng.choice((0, 0.02, 0.1)),
        drop=rng.choice((0, 0.1, 0.5)),
        duplicate=rng.choice((0, 0.3)),
        throttle=rng.choice((0, 0.1)),
        ambiguous=rng.choice((0, 0.2)),
        rival=rng.choice((0, 0.2)),
        slow=rng.choice((0, 0.5)),
        missing=rng.choice((0, 0.2)),
        forgotten=rng.choice((0, 0, 0.3)),
        hurried=rng.choice((0, 0, 0.3)),
        batch=rng.choice((1, 2, EFFECTS_PER_SAVE)),
        submissions=rng.choice((1, 2, SUBMISSIONS_MAX)),
        zombie=rng.choice((0, 0, 0, 0.2)),
    )


@dataclass
class Letter:
    """A message under way, and how often it was delivered."""

    content: Any
    deliveries: int = 0


@dataclass(frozen=True, kw_only=True)
class SimulatedReports:
    """Two objects of S3, whose writer may have a bug."""

    port: Any
    is_poisoned: bool

    def write(self, run: Run, _time_left: Callable[[], float]) -> None:
        for uri in reversed(report_uris(run)):
            self.port.put(uri, str(run.status).encode(), "")
            if self.is_poisoned:
                raise Broken


@dataclass(frozen=True)
class Asked:
    """A message of the queue of preparations."""

    effect: LongWork
    resume: str


class Around(Protocol):
    """What happens around every call of a port."""

    def before(self, method: str, arguments: tuple[Any, ...]) -> None: ...
    def after(self, method: str) -> None: ...


class Port:
    """A port with faults: any call may be the process's last, before or after it was made."""

    def __init__(self, world: Around, port: Any) -> None:
        self._world = world
        self._port = port

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, *arguments: Any) -> Any:
        self._world.before(method, arguments)
        result = getattr(self._port, method)(*arguments)
        self._world.after(method)
        return result


class JobsPort(Port):
    """AWS Batch: any of the submissions that are made together may be the process's last call."""

    def __init__(self, world: World, port: Any) -> None:
        super().__init__(world, port)
        self._jobs_of = world

    def submit_all(self, requests: Sequence[Any]) -> list[str | Exception]:
        return [self._answer(request) for request in requests]

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        """What is left out now and then, and what for ever."""
        reports: tuple[JobReport, ...] = self._call("describe", job_ids)
        return tuple(report for report in reports if not self._jobs_of.is_left_out(report.job_id))

    def find(self, queue: str, name: str) -> tuple[str, ...]:
        """What is left out now and then, but never twice in a row."""
        job_ids: tuple[str, ...] = self._call("find", queue, name)
        return () if self._jobs_of.is_unlisted(name) else job_ids

    def _answer(self, request: Any) -> str | Exception:
        try:
            answer: str = self.submit(request)
        except Exception as problem:  # noqa: BLE001  # as the port says
            return problem
        return answer


def _outcome_of(failures: list[ChildFailure]) -> JobOutcome:
    return JobOutcome.FAILED if failures else JobOutcome.SUCCEEDED


@dataclass
class World:
    """One run in its world."""

    seed: int
    plan: Plan
    fault_rates: FaultRates
    rng: random.Random
    clock: MemoryClock = field(default_factory=MemoryClock)
    runs: MemoryRunStore = field(default_factory=MemoryRunStore)
    pipelines: MemoryPipelineStore = field(default_factory=MemoryPipelineStore)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    logs: MemoryLogs = field(default_factory=MemoryLogs)
    notices: MemoryNotices = field(default_factory=MemoryNotices)
    event_bus: MemoryEventBus = field(default_factory=MemoryEventBus)
    preparations: MemoryPreparations = field(default_factory=MemoryPreparations)
    queues: MemoryQueues = field(default_factory=MemoryQueues)
    resources: MemoryConsumableResources = field(default_factory=MemoryConsumableResources)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    letters: list[Letter] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    announced: set[str] = field(default_factory=set)
    reason: str = "as planned"
    """Why a job ends."""
    forks: random.Random = field(default_factory=random.Random)
    """For what is looked at beside the run; its own, so that the run is the same without."""
    fork: float = 0.0
    """How often a saved state is cancelled beside the run."""
    counts: Counter[str] = field(default_factory=Counter)
    dead_attempts: Counter[str] = field(default_factory=Counter)
    """Attempts to prepare a step that ended without a result."""
    zombies: int = 0
    item_runs: ItemRuns = field(init=False)
    redriven: set[str] = field(default_factory=set)
    """Steps that a redrive ran again."""
    left_out: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    _nested: bool = False

    def __post_init__(self) -> None:
        self.item_runs = ItemRuns(objects=self.objects.objects, messages=self.queues.messages)
        self.pipelines.put_pipeline(self.plan.pipeline)
        for name, count in self.plan.items.items():
            uri = self.plan.pipeline.step(name).for_each.file  # type: ignore[union-attr]
            text = "{" if count is None else json.dumps({"Items": list(range(count))})
            self.objects.objects[uri] = text.encode()
        for step in self.plan.pipeline.steps:
            for item in range(self.plan.left_out(step)):
                self.objects.objects[str(step.output).replace("${item}", str(item))] = b""

    def engine(self) -> Engine:
        """A new process: nothing is remembered."""

        def port(thing: object) -> Any:
            return Port(self, thing)

        jobs = JobsPort(self, self.jobs)
        return Engine(
            runs=port(self.runs),
            pipelines=self.pipelines,
            jobs=jobs,
            notices=port(self.notices),
            event_bus=port(self.event_bus),
            presigner=port(self.objects),
            preparations=port(self.preparations),
            queues=port(self.queues),
            consumable_resources=port(self.resources),
            preparation=Preparation(
                objects=port(self.objects),
                queues=port(self.queues),
                jobs=jobs,
                logs=port(self.logs),
                clock=self.clock,
            ),
            clock=self.clock,
            backoff=MemoryBackoff(seconds=self._seconds_left()),
            environment={"bucket": BUCKET, "topicArn": TOPIC},
            open_days_max=89,  # of a stack with the default of RunTtlDays
        )

    # --- what happens around every call of a port

    def before(self, method: str, arguments: tuple[Any, ...]) -> None:
        self.counts[method] += 1
        self._maybe_crash()
        if (
            not self._nested
            and method in ("save", "submit")
            and self._chance(self.fault_rates.rival)
        ):
            self._rival()
        if method == "read" and arguments[0] in self._poison():
            raise self.rng.choice((Crash, Broken))
        if method == "submit":
            self._before_submit(arguments[0])
        if method == "ensure":
            self._sleep_like_a_zombie()
        if method == "delete":
            check_not_needed(self.runs.runs[RUN_ID], self.jobs, arguments[0])
        if method == "create" and isinstance(arguments[0], Run):
            self.coverage.started(arguments[0])
        if method in ("create", "save") and isinstance(arguments[0], Run):
            check_size(arguments[0])
        if method == "save":
            check_save(self.runs.runs.get(RUN_ID), arguments[0])
            check_begun(arguments[0])
            if self.forks.random() < self.fork:
                assert cancelled(arguments[0]).status.is_terminal
                self.counts["cancelled beside"] += 1

    def after(self, method: str) -> None:
        if method == "submit" and self._chance(self.fault_rates.ambiguous):
            raise Ambiguous("500 after accept")
        if method == "terminate":
            self._announce_ends()
        self._maybe_crash()

    def _poison(self) -> set[str]:
        steps = (self.plan.pipeline.step(name) for name in self.plan.poison)
        return {step.for_each.file for step in steps}  # type: ignore[union-attr]

    def _before_submit(self, request: dict[str, Any]) -> None:
        key = JobKey.parse(request["jobName"])
        assert key is not None, request
        check_submission(self.runs.runs[RUN_ID], key, request)
        check_status_given(self.runs.runs[RUN_ID], key, request)
        check_bound(self.plan.pipeline, self.resources.units, self.jobs, key, request)
        if self._chance(self.fault_rates.throttle):
            raise Throttled("429")
        if self.plan.fate(key.label, key.part) is None:
            raise Refused("400")
        self._sleep_like_a_zombie()

    def _sleep_like_a_zombie(self) -> None:
        """Now and then, for hours."""
        if not self._nested and self._chance(self.fault_rates.zombie):
            self.zombies += 1
            self.clock.move(10_000)
            self._rival(reconcile=True)
            for _ in range(self.rng.choice((0, 0, 6))):  # and the others go on for hours
                self._do(self.end_job)
                self._rival()

    def _rival(self, *, reconcile: bool = False) -> None:
        """Another process runs while this one stands still."""
        self._nested = True
        try:
            actions = [self.deliver, self.reconcile]
            if self.plan.is_stopped and self._chance(0.2):  # while a submission is in flight
                actions = [self.cancel]
            self._do(self.reconcile if reconcile else self.rng.choice(actions))
        finally:
            self._nested = False

    def _maybe_crash(self) -> None:
        if self._chance(self.fault_rates.crash):
            self.counts["crash"] += 1
            raise Crash

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability

    # --- what may happen next

    def start(self) -> bool:
        """A user who tries until the run is there; False if it is refused, and nothing stored."""
        order = StartRequest(run_id=RUN_ID, pipeline=self.plan.pipeline.name, version=1)
        while RUN_ID not in self.runs.runs:
            try:
                started = self.engine().start(order)
                self.coverage.performed(started.performed)
            except (Crash, RunExists, RunConflict):
                continue
            except InvalidStart:
                assert self.runs.runs == {}
                return False
        return True

    def tick(self) -> None:
        """One thing happens."""
        actions: tuple[Callable[[], None], ...] = (
            self.end_job,
            self.deliver,
            self.deliver,
            self.later_reconcile,
            self.noise,
        )
        if self.run.status is RunStatus.PAUSED and self._chance(0.3):
            actions = (self.resume,)
        if self._chance(0.02):
            actions = (self.block,)
        if any(step.fail_fast for step in self.plan.pipeline.steps) and self._chance(0.4):
            actions = (self.fail_children,)
        if self.plan.is_stopped and self._chance(0.05):
            actions = (self.cancel,)
        self._do(self.rng.choice(actions))

    def block(self) -> None:
        """A job cannot begin for a while, and AWS Batch says so."""
        for job in self.jobs.jobs.values():
            key = JobKey.parse(job.name)
            if job.outcome is None and key is not None:
                at = self.clock.now()
                event = JobBlocked(at=at, key=key, job_id=job.job_id, reason="CAPACITY")
                self.letters.append(Letter(event))

    def fail_children(self) -> None:
        """Children of arrays at work fail, and DescribeJobs counts them."""
        for job in self.jobs.jobs.values():
            step = self._step(job)
            fates = self.plan.item_fates.get(step.name)
            if job.outcome is None and step.fail_fast and fates is not None:
                count = self.item_runs.failing(job, step, fates)
                job.failed = max(job.failed, self.rng.randint(0, count))
                self.counts["children failed early"] += job.failed > 0

    def cancel(self) -> None:
        """Request the end of the run, again and again; a run with a timeout ends without it."""
        if self.plan.pipeline.timeout_s is None:
            stops_finally = self.plan.pipeline.has_finally_steps and self._chance(0.3)
            wish = CancelRequested(
                at=self.clock.now(), reason=self.reason, stops_finally=stops_finally
            )
            self.coverage.performed(self.engine().handle(RUN_ID, [wish]).performed)

    def _do(self, action: Any) -> None:
        try:
            action()
        except (Crash, BatchrelayError):
            return

    def end_job(self) -> None:
        """A job meets its fate, and AWS Batch says so: never, once or several times."""
        active = [job for job in self.jobs.jobs.values() if self._may_end(job)]
        if active:
            job = self.rng.choice(active)
            failures = self._failed_children(job)
            fate = self._fate(job) if failures is None else _outcome_of(failures)
            self.jobs.end(
                job.job_id, fate, self.reason, at=self.clock.now(), failures=failures or ()
            )
        self._announce_ends()

    def is_left_out(self, job_id: str) -> bool:
        """Whether DescribeJobs does not know a job this time. One that will succeed is known again
        at the next look; one that will fail may be forgotten for good."""
        job = self.jobs.jobs[job_id]
        is_known = self._step(job).name in self.plan.item_fates
        will_fail = job.outcome is None and not is_known and self._fate(job) is JobOutcome.FAILED
        if will_fail and self._chance(self.fault_rates.forgotten):
            self.forgotten.add(job_id)
        if job_id in self.forgotten:
            return True
        if job_id in self.left_out or not self._chance(self.fault_rates.missing):
            return False
        self.left_out.add(job_id)
        return True

    def is_unlisted(self, name: str) -> bool:
        """Whether ListJobs leaves out a name this time."""
        if name in self.unlisted or not self._chance(self.fault_rates.missing):
            self.unlisted.discard(name)
            return False
        self.unlisted.add(name)
        return True

    def _may_end(self, job: MemoryJob) -> bool:
        """A child ends after the child that it waits for, and so do their parents."""
        if job.job_id in self.forgotten:
            return False
        n_to_n_needs = self._upstream_jobs(job)
        return job.outcome is None and all(
            upstream.outcome is not None for upstream in n_to_n_needs
        )

    def _step(self, job: MemoryJob) -> Step:
        key = JobKey.parse(job.name)
        assert key is not None, job
        step = self.plan.pipeline.step_of_label(key.label)
        assert step is not None, job
        return step

    def _failed_children(self, job: MemoryJob) -> list[ChildFailure] | None:
        """Of a step whose items have fates of their own; None of any other."""
        step = self._step(job)
        fates = self.plan.item_fates.get(step.name)
        if fates is None:
            return None
        upstream = {index for up in self._upstream_jobs(job) for index in _failed_indexes(up)}
        self.item_runs.may_repeat = self.zombies > 0
        return self.item_runs.failures(job, step, fates, upstream)

    def _fate(self, job: MemoryJob) -> JobOutcome:
        if any(upstream.outcome is JobOutcome.FAILED for upstream in self._upstream_jobs(job)):
            return JobOutcome.FAILED
        key = JobKey.parse(job.name)
        assert key is not None, job
        fate = self.plan.fate(key.label, key.part)
        assert fate is not None, job
        return fate

    def _upstream_jobs(self, job: MemoryJob) -> list[MemoryJob]:
        entries = job.request.get("dependsOn", [])
        assert isinstance(entries, list)
        return [self.jobs.jobs[entry["jobId"]] for entry in entries if "jobId" in entry]

    def _announce_ends(self) -> None:
        for job in self.jobs.jobs.values():
            if job.outcome is None or job.job_id in self.announced | self.forgotten:
                continue
            self.announced.add(job.job_id)
            event = self._end_event(job.job_id)
            copies = 0 if self._chance(self.fault_rates.drop) else 1
            copies += 2 if self._chance(self.fault_rates.duplicate) else 0
            self.letters.extend(Letter(event) for _ in range(copies))

    def _end_event(self, job_id: str) -> Event:
        job = self.jobs.jobs[job_id]
        key = JobKey.parse(job.name)
        assert key is not None, job
        if job.outcome is JobOutcome.SUCCEEDED:
            return JobSucceeded(at=self.clock.now(), key=key, job_id=job_id)
        return JobFailed(
            at=self.clock.now(),
            key=key,
            job_id=job_id,
            succeeded=job.succeeded,
            failed=job.failed or 1,
            reason=job.reason,
            stopped_at=job.stopped_at,
        )

    def deliver(self) -> None:
        """Some letters, in any order; on failure they come back, a bounded number of times."""
        asked = zip(self.preparations.requested, self.preparations.resumes, strict=True)
        self.letters.extend(Letter(Asked(effect, resume)) for effect, resume in asked)
        self.preparations.requested.clear()
        self.preparations.resumes.clear()
        batch = self.rng.sample(self.letters, k=min(len(self.letters), self.rng.randint(1, 4)))
        prepares = [letter for letter in batch if isinstance(letter.content, Asked)]
        events = [x for x in batch if x not in prepares]
        if events:
            self._hand_over(events, lambda: self._handle([x.content for x in events]))
        for letter in prepares:
            self._hand_over([letter], lambda letter=letter: self._prepare(letter))

    def _hand_over(self, letters: list[Letter], handler: Any) -> None:
        for letter in letters:
            letter.deliveries += 1
        try:
            handler()
        except (Crash, Broken, BatchrelayError):
            letters = [letter for letter in letters if letter.deliveries >= DELIVERIES_MAX]
        self.letters = [letter for letter in self.letters if letter not in letters]

    def _handle(self, letters: list[Event]) -> None:
        """An event's time is that of its delivery, however long it was under way."""
        events = [replace(event, at=self.clock.now()) for event in letters]
        self.coverage.performed(self.engine().handle(RUN_ID, events).performed)
        run = self.runs.runs[RUN_ID]
        for event in events:  # JobBlocked may have been delivered before its submission
            is_folded = advance(run, event) is run or isinstance(event, JobBlocked)
            assert is_folded, f"{event} is not folded once and for all"

    def _prepare(self, letter: Letter) -> None:
        wanted, resume = letter.content.effect, letter.content.resume
        if isinstance(wanted, ContinueRun):
            self.coverage.performed(self.engine().continue_run(RUN_ID).performed)
            return
        if isinstance(wanted, WriteReport):
            self._write_report(wanted, is_last=letter.deliveries >= REPORT_DELIVERIES_MAX)
            return
        if isinstance(wanted, MeasureCost):
            self._measure(wanted, is_last=letter.deliveries >= MEASUREMENT_DELIVERIES_MAX)
            return
        self.dead_attempts[wanted.step] += 1
        with patch.object(attempt, "LOOKS_EVERY", 2):
            handled = self.engine().prepare(
                RUN_ID,
                wanted.step,
                wanted.round,
                resume=resume,
                is_repeated=letter.deliveries > 1,
                time_left=self._time_left(
                    f"suspended-{self.plan.items.get(wanted.step)}-" in resume
                ),
            )
        if UNPREPARED not in handled.run.state(wanted.step).reason:
            self.dead_attempts[wanted.step] -= 1
        self.coverage.performed(handled.performed)

    def _write_report(self, wanted: WriteReport, *, is_last: bool) -> None:
        reports = SimulatedReports(port=Port(self, self.objects), is_poisoned=self._chance(0.1))
        handled = self.engine().write_report(RUN_ID, wanted.redrive, reports.write, is_last=is_last)
        self.coverage.performed(handled.performed)

    def _measure(self, wanted: MeasureCost, *, is_last: bool) -> None:
        measurement = SimulatedMeasurement(port=Port(self, self.jobs), rng=self.rng)
        handled = measure_cost(
            self.engine(), RUN_ID, wanted.number, measurement.measure, is_last=is_last
        )
        self.coverage.performed(handled.performed)

    def resume(self) -> None:
        """A person lets a run that is PAUSED go on; two ask at the same moment, now and then."""
        if self.run.status is RunStatus.PAUSED:
            spent = 0.0 if self.run.cost is None else self.run.cost.usd
            usd = spent + self.rng.choice((0.5, 2, 100))
            for _ in range(self.rng.choice((1, 2))):
                self.coverage.performed(resume(self.engine(), RUN_ID, usd).performed)
                self.counts["resumed"] += 1

    def _seconds_left(self) -> float:
        """Of an invocation, for its effects."""
        return 0.0 if self._chance(self.fault_rates.hurried) else 999.0

    def _time_left(self, was_read_whole: bool) -> Callable[[], float]:
        """An invocation that has nothing to read has the time that it needs for a queue."""
        return lambda: 50.0 if self._chance(self.fault_rates.slow) and not was_read_whole else 999.0

    def later_reconcile(self) -> None:
        self.clock.move(self.rng.choice((1, 60, 400, 2_000)))
        self.reconcile()

    def reconcile(self) -> None:
        for run_id in self.runs.open_runs():
            self.coverage.performed(self.engine().reconcile(run_id).performed)

    def noise(self) -> None:
        """An event that is stale, foreign or absurd must change nothing."""
        step = self.rng.choice(self.plan.pipeline.steps)
        key = JobKey(
            run_id=self.rng.choice((RUN_ID, "other")),
            label=self.rng.choice((step.label, "unknown")),
            round=7,
            part=self.rng.randint(0, 9),
        )
        kinds = (JobSucceeded, JobSubmitted)
        event = self.rng.choice(kinds)(at=self.clock.now(), key=key, job_id="foreign")
        run = self.runs.runs[RUN_ID]
        assert advance(run, event) is run, event

    @property
    def run(self) -> Run:
        return self.runs.runs[RUN_ID]


def _failed_indexes(job: MemoryJob) -> Collection[int]:
    """The children that did not succeed: those that failed, or all of a job that was stopped."""
    was_stopped = job.outcome is JobOutcome.FAILED and not job.failures
    return range(job.size) if was_stopped else job.failures
