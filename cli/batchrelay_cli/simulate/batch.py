"""AWS Batch on virtual time: the scheduler of the local one, and programs that only take time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from batch_local.simulation import (
    ENTRYPOINT_TAG,
    ClientException,
    ComputeEnvironment,
    Job,
    JobDefinitions,
    JobQueue,
    JobStatus,
    Kind,
    Node,
    Scheduler,
    check,
    job_detail,
    job_summary,
    spec_of,
)
from batchrelay.codec.job_detail import failure_of, failures_without_children, report_of
from batchrelay.domain.consumable_resources import ConsumableResource
from batchrelay.domain.errors import JobForgotten, Refused
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.job_queues import JobQueue as NamedQueue
from batchrelay.domain.values import Json
from batchrelay_cli.client.estimate import ANY_STEP
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.simulate.agenda import Agenda
from batchrelay_cli.simulate.programs import Programs
from batchrelay_cli.simulate.scenario import Scenario

FOR_EVER_MS = 2**53
"""How long an ended job is remembered: its attempts are looked at when the run has ended."""


class SimulatedBatch:
    """The port Jobs, over a scheduler on virtual time.

    Args:
        on_end: is given a simple job or a parent that has ended, when its event arrives.
    """

    def __init__(
        self,
        *,
        agenda: Agenda,
        scenario: Scenario,
        programs: Programs,
        definitions: Sequence[Mapping[str, Any]],
        on_end: Callable[[Job], None],
    ) -> None:
        self.scheduler = Scheduler(
            new_id=self._new_id,
            observe=self._observe,
            observe_blocked=self._observe_blocked,
            retention_ms=FOR_EVER_MS,
        )
        self.jobs: list[Job] = []
        """Simple jobs and parents, in the order of their submission."""
        self.too_large: Job | None = None
        """One that will never begin."""
        self._agenda, self._scenario, self._on_end = agenda, scenario, on_end
        self._programs = programs
        self._ids = 0
        self._timer_ms: int | None = None
        self._definitions = _registered(definitions)
        self._queues: dict[str, JobQueue] = {}
        self._environments = {
            name: ComputeEnvironment(name=name, arn=name, max_vcpus=vcpus)
            for name, vcpus in scenario.vcpus.items()
        }

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:08x}-0000-4000-8000-000000000000"

    # --- the port

    def submit_all(self, requests: Sequence[Mapping[str, Json]]) -> Sequence[str | Exception]:
        return [self._submit(dict(request)) for request in requests]

    def find(self, queue: str, name: str) -> tuple[str, ...]:
        here = self._queue(queue).name
        return tuple(j.id for j in self.jobs if (j.spec.queue.name, j.spec.name) == (here, name))

    def queues(self) -> Sequence[NamedQueue]:
        return [NamedQueue(name=q.name, arn=q.arn, state=q.state) for q in self._queues.values()]

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        jobs = (self.scheduler.find(job_id) for job_id in job_ids)
        return tuple(report_of(job_detail(job)) for job in jobs if job is not None)

    def failed_children(self, job_id: str) -> Iterator[ChildFailure]:
        job = self.scheduler.find(job_id)
        if job is None:
            raise JobForgotten(f"AWS Batch no longer knows job {job_id}")
        if not job.is_parent:
            yield from (_failure(job),) if job.status is JobStatus.FAILED else ()
        elif job.children:
            failed = (child for child in job.children if child.status is JobStatus.FAILED)
            yield from map(_failure, failed)
        else:
            yield from failures_without_children(job_detail(job))

    def terminate(self, job_ids: Sequence[str], reason: str) -> tuple[str, ...]:
        for job in filter(None, map(self.scheduler.find, job_ids)):
            self.scheduler.terminate(job, reason, self._agenda.now_ms)
        self.follow()
        return tuple(job_ids)

    def _submit(self, request: dict[str, Any]) -> str | Exception:
        queue = self._queue(request["jobQueue"])
        if "shareIdentifier" in request:
            queue.scheduling_policy = "simulated"
        try:
            check(request)
            spec = spec_of(request, queue, self._definitions.resolve(request["jobDefinition"]))
        except ClientException as error:
            return Refused(str(error))
        job = self.scheduler.submit(spec, self._agenda.now_ms)
        self.jobs.append(job)
        self.follow()
        return job.id

    def _queue(self, reference: str) -> JobQueue:
        name = reference.rpartition("job-queue/")[2]
        if name not in self._queues:
            environment = self._environments.get(name) or self._environments[ANY_STEP]
            self._queues[name] = JobQueue(
                name=name, arn=f"job-queue/{name}", environment=environment
            )
        return self._queues[name]

    # --- what the scheduler asks for

    def follow(self) -> None:
        """Do what time has brought about, and what the scheduler asks for."""
        due = self.scheduler.tick(self._agenda.now_ms)
        launches, self.scheduler.launches = self.scheduler.launches, []
        for launch in launches:
            job, attempt = launch.job, launch.attempt
            delay = self._programs.start_ms(job)
            self._agenda.after(delay, partial(self._programs.begin, self, job, attempt))
        signals, self.scheduler.signals = self.scheduler.signals, []
        for signal in signals:
            self._programs.stop(self, signal.job, signal.job.attempts[-1])
        if due is not None and (self._timer_ms is None or due < self._timer_ms):
            self._timer_ms = due
            self._agenda.after(max(0, due - self._agenda.now_ms), self._on_timer)

    def _on_timer(self) -> None:
        self._timer_ms = None
        self.follow()

    def _observe(self, job: Job) -> None:
        if job.parent is None and job.status.is_terminal:
            self._agenda.after(self._programs.event_delay_ms(), partial(self._on_end, job))

    def _observe_blocked(self, job: Job) -> None:
        self.too_large = job


def _failure(job: Job) -> ChildFailure:
    """Of a simple job or a child. ListJobs says nothing of the containers of tasks and pods; of a
    multi-node parallel job all nodes fail alike."""
    if job.spec.nodes is not None:
        return replace(failure_of(Node(job, job.spec.main_node).detail()), job_id=job.id)
    is_listed = job.spec.definition.kind is Kind.CONTAINER
    return failure_of(job_summary(job) if is_listed else job_detail(job))


def _registered(definitions: Sequence[Mapping[str, Any]]) -> JobDefinitions:
    """Each with a command. Raises: UsageProblem."""
    registry = JobDefinitions()
    for definition in definitions:
        tags = {**definition.get("tags", {}), ENTRYPOINT_TAG: "simulated"}
        try:
            registry.register({**definition, "tags": tags})
        except ClientException as error:
            name = definition["jobDefinitionName"]
            raise UsageProblem(f"job definition {name}: {error}") from None
    return registry


class SimulatedResources:
    """The port ConsumableResources, over the same scheduler."""

    def __init__(self, batch: SimulatedBatch, agenda: Agenda) -> None:
        self._consumables = batch.scheduler.consumables
        self._agenda = agenda

    def ensure(self, resource: ConsumableResource) -> None:
        if resource.name not in self.names(resource.name):
            request = {"consumableResourceName": resource.name, "totalQuantity": resource.units}
            self._consumables.create(request, self._agenda.now_ms)

    def names(self, prefix: str) -> tuple[str, ...]:
        return tuple(r.name for r in self._consumables.tagged() if r.name.startswith(prefix))

    def delete(self, name: str) -> None:
        if name in self.names(name):
            self._consumables.delete({"consumableResource": name})
