"""What doctor needs the caller to be allowed, and how that is looked up without any effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.errors import InputError
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.port import CallFailed
from batchrelay_cli.doctor.resources import Aws
from batchrelay_cli.doctor.world import UNKNOWN_JOB


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """An action of IAM, and on what."""

    action: str
    resource: str = "*"
    """An ARN; `*` for actions for which AWS has no ARN, or that are asked of several kinds."""


class MissingPermissions(InputError):
    """Each by its name; there may be more, where IAM's simulator must not be asked."""

    def __init__(self, missing: Sequence[Permission], *, is_complete: bool) -> None:
        self.missing, self.is_complete = tuple(missing), is_complete
        super().__init__(", ".join(entry.action for entry in self.missing))


BATCH_ACTIONS = (
    *("CancelJob", "CreateComputeEnvironment", "CreateConsumableResource", "CreateJobQueue"),
    *("DeleteComputeEnvironment", "DeleteConsumableResource", "DeleteJobQueue"),
    *("DeregisterJobDefinition", "DescribeComputeEnvironments", "DescribeJobDefinitions"),
    *("DescribeJobQueues", "DescribeJobs", "ListConsumableResources", "ListJobs"),
    *("RegisterJobDefinition", "SubmitJob", "TagResource", "TerminateJob"),
    *("UpdateComputeEnvironment", "UpdateConsumableResource", "UpdateJobQueue"),
)
EC2_ACTIONS = ("DescribeSecurityGroups", "DescribeSubnets")
IAM_ACTIONS = (
    *("AttachRolePolicy", "CreateRole", "DeleteRole", "DetachRolePolicy", "PassRole", "TagRole"),
)
LOGS_ACTIONS = ("CreateLogGroup", "DeleteLogGroup", "TagResource")
SQS_ACTIONS = (
    *("CreateQueue", "DeleteMessage", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl"),
    *("ReceiveMessage", "SetQueueAttributes", "TagQueue"),
)
EVENTS_ACTIONS = ("DeleteRule", "PutRule", "PutTargets", "RemoveTargets", "TagResource")
S3_ACTIONS = (
    *("CreateBucket", "DeleteBucket", "ListBucket", "PutBucketNotification", "PutBucketTagging"),
)
S3_OBJECT_ACTIONS = ("DeleteObject", "PutObject")

SIMULATED_MAX = 100
"""Actions of one SimulatePrincipalPolicy."""

_IAM_NAMES = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "batch:TerminateJobs": "batch:TerminateJob",
    "batch:CancelJobs": "batch:CancelJob",
}
"""Where a call is not called as its permission."""

_ON = re.compile(r"perform: ([\w:-]+)(?: on resource: (\S+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose it is."""

    partition: str
    number: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.number}:{resource}"

    def arn_without_region(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}::{self.number}:{resource}"


def needed(place: Place, account: Account) -> Iterator[Permission]:
    """Everything, for one call of doctor."""
    name = place.name
    resources: tuple[tuple[str, Sequence[str], str], ...] = (
        ("batch", BATCH_ACTIONS, "*"),
        ("ec2", EC2_ACTIONS, "*"),
        ("iam", IAM_ACTIONS, account.arn_without_region("iam", f"role/{name}")),
        ("logs", LOGS_ACTIONS, account.arn("logs", f"log-group:/{name}")),
        ("sqs", SQS_ACTIONS, account.arn("sqs", name)),
        ("events", EVENTS_ACTIONS, account.arn("events", f"rule/{name}-jobs")),
        ("events", EVENTS_ACTIONS, account.arn("events", f"rule/{name}-uploads")),
        ("s3", S3_ACTIONS, f"arn:{account.partition}:s3:::{place.bucket}"),
        ("s3", S3_OBJECT_ACTIONS, f"arn:{account.partition}:s3:::{place.bucket}/*"),
    )
    for service, actions, resource in resources:
        for action in actions:
            yield Permission(action=f"{service}:{action}", resource=resource)


def check_permissions(aws: Aws, place: Place, account: Account, caller_arn: str) -> None:
    """Look everything up. Nothing is made or changed. Raises: MissingPermissions, CallFailed."""
    wanted = tuple(needed(place, account))
    try:
        missing = _simulated(aws, wanted, principal_of(caller_arn))
    except CallFailed as error:
        if not error.is_denied and error.code not in ("InvalidInput", "NoSuchEntity"):
            raise
        missing = tuple(_tried(aws, place))
        if missing:
            raise MissingPermissions(missing, is_complete=False) from None
    if missing:
        raise MissingPermissions(missing, is_complete=True)


def principal_of(caller_arn: str) -> str:
    """The user or role that policies are attached to: a session has none."""
    session = re.fullmatch(
        r"arn:([\w-]+):sts::(\d+):assumed-role/([\w+=,.@-]+)/.+", caller_arn
    )  # fmt: skip
    if session is None:
        return caller_arn
    partition, number, role = session.groups()
    return f"arn:{partition}:iam::{number}:role/{role}"


def permission_of(error: CallFailed) -> Permission:
    """What a denied call lacks: as AWS says it, or else by the call's name."""
    match = _ON.search(error.message)
    if match is not None:
        return Permission(action=match[1], resource=(match[2] or "*").rstrip("."))
    service, _, operation = error.call.partition(".")
    action = f"{service}:{operation}"
    return Permission(action=_IAM_NAMES.get(action, action))


def _simulated(
    aws: Aws, wanted: Sequence[Permission], principal: str
) -> tuple[Permission, ...]:  # fmt: skip
    """What IAM's simulator does not allow. Raises: CallFailed."""
    by_resource: dict[str, list[str]] = {}
    for permission in wanted:
        by_resource.setdefault(permission.resource, []).append(permission.action)
    missing = []
    for resource, actions in by_resource.items():
        answer = aws(
            "iam", "SimulatePrincipalPolicy", PolicySourceArn=principal, ActionNames=actions,
            ResourceArns=[resource], MaxItems=SIMULATED_MAX,
        )  # fmt: skip
        missing += [
            Permission(action=result["EvalActionName"], resource=resource)
            for result in answer["EvaluationResults"]
            if result["EvalDecision"] != "allowed"
        ]
    return tuple(missing)


def _tried(aws: Aws, place: Place) -> Iterator[Permission]:
    """By calls that change nothing: they read, or are about what is not there.

    IAM is asked before AWS looks whether there is such a thing.
    """
    for service, operation, request in harmless_calls(place):
        try:
            aws(service, operation, **request)
        except CallFailed as error:
            if error.is_denied:
                yield permission_of(error)


def harmless_calls(place: Place) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Service, operation, request. Nothing of this name is there yet."""
    name = place.name
    yield "ec2", "DescribeSubnets", {"MaxResults": 5}
    yield "ec2", "DescribeSecurityGroups", {"MaxResults": 5}
    yield "batch", "DescribeComputeEnvironments", {"computeEnvironments": [name]}
    yield "batch", "DescribeJobQueues", {"jobQueues": [name]}
    yield "batch", "DescribeJobDefinitions", {"jobDefinitionName": name}
    yield "batch", "DescribeJobs", {"jobs": [UNKNOWN_JOB]}
    yield "batch", "ListJobs", {"jobQueue": name}
    yield "batch", "ListConsumableResources", {"maxResults": 1}
    yield "batch", "SubmitJob", {"jobName": name, "jobQueue": name, "jobDefinition": name}
    yield "batch", "CancelJob", {"jobId": UNKNOWN_JOB, "reason": name}
    yield "batch", "TerminateJob", {"jobId": UNKNOWN_JOB, "reason": name}
    yield "batch", "UpdateJobQueue", {"jobQueue": name, "state": "DISABLED"}
    yield "batch", "UpdateComputeEnvironment", {"computeEnvironment": name, "state": "DISABLED"}
    yield (
        "batch",
        "UpdateConsumableResource",
        {"consumableResource": name, "operation": "SET", "quantity": 0},
    )
    yield "batch", "DeleteJobQueue", {"jobQueue": name}
    yield "batch", "DeleteComputeEnvironment", {"computeEnvironment": name}
    yield "batch", "DeleteConsumableResource", {"consumableResource": name}
    yield "batch", "DeregisterJobDefinition", {"jobDefinition": f"{name}:1"}
    yield "iam", "DeleteRole", {"RoleName": name}
    yield "logs", "DeleteLogGroup", {"logGroupName": f"/{name}"}
    yield "sqs", "GetQueueUrl", {"QueueName": name}
    yield "events", "RemoveTargets", {"Rule": name, "Ids": ["q"]}
    yield "events", "DeleteRule", {"Name": name}
    yield "s3", "ListObjectsV2", {"Bucket": name}
    yield "s3", "DeleteBucket", {"Bucket": name}
