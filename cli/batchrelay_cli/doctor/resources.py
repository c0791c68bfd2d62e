"""What doctor makes for its probes: each with its removal, and the command that removes it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from batchrelay_cli.doctor.place import TAG, Place
from batchrelay_cli.doctor.port import CallFailed, Document

Aws: TypeAlias = Callable[..., Document]
"""`LivePort.aws`: a call that raises CallFailed."""

EXECUTION_POLICY = "service-role/AmazonECSTaskExecutionRolePolicy"
RETENTION_S = "3600"
"""Seconds for which an event waits in the queue, should doctor be killed."""

ABSENT_CODES = (
    "ResourceNotFoundException",
    "NoSuchEntity",
    "NoSuchEntityException",
    "NoSuchBucket",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
)
"""What AWS answers of something that is not there."""


class Resource(Protocol):
    """Something in the account. To remove what is not there changes nothing."""

    kind: str
    name: str

    def make(self, aws: Aws) -> None:
        """Raises: CallFailed."""

    def remove(self, aws: Aws) -> None:
        """Raises: CallFailed, NotReady."""

    @property
    def undo(self) -> str:
        """A command of the aws CLI that removes it."""


class NotReady(Exception):
    """Something did not come into the state that was waited for."""


def wait_for(place: Place, look: Callable[[], bool], what: str) -> None:
    """Raises: NotReady."""
    began_s = time.monotonic()
    while not look():
        if time.monotonic() - began_s > place.patience_s:
            raise NotReady(f"{what}: not within {place.patience_s} s")
        time.sleep(place.poll_s)


@dataclass(kw_only=True)
class LogGroup:
    """Where jobs would log; they write nothing."""

    name: str
    place: Place
    kind: str = "log group"

    def make(self, aws: Aws) -> None:
        aws("logs", "CreateLogGroup", logGroupName=self.name, tags={TAG: self.place.name})

    def remove(self, aws: Aws) -> None:
        _unless_absent(aws, "logs", "DeleteLogGroup", logGroupName=self.name)

    @property
    def undo(self) -> str:
        return f"aws logs delete-log-group --log-group-name {self.name}"


@dataclass(kw_only=True)
class ExecutionRole:
    """What Fargate needs to pull the image and open a log stream."""

    name: str
    place: Place
    partition: str
    kind: str = "role"
    arn: str = ""

    @property
    def _policy(self) -> str:
        return f"arn:{self.partition}:iam::aws:policy/{EXECUTION_POLICY}"

    def make(self, aws: Aws) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = aws(
            "iam", "CreateRole", RoleName=self.name, Tags=tag_list(self.place),
            AssumeRolePolicyDocument=_policy_of(statement),
        )  # fmt: skip
        self.arn = role["Role"]["Arn"]
        aws("iam", "AttachRolePolicy", RoleName=self.name, PolicyArn=self._policy)

    def remove(self, aws: Aws) -> None:
        _unless_absent(
            aws, "iam", "DetachRolePolicy", RoleName=self.name, PolicyArn=self._policy
        )  # fmt: skip
        _unless_absent(aws, "iam", "DeleteRole", RoleName=self.name)

    @property
    def undo(self) -> str:
        detach = f"aws iam detach-role-policy --role-name {self.name} --policy-arn {self._policy}"
        return f"{detach}; aws iam delete-role --role-name {self.name}"


@dataclass(kw_only=True)
class EventQueue:
    """An SQS queue into which rules put events."""

    name: str
    place: Place
    kind: str = "SQS queue"
    url: str = ""
    arn: str = ""

    def make(self, aws: Aws) -> None:
        attributes = {"MessageRetentionPeriod": RETENTION_S}
        self.url = aws(
            "sqs", "CreateQueue", QueueName=self.name, Attributes=attributes,
            tags={TAG: self.place.name},
        )["QueueUrl"]  # fmt: skip
        answer = aws("sqs", "GetQueueAttributes", QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = answer["Attributes"]["QueueArn"]

    def allow(self, aws: Aws, rule_arns: Sequence[str]) -> None:
        """Let rules put events into it."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": list(rule_arns)}},
        }
        attributes = {"Policy": _policy_of(statement)}
        aws("sqs", "SetQueueAttributes", QueueUrl=self.url, Attributes=attributes)

    def remove(self, aws: Aws) -> None:
        answer = _unless_absent(aws, "sqs", "GetQueueUrl", QueueName=self.name)
        if answer is not None:
            _unless_absent(aws, "sqs", "DeleteQueue", QueueUrl=answer["QueueUrl"])

    @property
    def undo(self) -> str:
        url = f"$(aws sqs get-queue-url --queue-name {self.name} --output text)"
        return f"aws sqs delete-queue --queue-url {url}"


@dataclass(kw_only=True)
class Rule:
    """An EventBridge rule that puts what matches into the queue."""

    name: str
    place: Place
    queue: EventQueue
    pattern: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "EventBridge rule"
    arn: str = ""

    def make(self, aws: Aws) -> None:
        answer = aws(
            "events", "PutRule", Name=self.name, EventPattern=json.dumps(self.pattern),
            Tags=tag_list(self.place),
        )  # fmt: skip
        self.arn = answer["RuleArn"]
        aws("events", "PutTargets", Rule=self.name, Targets=[{"Id": "q", "Arn": self.queue.arn}])

    def remove(self, aws: Aws) -> None:
        _unless_absent(aws, "events", "RemoveTargets", Rule=self.name, Ids=["q"])
        _unless_absent(aws, "events", "DeleteRule", Name=self.name)

    @property
    def undo(self) -> str:
        remove = f"aws events remove-targets --rule {self.name} --ids q"
        return f"{remove}; aws events delete-rule --name {self.name}"


@dataclass(kw_only=True)
class Bucket:
    """One that sends its events to EventBridge."""

    name: str
    place: Place
    region: str
    kind: str = "bucket"

    def make(self, aws: Aws) -> None:
        where = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        more = {"CreateBucketConfiguration": where} if where else {}
        aws("s3", "CreateBucket", Bucket=self.name, **more)
        tags = {"TagSet": tag_list(self.place)}
        aws("s3", "PutBucketTagging", Bucket=self.name, Tagging=tags)
        aws(
            "s3", "PutBucketNotificationConfiguration", Bucket=self.name,
            NotificationConfiguration={"EventBridgeConfiguration": {}},
        )  # fmt: skip

    def remove(self, aws: Aws) -> None:
        answer = _unless_absent(aws, "s3", "ListObjectsV2", Bucket=self.name)
        for entry in [] if answer is None else answer.get("Contents", []):
            aws("s3", "DeleteObject", Bucket=self.name, Key=entry["Key"])
        _unless_absent(aws, "s3", "DeleteBucket", Bucket=self.name)

    @property
    def undo(self) -> str:
        return f"aws s3 rb --force s3://{self.name}"


def _policy_of(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def tag_list(place: Place) -> list[dict[str, str]]:
    return [{"Key": TAG, "Value": place.name}]


def _unless_absent(aws: Aws, service: str, operation: str, /, **request: Any) -> Document | None:
    """The answer; None of what is not there. Raises: CallFailed."""
    try:
        return aws(service, operation, **request)
    except CallFailed as error:
        if error.code not in ABSENT_CODES:
            raise
        return None
