"""Plays one run: ends of jobs go to the engine, and what it asks for goes to AWS Batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from batch_local.simulation import Job, job_detail
from batchrelay.adapters.memory import (
    MemoryBackoff,
    MemoryEventBus,
    MemoryLogs,
    MemoryNotices,
    MemoryPipelineStore,
    MemoryPreparations,
)
from batchrelay.codec.job_detail import end_of, report_of
from batchrelay.domain.effects import ContinueRun, LongWork, Prepare
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.values import JobKey
from batchrelay.engine.engine import Engine
from batchrelay.engine.outcome import Handled
from batchrelay.preparation.prepare import Preparation
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.simulate.agenda import Agenda
from batchrelay_cli.simulate.batch import SimulatedBatch, SimulatedResources
from batchrelay_cli.simulate.counted import CountedObjects, CountedQueues, CountedRuns
from batchrelay_cli.simulate.made_items import BUCKET, with_made_items
from batchrelay_cli.simulate.orchestration import Calls
from batchrelay_cli.simulate.programs import Programs, step_of
from batchrelay_cli.simulate.scenario import Scenario
from batchrelay_cli.simulate.waits import Waits

RUN_ID = "simulated"
TOPIC = "arn:aws:sns:us-east-1:000000000000:simulated"

RECONCILE_MS = 5 * 60_000
"""Between two runs of reconcile. Source: template.yaml, ReconcileMinutes."""

OPEN_DAYS_MAX = 89
"""Of a stack with the default of RunTtlDays."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """What happened."""

    run: Run
    jobs: Sequence[Job]
    """Simple jobs and parents, in the order of their submission."""
    programs: Programs
    waits: Waits
    calls: Calls

    @property
    def makespan_ms(self) -> int:
        """From the start to the end of the run."""
        ended_at = self.run.ended_at or self.run.started_at
        return round((ended_at - self.run.started_at).total_seconds() * 1_000)


def play(
    pipeline: Pipeline,
    definitions: Sequence[Mapping[str, Any]],
    params: Mapping[str, str],
    scenario: Scenario,
) -> Played:
    """Play a run to its end, without budget and report: nothing of a simulated run is to be paid.

    Raises:
        InputError: the run does not start.
        UsageProblem: a child of it would never start.
    """
    made, objects = with_made_items(replace(pipeline, budget=None, report=False), scenario.items)
    world = _World(made, definitions, objects, scenario)
    world.start(params)
    world.finish()
    return Played(
        run=world.run,
        jobs=world.batch.jobs,
        programs=world.programs,
        waits=world.waits,
        calls=world.calls,
    )


class _World:
    """One run, its engine, and AWS Batch."""

    def __init__(
        self,
        pipeline: Pipeline,
        definitions: Sequence[Mapping[str, Any]],
        objects: Mapping[str, bytes],
        scenario: Scenario,
    ) -> None:
        self.pipeline = pipeline
        self.calls = Calls()
        self.agenda = Agenda()
        self.runs = CountedRuns(calls=self.calls)
        self.queues = CountedQueues(calls=self.calls)
        self.objects = CountedObjects(dict(objects), calls=self.calls)
        self.notices = MemoryNotices()
        self.preparations = MemoryPreparations()
        self.programs = Programs(self.agenda, scenario, self.objects, self.queues)
        self.batch = SimulatedBatch(
            agenda=self.agenda,
            scenario=scenario,
            programs=self.programs,
            definitions=definitions,
            on_end=self._deliver,
        )
        self.waits = Waits(self.batch)
        self.engine = self._engine()

    def _engine(self) -> Engine:
        pipelines = MemoryPipelineStore()
        pipelines.register(self.pipeline, self.agenda.now())
        return Engine(
            runs=self.runs,
            pipelines=pipelines,
            jobs=self.batch,
            notices=self.notices,
            event_bus=MemoryEventBus(),
            presigner=self.objects,
            queues=self.queues,
            consumable_resources=SimulatedResources(self.batch, self.agenda),
            preparations=self.preparations,
            preparation=Preparation(
                objects=self.objects,
                queues=self.queues,
                jobs=self.batch,
                logs=MemoryLogs(),
                clock=self.agenda,
            ),
            clock=self.agenda,
            backoff=MemoryBackoff(),
            environment={"bucket": BUCKET, "topicArn": TOPIC},
            open_days_max=OPEN_DAYS_MAX,
        )

    @property
    def run(self) -> Run:
        """As it is stored."""
        return self.runs.runs[RUN_ID]

    def start(self, params: Mapping[str, str]) -> None:
        """Start the run, and reconcile beside it."""
        request = StartRequest(run_id=RUN_ID, pipeline=self.pipeline.name, params=params)
        self._called(self.engine.start(request))
        self.agenda.after(RECONCILE_MS, self._reconcile)

    def finish(self) -> None:
        """Do all that is due, until nothing of the run is left to do."""
        while list(self.runs.open_runs()):
            due_ms = self.agenda.next_ms()
            assert due_ms is not None  # reconcile comes again
            self.waits.add(due_ms - self.agenda.now_ms)
            self.agenda.step()
            if self.batch.too_large is not None:
                raise UsageProblem(_too_large(self.batch.too_large))
        self.calls.publishes = len(self.notices.published)

    # --- the handlers

    def _deliver(self, job: Job) -> None:
        """on_job_event, of one event."""
        key = JobKey.parse(job.spec.name)
        assert key is not None, job.spec.name
        event = end_of(report_of(job_detail(job)), key, self.agenda.now())
        assert event is not None, job
        self.calls.messages += 1
        self._called(self.engine.handle(RUN_ID, [event]))

    def _reconcile(self) -> None:
        for run_id in self.runs.open_runs():
            self._ask(self.engine.reconcile(run_id))
        self.agenda.after(RECONCILE_MS, self._reconcile)

    def _long_work(self, effect: LongWork, resume: str) -> None:
        """prepare, of one message."""
        match effect:
            case Prepare():
                handled = self.engine.prepare(RUN_ID, effect.step, effect.round, resume=resume)
                self._called(handled)
            case ContinueRun():
                self._called(self.engine.continue_run(RUN_ID))
            case _:
                raise AssertionError(effect)

    def _called(self, handled: Handled) -> None:
        """After each invocation."""
        self.calls.invocations += 1
        self._ask(handled)

    def _ask(self, handled: Handled) -> None:
        """Reconcile is one invocation for all open runs, which no run is charged for."""
        if handled.problem is not None:
            raise handled.problem
        requested = tuple(zip(self.preparations.requested, self.preparations.resumes, strict=True))
        self.preparations.requested.clear()
        self.preparations.resumes.clear()
        for effect, resume in requested:
            self.calls.messages += 1
            delay = self.programs.event_delay_ms()
            self.agenda.after(delay, partial(self._long_work, effect, resume))


def _too_large(job: Job) -> str:
    asked, there = job.spec.vcpus, job.spec.queue.environment.max_vcpus
    return (
        f"a child of step {step_of(job)} asks for {asked:g} vCPUs, and there are {there:g} in all: "
        f"write --vcpus {asked:g} or more"
    )
