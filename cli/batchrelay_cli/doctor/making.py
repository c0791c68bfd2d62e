"""Makes everything that the probes need, and removes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from batchrelay_cli.doctor.batch_resources import (
    ComputeEnvironment,
    ConsumableResource,
    JobDefinition,
    JobQueue,
)
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.resources import (
    Aws,
    Bucket,
    EventQueue,
    ExecutionRole,
    LogGroup,
    Resource,
    Rule,
    wait_for,
)

WIDE_VCPUS = 16
"""Of the main compute environment: so that no probe waits for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where jobs run."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What could not be removed, and the command that removes it."""

    what: str
    why: str
    command: str


@dataclass(kw_only=True)
class Making:
    """What was made so far, and what is about to be."""

    aws: Aws
    place: Place
    region: str
    partition: str = "aws"
    _resources: list[Resource] = field(default_factory=list)

    def make_all(self, network: Network) -> EventQueue:
        """The queue that gets the events. Raises: CallFailed, NotReady."""
        name = self.place.name
        log_group = LogGroup(name=f"/{name}", place=self.place)
        role = ExecutionRole(name=name, place=self.place, partition=self.partition)
        wide = self._environment("wide", WIDE_VCPUS, network)
        narrow = self._environment("narrow", 1, network)
        first: tuple[Resource, ...] = (log_group, role, wide, narrow)
        for resource in first:
            self._make(resource)
        for environment in (wide, narrow):
            self._wait(environment)
        no_units = ConsumableResource(name=self.place.no_units, place=self.place)
        queues = [
            JobQueue(name=queue, place=self.place, environment=environment.name, units=units)
            for queue, environment, units in (
                (self.place.queue, wide, None),
                (self.place.other_queue, wide, None),
                (self.place.units_queue, wide, no_units),
                (self.place.narrow_queue, narrow, None),
            )
        ]
        definition = JobDefinition(
            name=self.place.definition, place=self.place, role=role, log_group=log_group.name
        )
        second: tuple[Resource, ...] = (no_units, *queues, definition)
        for resource in second:
            self._make(resource)
        events = self._make_events([queue.arn for queue in queues])
        for queue in queues:
            self._wait(queue)
        return events

    def remove_all(self) -> Iterator[Leftover]:
        """Remove everything, the latest first; what could not be removed."""
        while self._resources:
            resource = self._resources[-1]
            try:
                resource.remove(self.aws)
            except Exception as error:  # noqa: BLE001  # whatever it is, the others are removed
                yield leftover(resource, str(error))
            self._resources.pop()

    def names(self) -> list[Leftover]:
        """What is still there."""
        return [leftover(resource, "interrupted") for resource in reversed(self._resources)]

    def _make_events(self, queue_arns: Sequence[str]) -> EventQueue:
        """The rules know no other account's jobs, and no other jobs of this one."""
        name = self.place.name
        events = EventQueue(name=name, place=self.place)
        bucket = Bucket(name=self.place.bucket, place=self.place, region=self.region)
        self._make(events)
        jobs = {
            "source": ["aws.batch"],
            "detail-type": ["Batch Job State Change"],
            "detail": {"jobQueue": list(queue_arns)},
        }
        uploads = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket.name]}}}
        rules = [
            Rule(name=f"{name}-{suffix}", place=self.place, queue=events, pattern=pattern)
            for suffix, pattern in (("jobs", jobs), ("uploads", uploads))
        ]
        resources: tuple[Resource, ...] = (*rules, bucket)
        for resource in resources:
            self._make(resource)
        events.allow(self.aws, [rule.arn for rule in rules])
        return events

    def _environment(self, suffix: str, vcpus: int, network: Network) -> ComputeEnvironment:
        return ComputeEnvironment(
            name=f"{self.place.name}-{suffix}",
            place=self.place,
            vcpus=vcpus,
            subnets=network.subnets,
            security_groups=network.security_groups,
        )

    def _make(self, resource: Resource) -> None:
        self._resources.append(resource)  # before: it may be there although the call was cut off
        resource.make(self.aws)

    def _wait(self, resource: ComputeEnvironment | JobQueue) -> None:
        ready = f"{resource.kind} {resource.name} to be VALID"
        wait_for(self.place, lambda: resource.is_ready(self.aws), ready)


def leftover(resource: Resource, why: str) -> Leftover:
    """Of one resource."""
    what = f"{resource.kind} {resource.name}"
    return Leftover(what=what, why=why, command=resource.undo)
