"""Many runs of one pipeline: their starts, the events of their jobs, and all that follows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from batch_local.simulation import Job, job_detail
from batchrelay.adapters.memory import (
    MemoryBackoff,
    MemoryEventBus,
    MemoryLogs,
    MemoryNotices,
    MemoryObjects,
    MemoryPipelineStore,
    MemoryPreparations,
    MemoryQueues,
    MemoryRunStore,
)
from batchrelay.codec.job_detail import end_of, report_of
from batchrelay.domain.effects import LongWork, Prepare
from batchrelay.domain.errors import Throttled
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.values import JobKey
from batchrelay.engine.engine import Engine
from batchrelay.engine.outcome import Handled
from batchrelay.preparation.prepare import Preparation
from batchrelay_cli.client.estimate import ANY_STEP
from batchrelay_cli.simulate.agenda import START_MS, Agenda
from batchrelay_cli.simulate.batch import SimulatedBatch, SimulatedResources
from batchrelay_cli.simulate.distributions import parse_distribution
from batchrelay_cli.simulate.programs import Programs
from batchrelay_cli.simulate.scenario import Scenario
from verification.scale.limits import (
    INVOCATION_MS,
    READ_MS,
    SUBMIT_MS,
    SUBMITS_AT_ONCE,
    WRITE_MS,
    Pool,
    SubmitQuota,
)

HANDLERS = 10
"""Source: template.yaml, HandlerConcurrency."""

EVENT = "500ms"
"""From the end of a job to the queue, by EventBridge: an assumption."""


@dataclass
class TimedRuns(MemoryRunStore):
    """Runs in memory, and how long DynamoDB took for them."""

    took_ms: int = 0

    def create(self, run: Run, run_queue: RunQueue | None = None) -> Run:
        self.took_ms += WRITE_MS
        return super().create(run, run_queue)

    def load(self, run_id: str) -> Run:
        self.took_ms += READ_MS
        return super().load(run_id)

    def save(self, run: Run) -> Run:
        self.took_ms += WRITE_MS
        return super().save(run)


class SlowStarts(Programs):
    """Jobs that begin once SubmitJob has accepted them."""

    accepted_after_ms = 0

    def start_ms(self, job: Job) -> int:
        return super().start_ms(job) + self.accepted_after_ms


class QuotaJobs:
    """The port Jobs: SubmitJob has its quota, and takes its time."""

    def __init__(self, batch: SimulatedBatch, programs: SlowStarts, agenda: Agenda) -> None:
        self.quota = SubmitQuota()
        self.took_ms = 0
        self._batch, self._programs, self._agenda = batch, programs, agenda

    def __getattr__(self, method: str) -> Any:
        return getattr(self._batch, method)

    def submit_all(self, requests: Sequence[Mapping[str, Any]]) -> Sequence[str | Exception]:
        answers = [self._submit(request) for request in requests]
        self.took_ms += math.ceil(len(requests) / SUBMITS_AT_ONCE) * SUBMIT_MS
        return answers

    def _submit(self, request: Mapping[str, Any]) -> str | Exception:
        now_ms = self._agenda.now_ms + self.took_ms
        at = self.quota.accepted_at(now_ms)
        if at is None:
            return Throttled("429")
        self._programs.accepted_after_ms = at - self._agenda.now_ms
        answer = self._batch.submit_all([request])[0]
        self._programs.accepted_after_ms = 0
        self.took_ms = max(self.took_ms, at - self._agenda.now_ms)
        return answer


class World:
    """An account with a stack."""

    def __init__(self, pipeline: Pipeline, definitions: Sequence[Mapping[str, Any]],
                 duration: str, seed: int = 1) -> None:  # fmt: skip
        self.agenda = Agenda()
        self.runs = TimedRuns()
        self.preparations = MemoryPreparations()
        self.asked_at: dict[str, int] = {}
        scenario = _scenario(duration, seed)
        objects, queues = MemoryObjects(), MemoryQueues()
        programs = SlowStarts(self.agenda, scenario, objects, queues)
        self.batch = SimulatedBatch(
            agenda=self.agenda,
            scenario=scenario,
            programs=programs,
            definitions=definitions,
            on_end=self._on_end,
        )
        self.jobs = QuotaJobs(self.batch, programs, self.agenda)
        pool = partial(Pool, self.agenda)
        self.starters: Pool[str] = pool(at_once=5, batch=10, window_ms=1_000, handle=self._start)
        self.handlers: Pool[Job] = pool(
            at_once=HANDLERS, batch=100, window_ms=1_000, handle=self._deliver
        )
        self.preparers: Pool[tuple[LongWork, str]] = pool(
            at_once=HANDLERS, batch=1, window_ms=0, handle=self._prepare
        )
        self.pipeline = pipeline
        pipelines = MemoryPipelineStore()
        pipelines.register(pipeline, self.agenda.now())
        self.engine = Engine(
            runs=self.runs,
            pipelines=pipelines,
            jobs=self.jobs,
            notices=MemoryNotices(),
            event_bus=MemoryEventBus(),
            presigner=objects,
            queues=queues,
            consumable_resources=SimulatedResources(self.batch, self.agenda),
            preparations=self.preparations,
            preparation=Preparation(
                objects=objects,
                queues=queues,
                jobs=self.jobs,
                logs=MemoryLogs(),
                clock=self.agenda,
            ),
            clock=self.agenda,
            backoff=MemoryBackoff(),
            environment={"bucket": "scale", "topicArn": "arn:aws:sns:us-east-1:0:scale"},
            open_days_max=89,
        )

    def start_after(self, delay_ms: int, run_id: str) -> None:
        """A trigger asks for a run."""
        self.asked_at[run_id] = START_MS + delay_ms
        self.agenda.after(delay_ms, partial(self.starters.put, run_id))

    def play(self) -> None:
        """To the end of all that is due; reconcile has nothing to do where nothing is lost."""
        while self.agenda.next_ms() is not None:
            self.agenda.step()

    def seconds(self) -> list[float]:
        """What each run took, from the trigger to its end, ascending."""
        ends = ((run.id, run.ended_at) for run in self.runs.runs.values())
        return sorted(
            end.timestamp() - self.asked_at[run_id] / 1_000
            for run_id, end in ends
            if end is not None
        )

    # --- the functions, each invocation with the milliseconds that it takes

    def _on_end(self, job: Job) -> None:
        self.handlers.put(job)

    def _start(self, run_ids: Sequence[str]) -> int:
        for run_id in run_ids:
            request = StartRequest(run_id=run_id, pipeline=self.pipeline.name)
            self._done(self.engine.start(request))
        return self._took_ms()

    def _deliver(self, jobs: Sequence[Job]) -> int:
        events: dict[str, list[Any]] = {}
        for job in jobs:
            key = JobKey.parse(job.spec.name)
            assert key is not None, job.spec.name
            event = end_of(report_of(job_detail(job)), key, self.agenda.now())
            events.setdefault(key.run_id, []).append(event)
        for run_id, of_run in events.items():
            self._done(self.engine.handle(run_id, of_run))
        return self._took_ms()

    def _prepare(self, messages: Sequence[tuple[LongWork, str]]) -> int:
        for effect, resume in messages:
            if isinstance(effect, Prepare):
                run_id, step, number = effect.run_id, effect.step, effect.round
                self._done(self.engine.prepare(run_id, step, number, resume=resume))
            else:
                self._done(self.engine.continue_run(effect.run_id))
        return self._took_ms()

    def _done(self, handled: Handled) -> None:
        if handled.problem is not None:
            raise handled.problem
        requested = tuple(zip(self.preparations.requested, self.preparations.resumes, strict=True))
        self.preparations.requested.clear()
        self.preparations.resumes.clear()
        for message in requested:
            self.preparers.put(message)

    def _took_ms(self) -> int:
        took_ms = INVOCATION_MS + self.runs.took_ms + self.jobs.took_ms
        self.runs.took_ms = self.jobs.took_ms = 0
        return took_ms


def _scenario(duration: str, seed: int) -> Scenario:
    """As many vCPUs as there are jobs: what is asked is what the orchestration bounds."""
    at_once = parse_distribution("0s")
    return Scenario(
        durations={ANY_STEP: parse_distribution(duration)},
        items={},
        vcpus={ANY_STEP: 10_000_000},
        fail={},
        spot=0,
        starts={"EC2": at_once, "FARGATE": at_once},
        event_delay=parse_distribution(EVENT),
        seed=seed,
    )
