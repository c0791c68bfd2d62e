"""AWS Batch's documented surface: what this one does with every operation and every field.

A path is `Operation`, or `Operation.field.field[].field`. A decision other than honoured holds for
everything below its path that has none of its own. `check_fields` refuses by name what is not
supported; docs/reference/batch-surface.md is printed from here; a test walks botocore's model and
fails at a path without a decision. So a field that is new in botocore is noticed, and is refused
meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from batch_local.errors import ClientException
from batch_local.surface.decisions import Decision, Kind, honoured, ignored, refused
from batch_local.surface.jobs import DEFINITIONS, JOBS

_NO_MACHINES = "no machine is started; DescribeComputeEnvironments gives it back"
_NO_SHARES = "there are no quota shares here: use fairsharePolicy"
_NO_SERVICE_JOBS = "there are no service jobs here (SageMaker)"

_RESOURCES = {
    path: decision
    for operation in ("CreateComputeEnvironment", "UpdateComputeEnvironment")
    for path, decision in {
        **honoured(operation, "state"),
        **ignored(
            operation,
            _NO_MACHINES,
            "computeResources unmanagedvCpus serviceRole context ecsSettings eksConfiguration",
        ),
        **honoured(operation, "computeResources.maxvCpus", "the slots of this machine"),
    }.items()
}

_ENVIRONMENTS = {
    **_RESOURCES,
    **honoured("CreateComputeEnvironment", "computeEnvironmentName tags"),
    **ignored("CreateComputeEnvironment", _NO_MACHINES, "type"),
    **honoured("UpdateComputeEnvironment", "computeEnvironment"),
    **ignored("UpdateComputeEnvironment", _NO_MACHINES, "updatePolicy"),
    **honoured("DeleteComputeEnvironment", "computeEnvironment"),
    **honoured("DescribeComputeEnvironments", "computeEnvironments maxResults nextToken"),
}

_ORDER = "the compute environment of the lowest order runs all jobs of the queue"
_TIME_LIMIT = "a job waits on at the head of its queue; DescribeJobQueues gives it back"

_QUEUES = {
    **honoured("CreateJobQueue", "jobQueueName state schedulingPolicyArn priority tags"),
    **honoured("UpdateJobQueue", "jobQueue state schedulingPolicyArn priority"),
    **{
        path: decision
        for operation in ("CreateJobQueue", "UpdateJobQueue")
        for path, decision in {
            **honoured(
                operation,
                """computeEnvironmentOrder computeEnvironmentOrder[].order
                computeEnvironmentOrder[].computeEnvironment""",
                _ORDER,
            ),
            **ignored(operation, _TIME_LIMIT, "jobStateTimeLimitActions"),
            **refused(operation, _NO_SERVICE_JOBS, "serviceEnvironmentOrder"),
        }.items()
    },
    **ignored("CreateJobQueue", "every queue is one of processes", "jobQueueType"),
    **honoured("DeleteJobQueue", "jobQueue"),
    **honoured("DescribeJobQueues", "jobQueues maxResults nextToken"),
}

_POLICIES = {
    **honoured("CreateSchedulingPolicy", "name tags"),
    **honoured("UpdateSchedulingPolicy", "arn"),
    **{
        path: decision
        for operation in ("CreateSchedulingPolicy", "UpdateSchedulingPolicy")
        for path, decision in {
            **ignored(
                operation, "checked and given back; shares are not weighed", "fairsharePolicy"
            ),
            **refused(operation, _NO_SHARES, "quotaSharePolicy"),
        }.items()
    },
    **honoured("DeleteSchedulingPolicy", "arn"),
    **honoured("DescribeSchedulingPolicies", "arns"),
    **honoured("ListSchedulingPolicies", "maxResults nextToken"),
}

_LISTED = "filters filters[].name filters[].values maxResults nextToken"

_CONSUMABLES = {
    **honoured(
        "CreateConsumableResource", "consumableResourceName totalQuantity resourceType tags"
    ),
    **honoured("UpdateConsumableResource", "consumableResource operation quantity"),
    **honoured("UpdateConsumableResource", "clientToken", "for as long as this cloud is up"),
    **honoured("DeleteConsumableResource", "consumableResource"),
    **honoured("DescribeConsumableResource", "consumableResource"),
    **honoured("ListConsumableResources", _LISTED),
    **honoured("ListJobsByConsumableResource", f"consumableResource {_LISTED}"),
}

_ABSENT = {
    **refused(
        "",
        _NO_SHARES,
        "CreateQuotaShare DeleteQuotaShare DescribeQuotaShare ListQuotaShares UpdateQuotaShare",
    ),
    **refused(
        "",
        _NO_SERVICE_JOBS,
        """CreateServiceEnvironment DeleteServiceEnvironment DescribeServiceEnvironments
        UpdateServiceEnvironment SubmitServiceJob DescribeServiceJob ListServiceJobs
        TerminateServiceJob TerminateServiceJobs UpdateServiceJob""",
    ),
}

_FIELDS = {**JOBS, **DEFINITIONS, **_ENVIRONMENTS, **_QUEUES, **_POLICIES, **_CONSUMABLES}

DECISIONS: Mapping[str, Decision] = {
    **{path.partition(".")[0]: Decision(Kind.HONOURED) for path in _FIELDS},
    **_ABSENT,
    **_FIELDS,
}
"""By path."""


_PARTLY_HONOURED = frozenset(
    path
    for path, decision in DECISIONS.items()
    if decision.kind is Kind.IGNORED
    and any(
        below.startswith(f"{path}.") and inner.kind is Kind.HONOURED
        for below, inner in DECISIONS.items()
    )
)
"""Of those that are ignored, the fields below count one by one."""


@cache
def decision_of(path: str) -> Decision | None:
    """The decision about a path: its own, or that of what holds it; None if there is none.

    What is below an honoured path is not decided by it.
    """
    if path in DECISIONS:
        return DECISIONS[path]
    above = path.rpartition(".")[0].removesuffix("[]")
    decision = decision_of(above) if above else None
    return None if decision is None or decision.kind is Kind.HONOURED else decision


def paths(shape: Shape, path: str, holders: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every field below a path, those of lists as `field[].field`."""
    if isinstance(shape, ListShape):
        yield from paths(shape.member, f"{path}[]", holders)
    elif isinstance(shape, StructureShape) and shape.name not in holders:
        for name, inner in shape.members.items():
            yield f"{path}.{name}"
            yield from paths(inner, f"{path}.{name}", holders | {shape.name})


def check_operation(name: str) -> None:
    """An operation that is not supported is refused by its name. Raises: ClientException."""
    decision = decision_of(name)
    if decision is None or decision.kind is Kind.REFUSED:
        raise ClientException(_refusal("", name, decision))


def check_fields(operation: OperationModel, request: Mapping[str, Any]) -> None:
    """What is not supported is refused by its name, never ignored. Raises: ClientException.

    Args:
        operation: what is called.
        request: one that has the operation's shape.
    """
    if operation.input_shape is not None:
        _check(operation.input_shape, request, operation.name)


def _check(shape: Shape, value: Any, path: str) -> None:
    if isinstance(shape, ListShape):
        for entry in value:
            _check(shape.member, entry, f"{path}[]")
    elif isinstance(shape, StructureShape):
        for name, inner in value.items():
            decision = decision_of(f"{path}.{name}")
            if decision is None or decision.kind is Kind.REFUSED:
                raise ClientException(_refusal(path, name, decision))
            if decision.kind is Kind.HONOURED:
                _check(shape.members[name], inner, f"{path}.{name}")
    elif shape.type_name == "integer" and not -(2**31) <= value < 2**31:
        raise ClientException(f"{path} must be a number of 32 bits")


def ignored_fields(
    shape: Shape, value: Any, path: str, *, has_engine: bool = False
) -> Iterator[str]:
    """The fields of a request that are taken and have no effect, by their paths.

    Args:
        shape: of the value.
        value: a request, or what it has at the path.
        path: the operation's name, or where in its request the value is.
        has_engine: whether an engine runs the containers.
    """
    if isinstance(shape, ListShape):
        for entry in value:
            yield from ignored_fields(shape.member, entry, f"{path}[]", has_engine=has_engine)
    elif isinstance(shape, StructureShape):
        for name, inner in value.items():
            below = f"{path}.{name}"
            decision = decision_of(below)
            is_ignored = decision is not None and decision.kind is Kind.IGNORED
            has_effect = has_engine and decision is not None and decision.in_engine
            if is_ignored and not has_effect and below not in _PARTLY_HONOURED:
                yield below
            elif name in shape.members:
                yield from ignored_fields(shape.members[name], inner, below, has_engine=has_engine)


def _refusal(where: str, name: str, decision: Decision | None) -> str:
    why = f": {decision.why}" if decision is not None else ""
    return (f"{where}: " if where else "") + f"{name} is not supported by this local AWS Batch{why}"
