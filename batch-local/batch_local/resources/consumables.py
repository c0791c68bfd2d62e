"""Consumable resources: what jobs wait for beside vCPUs, and how much of it is in use.

Units are taken when a job is STARTING and come back when its attempt ends. What is in use is
counted by name, so that a resource that was deleted and created again is the same one.
Source: Batch User Guide, resource-aware scheduling.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_local.arns import arn, job_arn
from batch_local.details.jobs import consumable_properties
from batch_local.errors import ClientException
from batch_local.model import NAME, Job, JobSpec, JobStatus
from batch_local.resources.pages import page_of
from batch_local.resources.tags import checked_tags

RESOURCES_MAX = 50_000
"""Consumable resources of an account. Source: Batch User Guide, create consumable resources."""

NEEDS_MAX = 5
"""Consumable resources of one job. Source: Batch User Guide, specify the resources needed."""

_REPLENISHABLE = "REPLENISHABLE"
_TYPES = (_REPLENISHABLE, "NON_REPLENISHABLE")


@dataclass(slots=True, kw_only=True)
class ConsumableResource:
    """One of them."""

    name: str
    arn: str
    total: int
    kind: str
    created_at: int
    tags: dict[str, str] = field(default_factory=dict)


class ConsumableResources:
    """All of them."""

    def __init__(self) -> None:
        self._resources: dict[str, ConsumableResource] = {}
        self._in_use: Counter[str] = Counter()
        self._updates: dict[str, dict[str, Any]] = {}
        """Those with a client token: the same request comes twice, and counts once."""

    def tagged(self) -> Iterator[ConsumableResource]:
        """Each of them."""
        yield from self._resources.values()

    # --- what the scheduler asks

    def lacking(self, spec: JobSpec) -> str | None:
        """The first resource of which there is not enough for a job, or which is not there."""
        for name, quantity in spec.consumables.items():
            if self.available(name) < quantity:
                return name
        return None

    def available(self, name: str) -> int:
        """Units that no job has; none of a resource that is not there."""
        resource = self._resources.get(name)
        return 0 if resource is None else resource.total - self._in_use[name]

    def take(self, spec: JobSpec) -> None:
        """A job of this kind begins. What does not come back is gone from the total."""
        for name, quantity in spec.consumables.items():
            if self._resources[name].kind == _REPLENISHABLE:
                self._in_use[name] += quantity
            else:
                self._resources[name].total -= quantity

    def give_back(self, spec: JobSpec) -> None:
        """It has ended."""
        for name, quantity in spec.consumables.items():
            resource = self._resources.get(name)
            if resource is None or resource.kind == _REPLENISHABLE:
                self._in_use[name] = max(0, self._in_use[name] - quantity)

    # --- operations

    def create(self, request: dict[str, Any], now: int) -> dict[str, Any]:
        """CreateConsumableResource."""
        name, kind = request["consumableResourceName"], request.get("resourceType", _REPLENISHABLE)
        if not NAME.fullmatch(name):
            raise ClientException(f"The name {name!r} should match valid pattern {NAME.pattern}")
        if name in self._resources:
            raise ClientException(f"Object already exists: {name}")
        if kind not in _TYPES:
            raise ClientException(f"resourceType must be one of {', '.join(_TYPES)}")
        if len(self._resources) >= RESOURCES_MAX:
            raise ClientException(f"An account has at most {RESOURCES_MAX} consumable resources")
        resource = ConsumableResource(
            name=name,
            arn=arn(f"consumable-resource/{name}"),
            total=_not_negative("totalQuantity", request.get("totalQuantity", 0)),
            kind=kind,
            created_at=now,
            tags=checked_tags(request.get("tags", {})),
        )
        self._resources[name] = resource
        return _identity(resource)

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateConsumableResource: SET, ADD or REMOVE; what is in use goes on."""
        resource = self.resolve(request["consumableResource"])
        token = request.get("clientToken")
        if token is None or self._updates.get(token) != request:
            quantity = _not_negative("quantity", request.get("quantity", 0))
            match request.get("operation"):
                case "SET":
                    resource.total = quantity
                case "ADD":
                    resource.total += quantity
                case "REMOVE":
                    resource.total = _not_negative("totalQuantity", resource.total - quantity)
                case _:
                    raise ClientException("operation must be one of SET, ADD, REMOVE")
        if token is not None:
            self._updates[token] = request
        return _identity(resource) | {"totalQuantity": resource.total}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteConsumableResource: at any time; jobs that need it wait until it is there again."""
        del self._resources[self.resolve(request["consumableResource"]).name]
        return {}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeConsumableResource."""
        resource = self.resolve(request["consumableResource"])
        return self._summary(resource) | {
            "availableQuantity": max(0, self.available(resource.name)),
            "createdAt": resource.created_at,
            "tags": resource.tags,
        }

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListConsumableResources."""
        names = [_filter(entry, "CONSUMABLE_RESOURCE_NAME") for entry in request.get("filters", ())]
        matching = [
            resource
            for resource in self._resources.values()
            if all(_matches(resource.name, values) for values in names)
        ]
        return page_of(request, "consumableResources", matching, self._summary)

    def list_jobs(self, request: dict[str, Any], jobs: Iterator[Job]) -> dict[str, Any]:
        """ListJobsByConsumableResource: simple jobs and children, which are what has units."""
        resource = self.resolve(request["consumableResource"])
        entries = request.get("filters", ())
        by_status = [_filter(e, "JOB_STATUS") for e in entries if e.get("name") == "JOB_STATUS"]
        by_name = [_filter(e, "JOB_NAME") for e in entries if e.get("name") != "JOB_STATUS"]
        matching = [
            job
            for job in jobs
            if resource.name in job.spec.consumables
            and all(str(job.status) in values for values in by_status)
            and all(_matches(job.spec.name, values) for values in by_name)
        ]
        return page_of(request, "jobs", matching, lambda job: _job_summary(job, resource))

    def resolve(self, reference: str) -> ConsumableResource:
        """One by its name or ARN. Raises: ClientException."""
        resource = self._resources.get(reference.rpartition("consumable-resource/")[2])
        if resource is None:
            raise ClientException(f"Consumable resource {reference} does not exist")
        return resource

    def _summary(self, resource: ConsumableResource) -> dict[str, Any]:
        return _identity(resource) | {
            "totalQuantity": resource.total,
            "inUseQuantity": self._in_use[resource.name],
            "resourceType": resource.kind,
        }


def needs_of(properties: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, int]:
    """Units by name; those of a request override those of its definition one by one.

    Raises: ClientException.
    """
    needs: dict[str, int] = {}
    for entry in (*properties.get("consumableResourceList", ()),
                  *overrides.get("consumableResourceList", ())):  # fmt: skip
        name = entry.get("consumableResource", "").rpartition("consumable-resource/")[2]
        quantity = entry.get("quantity", 0)
        if not name or quantity < 1:
            raise ClientException(
                "an entry of consumableResourceList needs a consumableResource, and a quantity of "
                f"1 or more: {entry}"
            )
        needs[name] = quantity
    if len(needs) > NEEDS_MAX:
        raise ClientException(f"A job can need at most {NEEDS_MAX} consumable resources")
    return needs


def with_children(jobs: Iterator[Job]) -> Iterator[Job]:
    """Simple jobs as they are, the children of parents; a parent without children yet, itself."""
    for job in jobs:
        yield from job.children or (job,)


def _identity(resource: ConsumableResource) -> dict[str, Any]:
    return {"consumableResourceName": resource.name, "consumableResourceArn": resource.arn}


def _not_negative(field_name: str, quantity: int) -> int:
    if quantity < 0:
        raise ClientException(f"{field_name} must not be negative, got {quantity}")
    return quantity


def _filter(entry: Mapping[str, Any], name: str) -> list[str]:
    if entry.get("name") != name:
        raise ClientException(f"unknown filter {entry.get('name')}: write {name}")
    return list(entry.get("values") or ())


def _matches(name: str, patterns: list[str]) -> bool:
    """Case is ignored, a final `*` is a prefix."""
    return any(
        name.lower().startswith(pattern[:-1].lower())
        if pattern.endswith("*")
        else name.lower() == pattern.lower()
        for pattern in patterns
    )


def _job_summary(job: Job, resource: ConsumableResource) -> dict[str, Any]:
    optional_fields = {
        "shareIdentifier": job.spec.share,
        "statusReason": job.status_reason,
        "startedAt": job.started_at if job.status is not JobStatus.RUNNABLE else None,
    }
    return {
        "jobArn": job_arn(job.id),
        "jobQueueArn": job.spec.queue.arn,
        "jobName": job.spec.name,
        "jobDefinitionArn": job.spec.definition.arn,
        "jobStatus": str(job.status),
        "quantity": job.spec.consumables[resource.name],
        "createdAt": job.created_at,
        "consumableResourceProperties": consumable_properties(job.spec),
        **{name: value for name, value in optional_fields.items() if value is not None},
    }
