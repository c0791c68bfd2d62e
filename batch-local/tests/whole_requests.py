"""Requests that have, together, every field of AWS Batch's model that is taken here.

They are built from botocore's model, so a field that is new in it is in them. `play` sends them
in an order in which each is accepted.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from batch_local.api.operations import operations
from batch_local.surface.decisions import Kind
from batch_local.surface.fields import decision_of

BY_NAME = {operation.name: operation for operation in operations().values()}

Call = Callable[..., dict[str, Any]]
"""An operation's name and its request's fields; the answer."""

_ARN = "arn:aws:batch:us-east-1:000000000000:"
_SCALARS = {"integer": 1, "long": 1, "boolean": True, "float": 1.0, "double": 1.0}
_AMOUNTS = {"memory": "64Mi", "cpu": "0.25"}
_UNITS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
_FORMS = ("containerProperties", "ecsProperties", "eksProperties", "nodeProperties")
_CHANGES = (
    "containerOverrides",
    "ecsPropertiesOverride",
    "eksPropertiesOverride",
    "nodeOverrides",
)
_ONLY_FARGATE = ("networkConfiguration", "fargatePlatformConfiguration")

_VALUES: Mapping[str, Any] = {
    "CreateSchedulingPolicy.name": "policy",
    "UpdateSchedulingPolicy.arn": f"{_ARN}scheduling-policy/policy",
    "DeleteSchedulingPolicy.arn": f"{_ARN}scheduling-policy/policy",
    "action": "RETRY",
    "attempts": 2,
    "attemptDurationSeconds": 60,
    "command": ["true"],
    "computeEnvironmentName": "whole",
    "computeEnvironment": "whole",
    "consumableResource": "units",
    "consumableResourceName": "units",
    "dependsOn.condition": "START",
    "dependsOn.containerName": "other",
    "initContainers.name": "init",
    "jobDefinitionName": "whole",
    "jobName": "whole",
    "jobQueue": "whole",
    "jobQueueName": "whole",
    "limits": _AMOUNTS,
    "logDriver": "awslogs",
    "logConfiguration.options": {"awslogs-group": "/whole", "awslogs-create-group": "true"},
    "mainNode": 0,
    "maxResults": 100,
    "maxvCpus": 64,
    "memory": 64,
    "metadata.namespace": "whole",
    "operation": "ADD",
    "onExitCode": "7",
    "platformCapabilities": ["EC2"],
    "requests": _AMOUNTS,
    "resourceRequirements": _UNITS,
    "resourceType": "REPLENISHABLE",
    "schedulingPolicyArn": f"{_ARN}scheduling-policy/policy",
    "shareIdentifier": "share",
    "state": "ENABLED",
    "targetNodes": "0:",
    "totalQuantity": 9,
    "type": "container",
}
"""By the end of a path: what is taken there."""


def play(call: Call, ended: Callable[[str], object]) -> None:
    """Send all of them.

    Args:
        ended: waits for a job's end.
    """
    _create(call)
    jobs = _submit(call, ended)
    _stop(call)
    _ask(call, *jobs)
    _remove(call)


def fields_of(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """Every path that a request or an answer has."""
    if isinstance(shape, ListShape):
        for entry in value:
            yield from fields_of(shape.member, entry, f"{path}[]")
    elif isinstance(shape, StructureShape):
        for name, inner in value.items():
            yield f"{path}.{name}"
            yield from fields_of(shape.members[name], inner, f"{path}.{name}")


def _create(call: Call) -> None:
    call("CreateComputeEnvironment", **_whole("CreateComputeEnvironment"))
    call("DescribeComputeEnvironments")
    call("CreateSchedulingPolicy", name="other")
    call("CreateConsumableResource", consumableResourceName="other")
    for operation in ("UpdateComputeEnvironment",
                      "CreateSchedulingPolicy", "UpdateSchedulingPolicy", "CreateJobQueue",
                      "UpdateJobQueue", "CreateConsumableResource",
                      "UpdateConsumableResource"):  # fmt: skip
        call(operation, **_whole(operation))
    for name, form in zip(_DEFINITIONS, _FORMS, strict=True):
        others = {one: None for one in _FORMS if one != form}
        changed = _EKS if form == "eksProperties" else {}
        kind = "multinode" if form == "nodeProperties" else "container"
        request = _whole("RegisterJobDefinition", jobDefinitionName=name, type=kind,
                         **others, **changed)  # fmt: skip
        call("RegisterJobDefinition", **_on_ec2(request))
    call("RegisterJobDefinition", **_on_fargate())


_DEFINITIONS = ("one", "task", "pod", "nodes")
_EKS = {"propagateTags": None, "platformCapabilities": None}


def _on_ec2(request: dict[str, Any]) -> dict[str, Any]:
    """Without what is Fargate's only; containers of one task differ, and so do ranges."""
    container = request.get("containerProperties", {})
    for name in _ONLY_FARGATE:
        container.pop(name, None)
    _two_containers(request.get("ecsProperties"))
    if "nodeProperties" in request:
        nodes = request["nodeProperties"]
        [entry] = nodes["nodeRangeProperties"]
        _two_containers(entry["ecsProperties"])
        nodes["numNodes"] = 3
        nodes["nodeRangeProperties"] = [
            {name: entry[name] for name in entry if name not in ranges or name == own}
            | {"targetNodes": target}
            for target, own in _RANGES.items()
            for ranges in [tuple(_RANGES.values())]
        ]
    return request


_RANGES = {"0:0": "container", "1:1": "ecsProperties", "2:": "eksProperties"}


def _two_containers(properties: dict[str, Any] | None) -> None:
    """The first waits for the other."""
    if properties is not None:
        [task] = properties["taskProperties"]
        [first] = task["containers"]
        other = {**first, "name": "other"}
        del other["dependsOn"]
        task["containers"] = [first, other]


def _on_fargate() -> dict[str, Any]:
    request = _whole("RegisterJobDefinition", jobDefinitionName="fargate",
                     platformCapabilities=["FARGATE"],
                     **dict.fromkeys(_FORMS[1:]))  # fmt: skip
    container = request["containerProperties"]
    for name in ("privileged", "ulimits", "vcpus", "memory"):
        del container[name]
    container["resourceRequirements"] = [
        {"type": "VCPU", "value": "0.25"},
        {"type": "MEMORY", "value": "512"},
    ]
    return request


def _submit(call: Call, ended: Callable[[str], object]) -> tuple[str, str]:
    """The id of an array, and of a multi-node parallel job."""
    simple = call("SubmitJob", **_of("one", "containerOverrides", arrayProperties=None))["jobId"]
    array = call(
        "SubmitJob",
        **_of("one", "containerOverrides", arrayProperties={"size": 2},
              dependsOn=[{"jobId": simple}, {"type": "SEQUENTIAL"}]),
    )["jobId"]  # fmt: skip
    flat = {"arrayProperties": None}
    eks = {"propagateTags": None}
    nodes = _of("nodes", "nodeOverrides", **flat)
    nodes["nodeOverrides"] |= {"numNodes": 3, "nodePropertyOverrides": _node_changes(nodes)}
    jobs = [
        array,
        call("SubmitJob", **_of("task", "ecsPropertiesOverride", **flat))["jobId"],
        call("SubmitJob", **_of("pod", "eksPropertiesOverride", **flat, **eks))["jobId"],
        call("SubmitJob", **nodes)["jobId"],
        call("SubmitJob", **_of("fargate", **flat))["jobId"],
        *_that_fail(call),
    ]
    for job in jobs:
        ended(job)
    call("DescribeJobs", jobs=[*jobs, f"{array}:1", *(f"{jobs[3]}#{n}" for n in range(3))])
    return array, jobs[3]


def _that_fail(call: Call) -> Iterator[str]:
    """Their programs are not there, so that there is a reason."""
    own = {"command": ["/absent"]}
    changes = {
        "one": ("containerOverrides", own),
        "task": ("ecsPropertiesOverride",
                 {"taskProperties": [{"containers": [{"name": "x", **own}]}]}),
        "pod": ("eksPropertiesOverride",
                {"podProperties": {"initContainers": [{"name": "init", **own}]}}),
    }  # fmt: skip
    pod = {"podProperties": {"containers": [{"name": "x", **own}]}}
    for definition, (form, change) in (*changes.items(), ("pod", ("eksPropertiesOverride", pod))):
        request = _of(definition, arrayProperties=None, **{form: change})
        if definition == "pod":
            del request["propagateTags"]
        yield call("SubmitJob", **request)["jobId"]


def _stop(call: Call) -> None:
    """Jobs that ask for more than there is wait at the head of their queue until they are."""
    many = {"resourceRequirements": [{"type": "VCPU", "value": "65"}]}
    waiting = [
        call("SubmitJob", **_of("one", arrayProperties=None, containerOverrides=many))["jobId"]
        for _ in range(4)
    ]
    call("GetJobQueueSnapshot", jobQueue="whole")
    call("CancelJob", jobId=waiting[0], reason="r")
    call("TerminateJob", jobId=waiting[1], reason="r")
    call("CancelJobs", jobs=[waiting[2]], reason="r")
    call("TerminateJobs", jobs=[waiting[3]], reason="r")
    call("DescribeJobs", jobs=waiting)


def _of(definition: str, change: str = "", /, **instead: Any) -> dict[str, Any]:
    others = {one: None for one in _CHANGES if one != change}
    first = {"dependsOn": None, "jobDefinition": definition, **others, **instead}
    return _whole("SubmitJob", **first)


def _node_changes(request: dict[str, Any]) -> list[dict[str, Any]]:
    [entry] = request["nodeOverrides"]["nodePropertyOverrides"]
    names = ("containerOverrides", "ecsPropertiesOverride", "eksPropertiesOverride")
    return [
        {**{name: entry[name] for name in entry if name not in names or name == own},
         "targetNodes": target}
        for target, own in zip(_RANGES, names, strict=True)
    ]  # fmt: skip


def _ask(call: Call, array: str, nodes: str) -> None:
    lists = ("computeEnvironments", "jobQueues", "jobDefinitions")
    for operation in ("DescribeComputeEnvironments", "DescribeJobQueues", "DescribeJobDefinitions",
                      "ListSchedulingPolicies", "ListConsumableResources",
                      "ListJobsByConsumableResource", "DescribeConsumableResource"):  # fmt: skip
        every: dict[str, Any] = {name: [] for name in lists if name in _members(operation)}
        optional = {"filters": None, "jobDefinitionName": None, "status": None} | every
        call(operation, **_whole(operation, **optional, **_FIRST_PAGE))
        call(operation, **_whole(operation, **optional, maxResults=None, nextToken=None))
    call("DescribeJobDefinitions", jobDefinitionName="one", status="ACTIVE")
    call("DescribeSchedulingPolicies", arns=[_VALUES["schedulingPolicyArn"]])
    call("ListConsumableResources", filters=_named("CONSUMABLE_RESOURCE_NAME"))
    call("ListJobsByConsumableResource", consumableResource="units", filters=_named("JOB_NAME"))
    call("ListJobs", jobQueue="whole", filters=_named("JOB_NAME"), **_FIRST_PAGE)
    call("ListJobs", jobQueue="whole", filters=_named("JOB_NAME"))
    call("ListJobs", arrayJobId=array, jobStatus="SUCCEEDED")
    call("ListJobs", multiNodeJobId=nodes, jobStatus="SUCCEEDED")


def _named(name: str) -> list[dict[str, Any]]:
    return [{"name": name, "values": ["*"]}]


_FIRST_PAGE = {"maxResults": 1, "nextToken": "0"}


def _remove(call: Call) -> None:
    policy = _VALUES["schedulingPolicyArn"]
    call("TagResource", resourceArn=policy, tags={"a": "b"})
    call("ListTagsForResource", resourceArn=policy)
    call("UntagResource", resourceArn=policy, tagKeys=["a"])
    call("UpdateJobQueue", jobQueue="whole", state="DISABLED")
    call("DeregisterJobDefinition", jobDefinition="one:1")
    for operation in ("DeleteJobQueue", "DeleteComputeEnvironment", "DeleteSchedulingPolicy",
                      "DeleteConsumableResource"):  # fmt: skip
        call(operation, **_whole(operation))


def _members(operation: str) -> Mapping[str, Shape]:
    shape = BY_NAME[operation].input_shape
    assert isinstance(shape, StructureShape)
    return shape.members


def _whole(operation: str, **instead: Any) -> dict[str, Any]:
    """Every field that is taken, but for some and with others instead; without those of None."""
    request = {
        name: instead[name] if name in instead else _value(shape, f"{operation}.{name}")
        for name, shape in _members(operation).items()
        if _is_taken(f"{operation}.{name}")
    }
    return {name: value for name, value in request.items() if value is not None}


def _is_taken(path: str) -> bool:
    decided = decision_of(path)
    return decided is not None and decided.kind is not Kind.REFUSED


def _value(shape: Shape, path: str) -> Any:
    plain = path.replace("[]", "")
    for end in sorted(_VALUES, key=len, reverse=True):
        if f".{plain}".endswith(f".{end}"):
            return copy.deepcopy(_VALUES[end])
    match shape:
        case StructureShape():
            return {
                name: _value(inner, f"{path}.{name}")
                for name, inner in shape.members.items()
                if _is_taken(f"{path}.{name}")
            }
        case ListShape():
            return [_value(shape.member, f"{path}[]")]
        case MapShape():
            return {"key": "value"}
        case _:
            return _SCALARS.get(shape.type_name, "x")
