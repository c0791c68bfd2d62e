"""Small values for tests: say what matters, leave the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, TypedDict, Unpack

import pytest

from batchrelay.adapters.memory import (
    MemoryBackoff,
    MemoryClock,
    MemoryConsumableResources,
    MemoryDeliveries,
    MemoryEventBus,
    MemoryJobs,
    MemoryLogs,
    MemoryNotices,
    MemoryObjects,
    MemoryPipelineStore,
    MemoryPreparations,
    MemoryQueues,
    MemoryRunStore,
    MemoryTimers,
    MemoryUploadBatches,
)
from batchrelay.domain.budget import Budget
from batchrelay.domain.effects import Prepare
from batchrelay.domain.events import Event, FailuresCollected
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import (
    Aggregate,
    ForEach,
    Group,
    ListFile,
    ListFormat,
    NoticeRule,
    Param,
    Pipeline,
    Step,
)
from batchrelay.domain.retry_rounds import may_go_on
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.transitions import advance, new_run
from batchrelay.domain.values import JobKey, Json
from batchrelay.engine.engine import Engine
from batchrelay.preparation.prepare import Preparation
from batchrelay.triggers.batching import UploadBatches
from batchrelay.triggers.dispatch import TriggerDispatch

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENT = {"bucket": "the-bucket", "topicArn": "arn:aws:sns:us-east-1:1:the-topic"}
OPEN_DAYS_MAX = 89
"""Of a stack with the default of RunTtlDays."""


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Flow(TypedDict, total=False):
    """What else a step has."""

    aggregate: Aggregate | None
    canary: int | None
    chunk: int | None
    fail_fast: bool
    for_each: ForEach | None
    groups: tuple[Group, ...]
    is_finally: bool
    max_running: int | None
    n_to_n_needs: frozenset[str]
    output: str | None
    retry_failed: RetryFailed | None
    sequential: bool
    skip_existing: str | None
    tolerate: Tolerate | None
    unsafe_shell: bool
    when: str | None
    workers: int | None


def step(
    name: str,
    *needs: str,
    size: int | None = None,
    file: str | None = None,
    request: Mapping[str, Json] | None = None,
    **flow: Unpack[Flow],
) -> Step:
    document: dict[str, Json] = {
        "jobQueue": "queue",
        "jobDefinition": "noop:1",
        **(request or {}),
    }
    if size is not None:
        document["arrayProperties"] = {"size": size}
    if file:
        flow["for_each"] = ListFile(file=file, format=ListFormat.JSON, items="Items")
    return Step(name=name, needs=needs, request=document, **flow)


def pipeline(
    *steps: Step,
    params: tuple[Param, ...] = (),
    notify: tuple[NoticeRule, ...] = (),
    timeout_s: int | None = None,
    report: bool = False,
    budget: Budget | None = None,
) -> Pipeline:
    return Pipeline(
        name="test",
        version=1,
        steps=steps,
        params=params,
        notify=notify,
        timeout_s=timeout_s,
        report=report,
        budget=budget,
    )


def run_of(
    *steps: Step,
    params: Mapping[str, str] | None = None,
    notify: tuple[NoticeRule, ...] = (),
    timeout_s: int | None = None,
) -> Run:
    return new_run(
        run_id="run1",
        pipeline=pipeline(*steps, notify=notify, timeout_s=timeout_s),
        params=params or {},
        environment=ENVIRONMENT,
        at=T0,
    )


CAUSES = "2 × ExitCode (exit code 1), 1 × Other"


def fold(run: Run, *events: Event) -> Run:
    """The run after these facts; what only its causes are wanted of has them."""
    return reduce(lambda run, event: with_causes(advance(run, event)), events, run)


def with_causes(run: Run) -> Run:
    """The run after the causes of its failed steps were collected, where nothing else is asked."""
    for step in run.pipeline.order:
        state = run.state(step.name)
        is_collecting = state.status is StepStatus.PREPARING and state.is_retry
        if is_collecting and not may_go_on(run, step):
            return with_causes(advance(run, failures_of(step, state)))
    return run


def failures_of(step: Step, state: StepState) -> FailuresCollected:
    """As the collector finds them: every failed child, for the reason of its job."""
    latest = state.earlier_rounds[-1]
    assert state.since is not None
    return FailuresCollected(
        at=state.since,
        step=step.name,
        round=state.round,
        failed=sum(part.failed for part in latest),
        upstream=0,
        stopped=sum(part.stopped for part in latest),
        reason=state.job_reason if state.early_stop is None else CAUSES,
        failures=f"s3://the-bucket/{step.name}/failures/",
        children=(),
    )


def key(label: str, part: int = 0, *, round: int = 0, run_id: str = "run1") -> JobKey:  # noqa: A002  # the domain's word
    return JobKey(run_id=run_id, label=label, round=round, part=part)


def variables_of(request: Mapping[str, Json]) -> dict[str, str]:
    """The environment that a SubmitJob request gives to its job."""
    overrides = request["containerOverrides"]
    assert isinstance(overrides, Mapping)
    environment = overrides["environment"]
    assert isinstance(environment, list)
    return {entry["name"]: entry["value"] for entry in environment}


def steps_of(document: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """The steps of a run's public document."""
    steps = document["steps"]
    assert isinstance(steps, list)
    return steps


@contextmanager
def dies_at(monkeypatch: pytest.MonkeyPatch, port: object, method: str) -> Iterator[None]:
    """A caller of this method of a port dies there."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(port, method, die)
        yield


@dataclass(frozen=True)
class Process:
    """What one Lambda environment holds."""

    engine: Engine
    triggers: TriggerDispatch


class MemoryCloud:
    """An engine on the memory adapters, and everything that can be asked of them."""

    def __init__(self, definition: Pipeline) -> None:
        self.clock = MemoryClock(time=T0)
        self.runs = MemoryRunStore()
        self.pipelines = MemoryPipelineStore()
        self.pipelines.put_pipeline(definition)
        self.jobs, self.logs = MemoryJobs(), MemoryLogs()
        self.notices = MemoryNotices()
        self.event_bus = MemoryEventBus()
        self.preparations = MemoryPreparations()
        self.objects = MemoryObjects()
        self.queues = MemoryQueues()
        self.resources = MemoryConsumableResources()
        self.deliveries = MemoryDeliveries()
        self.upload_batches, self.timers = MemoryUploadBatches(), MemoryTimers()
        process = self.process()
        self.engine, self.triggers = process.engine, process.triggers

    def process(self, through: Callable[[Any], Any] = lambda port: port) -> Process:
        """A process that remembers nothing; its calls of a port go through something."""
        objects, queues, jobs = map(through, (self.objects, self.queues, self.jobs))
        engine = Engine(
            runs=through(self.runs),
            pipelines=self.pipelines,
            jobs=jobs,
            notices=through(self.notices),
            event_bus=through(self.event_bus),
            presigner=objects,
            preparations=through(self.preparations),
            queues=queues,
            consumable_resources=through(self.resources),
            preparation=Preparation(
                objects=objects,
                queues=queues,
                jobs=jobs,
                logs=through(self.logs),
                clock=self.clock,
            ),
            clock=self.clock,
            backoff=MemoryBackoff(),
            environment=ENVIRONMENT,
            open_days_max=OPEN_DAYS_MAX,
        )
        upload_batches = UploadBatches(
            store=through(self.upload_batches),
            timers=through(self.timers),
            objects=objects,
            runs=engine.runs,
            pipelines=self.pipelines,
            clock=self.clock,
            backoff=engine.backoff,
            bucket=ENVIRONMENT["bucket"],
            start=engine.start,
        )
        triggers = TriggerDispatch(upload_batches=upload_batches, start=engine.start)
        return Process(engine=engine, triggers=triggers)

    def prepare(self) -> None:
        """Every preparation of a step that was requested, and those that follow."""
        while wanted := [e for e in self.preparations.requested if isinstance(e, Prepare)]:
            for effect in wanted:
                self.preparations.requested.remove(effect)
                self.engine.prepare(effect.run_id, effect.step, effect.round)
