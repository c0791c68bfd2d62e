"""Many runs of one pipeline: their starts, the events of their jobs, and all that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from batch_local.simulation import Job, job_detail
from batchrelay.adapters.memory import (
    MemoryEventBus,
    MemoryLogs,
    MemoryNotices,
    MemoryPipelineStore,
    MemoryQueues,
)
from batchrelay.codec.job_detail import end_of, report_of
from batchrelay.domain.effects import LongWork, Prepare
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.run import StartRequest
from batchrelay.domain.values import JobKey
from batchrelay.engine.engine import Engine
from batchrelay.engine.outcome import Handled
from batchrelay.preparation.prepare import Preparation
from batchrelay.prices import list_prices
from batchrelay_cli.client.estimate import ANY_STEP
from batchrelay_cli.simulate.agenda import START_MS, Agenda
from batchrelay_cli.simulate.batch import SimulatedResources
from batchrelay_cli.simulate.distributions import parse_distribution
from batchrelay_cli.simulate.orchestration import LAMBDA_GB, SQS_REQUESTS
from batchrelay_cli.simulate.programs import Programs
from batchrelay_cli.simulate.scenario import Scenario
from verification.scale.account import CountedBatch, ListedObjects, QuotaJobs
from verification.scale.invocations import Invocations, VirtualBackoff
from verification.scale.limits import Pool
from verification.scale.store import TimedRuns

HANDLERS = 10
"""Source: template.yaml, HandlerConcurrency."""

EVENT = "500ms"
"""From the end of a job to the queue, by EventBridge: an assumption."""

VCPUS = 10_000_000
"""More than there are children: what is asked is what the orchestration bounds."""


@dataclass
class SentPreparations:
    """The port Preparations: a message is in the queue at once."""

    preparers: Pool[tuple[LongWork, str]]

    def request(self, effect: LongWork, resume: str = "") -> None:
        self.preparers.put((effect, resume))


class World:
    """An account with a stack.

    Args:
        child_ms: what each child takes, from its place on a machine to its end.
        listed: objects that a listing has.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        definitions: Sequence[Mapping[str, Any]],
        *,
        child_ms: int,
        vcpus: int = VCPUS,
        listed: int = 0,
    ) -> None:
        self.pipeline = pipeline
        self.asked_at: dict[str, int] = {}
        self.agenda = Agenda()
        self.invocations = Invocations(self.agenda)
        self.runs = TimedRuns(agenda=self.agenda, invocations=self.invocations)
        self.objects = ListedObjects(invocations=self.invocations, listed=listed)
        queues, scenario = MemoryQueues(), assumed(child_ms, vcpus)
        self.batch = CountedBatch(
            agenda=self.agenda,
            vcpus=vcpus,
            child_ms=child_ms,
            scenario=scenario,
            programs=Programs(self.agenda, scenario, self.objects, queues),
            definitions=definitions,
            on_end=self._on_end,
        )
        self.jobs = QuotaJobs(self.batch, self.agenda, self.invocations)
        self._add_pools()
        self.engine = self._engine(queues)

    def _add_pools(self) -> None:
        """The functions, as template.yaml has them."""
        pool = partial(Pool, self.agenda, self.invocations)
        self.starters: Pool[str] = pool(
            at_once=5, batch=10, window_ms=1_000, timeout_s=60, handle=self._start
        )
        self.handlers: Pool[Job] = pool(
            at_once=HANDLERS, batch=100, window_ms=1_000, timeout_s=60, handle=self._deliver
        )
        self.preparers: Pool[tuple[LongWork, str]] = pool(
            at_once=HANDLERS, batch=1, window_ms=0, timeout_s=900, handle=self._prepare
        )

    def _engine(self, queues: MemoryQueues) -> Engine:
        pipelines = MemoryPipelineStore()
        pipelines.register(self.pipeline, self.agenda.now())
        return Engine(
            runs=self.runs,
            pipelines=pipelines,
            jobs=self.jobs,
            notices=MemoryNotices(),
            event_bus=MemoryEventBus(),
            presigner=self.objects,
            queues=queues,
            consumable_resources=SimulatedResources(self.batch, self.agenda),
            preparations=SentPreparations(self.preparers),
            preparation=Preparation(
                objects=self.objects,
                queues=queues,
                jobs=self.jobs,
                logs=MemoryLogs(),
                clock=self.agenda,
            ),
            clock=self.agenda,
            backoff=VirtualBackoff(self.invocations),
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

    # --- what came of it

    def seconds(self) -> list[float]:
        """What each run took, from the trigger to its end, ascending."""
        ends = ((run.id, run.ended_at) for run in self.runs.runs.values())
        return sorted(
            end.timestamp() - self.asked_at[run_id] / 1_000
            for run_id, end in ends
            if end is not None
        )

    def pools(self) -> tuple[Pool[Any], ...]:
        """All functions."""
        return self.starters, self.handlers, self.preparers

    def dollars(self) -> float:
        """What the orchestration costs, by list prices: not what the jobs do."""
        invocations = sum(pool.invocations for pool in self.pools())
        busy_s = sum(pool.busy_ms for pool in self.pools()) / 1_000
        messages = sum(len(pool.waits_ms) for pool in self.pools())
        units = {
            "lambda.requests": invocations,
            "lambda.gbSeconds": busy_s * LAMBDA_GB,
            "dynamodb.writeUnits": self.runs.writes.total,
            "dynamodb.readUnits": self.runs.reads.total,
            "sqs.requests": messages * SQS_REQUESTS,
            "s3.puts": self.objects.puts,
        }
        prices = list_prices().per_million
        return sum(count * prices[kind] / 1e6 for kind, count in units.items())

    # --- the functions

    def _on_end(self, job: Job) -> None:
        self.handlers.put(job)

    def _start(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            request = StartRequest(run_id=run_id, pipeline=self.pipeline.name)
            _check(self.engine.start(request))

    def _deliver(self, jobs: Sequence[Job]) -> None:
        events: dict[str, list[Any]] = {}
        for job in jobs:
            key = JobKey.parse(job.spec.name)
            assert key is not None, job.spec.name
            event = end_of(report_of(job_detail(job)), key, self.agenda.now())
            events.setdefault(key.run_id, []).append(event)
        for run_id, of_run in events.items():
            _check(self.engine.handle(run_id, of_run))

    def _prepare(self, messages: Sequence[tuple[LongWork, str]]) -> None:
        for effect, resume in messages:
            if isinstance(effect, Prepare):
                _check(
                    self.engine.prepare(
                        effect.run_id,
                        effect.step,
                        effect.round,
                        resume=resume,
                        time_left=self.invocations.time_left,
                    )
                )
            else:
                _check(self.engine.continue_run(effect.run_id))


def _check(handled: Handled) -> None:
    if handled.problem is not None:
        raise handled.problem


def assumed(child_ms: int, vcpus: int) -> Scenario:
    """In the words of `batchrelay simulate`, of which parts are used here."""
    at_once = parse_distribution("0s")
    return Scenario(
        durations={ANY_STEP: parse_distribution(f"{child_ms}ms")},
        items={},
        vcpus={ANY_STEP: vcpus},
        fail={},
        spot=0,
        starts={"EC2": at_once, "FARGATE": at_once},
        event_delay=parse_distribution(EVENT),
        seed=1,
    )
