"""AWS Batch's documented surface: what this one does with every operation and every field.

A path is `Operation`, or `Operation.field.field[].field`. A decision other than honoured holds for
everything below its path that has none of its own. `check_fields` refuses by name what is not
supported; docs/reference/batch-surface.md is printed from here; a test walks botocore's model and
fails at a path without a decision. So a field that is new in botocore is noticed, and is refused
meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from batchrelay_local.batch.errors import ClientException


class Kind(StrEnum):
    """What happens to a field."""

    HONOURED = "honoured"
    IGNORED = "accepted and ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a field, and why not more."""

    kind: Kind
    why: str = ""


def _all(kind: Kind, prefix: str, why: str, names: str) -> dict[str, Decision]:
    head = f"{prefix}." if prefix else ""
    return {head + name: Decision(kind, why) for name in names.split()}


def _honoured(prefix: str, names: str, why: str = "") -> dict[str, Decision]:
    return _all(Kind.HONOURED, prefix, why, names)


def _ignored(prefix: str, why: str, names: str) -> dict[str, Decision]:
    return _all(Kind.IGNORED, prefix, why, names)


def _refused(prefix: str, why: str, names: str) -> dict[str, Decision]:
    return _all(Kind.REFUSED, prefix, why, names)


_NO_CONTAINER = "a job is a process of this machine; DescribeJobs gives it back"
_NO_MACHINES = "no machine is started; DescribeComputeEnvironments gives it back"
_NO_EKS = "there is no EKS here: write containerProperties"
_NO_MULTINODE = "there are no multi-node parallel jobs here: submit an array job"
_NO_ECS = "there is one container to a job here: write containerProperties and containerOverrides"
_NO_SHARES = "there are no quota shares here: use fairsharePolicy"
_NO_SERVICE_JOBS = "there are no service jobs here (SageMaker)"
_NO_SECRETS = (
    "there are no secrets here: let the program read the parameter or the secret itself, or pass "
    "a value for this machine in containerOverrides.environment"
)

_RETRY = """retryStrategy retryStrategy.attempts retryStrategy.evaluateOnExit
    retryStrategy.evaluateOnExit[].onStatusReason retryStrategy.evaluateOnExit[].onReason
    retryStrategy.evaluateOnExit[].onExitCode retryStrategy.evaluateOnExit[].action
    timeout timeout.attemptDurationSeconds propagateTags tags parameters"""
_CONTAINER = """vcpus memory command environment environment[].name environment[].value
    resourceRequirements resourceRequirements[].type resourceRequirements[].value"""


def _needs(properties: str) -> str:
    below = f"{properties}.consumableResourceList"
    return f"{properties} {below} {below}[].consumableResource {below}[].quantity"


_JOBS = {
    **_honoured(
        "SubmitJob",
        f"""jobName jobQueue jobDefinition arrayProperties arrayProperties.size shareIdentifier
        schedulingPriorityOverride dependsOn dependsOn[].jobId dependsOn[].type
        containerOverrides {_RETRY}""",
    ),
    **_honoured("SubmitJob.containerOverrides", _CONTAINER),
    **_ignored("SubmitJob.containerOverrides", _NO_CONTAINER, "instanceType"),
    **_refused("SubmitJob", _NO_MULTINODE, "nodeOverrides"),
    **_refused("SubmitJob", _NO_EKS, "eksPropertiesOverride"),
    **_refused("SubmitJob", _NO_ECS, "ecsPropertiesOverride"),
    **_honoured("SubmitJob", _needs("consumableResourcePropertiesOverride")),
    **_honoured("DescribeJobs", "jobs"),
    **_honoured(
        "ListJobs",
        """jobQueue arrayJobId jobStatus maxResults nextToken
        filters filters[].name filters[].values""",
    ),
    **_refused("ListJobs", _NO_MULTINODE, "multiNodeJobId"),
    **_honoured("CancelJob", "jobId reason"),
    **_honoured("TerminateJob", "jobId reason"),
    **_honoured("CancelJobs", "jobs reason"),
    **_honoured("TerminateJobs", "jobs reason"),
    **_honoured("GetJobQueueSnapshot", "jobQueue"),
    **_honoured("ListTagsForResource", "resourceArn"),
    **_honoured("TagResource", "resourceArn tags"),
    **_honoured("UntagResource", "resourceArn tagKeys"),
}

_LOGS = "RegisterJobDefinition.containerProperties.logConfiguration"

_DEFINITIONS = {
    **_honoured(
        "RegisterJobDefinition",
        f"""jobDefinitionName type schedulingPriority containerProperties platformCapabilities
        containerProperties.logConfiguration {_RETRY}""",
    ),
    **_honoured("RegisterJobDefinition.containerProperties", _CONTAINER),
    **_honoured(
        _LOGS,
        "logDriver options",
        "awslogs; with another driver the output is read from /aws/batch/job all the same",
    ),
    **_refused(_LOGS, _NO_SECRETS, "secretOptions"),
    **_refused("RegisterJobDefinition.containerProperties", _NO_SECRETS, "secrets"),
    **_ignored(
        "RegisterJobDefinition.containerProperties",
        _NO_CONTAINER,
        """image jobRoleArn volumes mountPoints readonlyRootFilesystem user instanceType
        linuxParameters networkConfiguration fargatePlatformConfiguration enableExecuteCommand
        ephemeralStorage runtimePlatform repositoryCredentials""",
    ),
    **_ignored(
        "RegisterJobDefinition.containerProperties",
        f"{_NO_CONTAINER}; refused on Fargate, as by AWS",
        "privileged ulimits",
    ),
    **_ignored(
        "RegisterJobDefinition.containerProperties",
        f"{_NO_CONTAINER}; required on Fargate, as by AWS",
        "executionRoleArn",
    ),
    **_refused("RegisterJobDefinition", _NO_MULTINODE, "nodeProperties"),
    **_refused("RegisterJobDefinition", _NO_EKS, "eksProperties"),
    **_refused("RegisterJobDefinition", _NO_ECS, "ecsProperties"),
    **_honoured("RegisterJobDefinition", _needs("consumableResourceProperties")),
    **_honoured("DeregisterJobDefinition", "jobDefinition"),
    **_honoured(
        "DescribeJobDefinitions",
        "jobDefinitions maxResults jobDefinitionName status nextToken",
    ),
}

_RESOURCES = {
    path: decision
    for operation in ("CreateComputeEnvironment", "UpdateComputeEnvironment")
    for path, decision in {
        **_honoured(operation, "state"),
        **_ignored(
            operation,
            _NO_MACHINES,
            "computeResources unmanagedvCpus serviceRole context ecsSettings",
        ),
        **_honoured(operation, "computeResources.maxvCpus", "the slots of this machine"),
        **_refused(operation, _NO_EKS, "eksConfiguration"),
    }.items()
}

_ENVIRONMENTS = {
    **_RESOURCES,
    **_honoured("CreateComputeEnvironment", "computeEnvironmentName tags"),
    **_ignored("CreateComputeEnvironment", _NO_MACHINES, "type"),
    **_honoured("UpdateComputeEnvironment", "computeEnvironment"),
    **_ignored("UpdateComputeEnvironment", _NO_MACHINES, "updatePolicy"),
    **_honoured("DeleteComputeEnvironment", "computeEnvironment"),
    **_honoured("DescribeComputeEnvironments", "computeEnvironments maxResults nextToken"),
}

_ORDER = "the compute environment of the lowest order runs all jobs of the queue"
_TIME_LIMIT = "a job waits on at the head of its queue; DescribeJobQueues gives it back"

_QUEUES = {
    **_honoured("CreateJobQueue", "jobQueueName state schedulingPolicyArn priority tags"),
    **_honoured("UpdateJobQueue", "jobQueue state schedulingPolicyArn priority"),
    **{
        path: decision
        for operation in ("CreateJobQueue", "UpdateJobQueue")
        for path, decision in {
            **_honoured(
                operation,
                """computeEnvironmentOrder computeEnvironmentOrder[].order
                computeEnvironmentOrder[].computeEnvironment""",
                _ORDER,
            ),
            **_ignored(operation, _TIME_LIMIT, "jobStateTimeLimitActions"),
            **_refused(operation, _NO_SERVICE_JOBS, "serviceEnvironmentOrder"),
        }.items()
    },
    **_ignored("CreateJobQueue", "every queue is one of processes", "jobQueueType"),
    **_honoured("DeleteJobQueue", "jobQueue"),
    **_honoured("DescribeJobQueues", "jobQueues maxResults nextToken"),
}

_POLICIES = {
    **_honoured("CreateSchedulingPolicy", "name tags"),
    **_honoured("UpdateSchedulingPolicy", "arn"),
    **{
        path: decision
        for operation in ("CreateSchedulingPolicy", "UpdateSchedulingPolicy")
        for path, decision in {
            **_ignored(
                operation, "checked and given back; shares are not weighed", "fairsharePolicy"
            ),
            **_refused(operation, _NO_SHARES, "quotaSharePolicy"),
        }.items()
    },
    **_honoured("DeleteSchedulingPolicy", "arn"),
    **_honoured("DescribeSchedulingPolicies", "arns"),
    **_honoured("ListSchedulingPolicies", "maxResults nextToken"),
}

_LISTED = "filters filters[].name filters[].values maxResults nextToken"

_CONSUMABLES = {
    **_honoured(
        "CreateConsumableResource", "consumableResourceName totalQuantity resourceType tags"
    ),
    **_honoured("UpdateConsumableResource", "consumableResource operation quantity"),
    **_honoured("UpdateConsumableResource", "clientToken", "for as long as this cloud is up"),
    **_honoured("DeleteConsumableResource", "consumableResource"),
    **_honoured("DescribeConsumableResource", "consumableResource"),
    **_honoured("ListConsumableResources", _LISTED),
    **_honoured("ListJobsByConsumableResource", f"consumableResource {_LISTED}"),
}

_ABSENT = {
    **_refused(
        "",
        _NO_SHARES,
        "CreateQuotaShare DeleteQuotaShare DescribeQuotaShare ListQuotaShares UpdateQuotaShare",
    ),
    **_refused(
        "",
        _NO_SERVICE_JOBS,
        """CreateServiceEnvironment DeleteServiceEnvironment DescribeServiceEnvironments
        UpdateServiceEnvironment SubmitServiceJob DescribeServiceJob ListServiceJobs
        TerminateServiceJob TerminateServiceJobs UpdateServiceJob""",
    ),
}

_FIELDS = {**_JOBS, **_DEFINITIONS, **_ENVIRONMENTS, **_QUEUES, **_POLICIES, **_CONSUMABLES}

DECISIONS: Mapping[str, Decision] = {
    **{path.partition(".")[0]: Decision(Kind.HONOURED) for path in _FIELDS},
    **_ABSENT,
    **_FIELDS,
}
"""By path."""


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


def _refusal(where: str, name: str, decision: Decision | None) -> str:
    why = f": {decision.why}" if decision is not None else ""
    return (f"{where}: " if where else "") + f"{name} is not supported by this local AWS Batch{why}"
