"""What IAM asks for the calls of the command line that no function makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.policies import ACCOUNT, PARTITION
from verification.permissions.needs import Asked, Request, Resources, arn_of, on, without_resource


def _keyed(action: str, holder: str) -> Resources:
    """On a table, with the partition key as a condition key."""

    def asked(request: Request) -> Iterator[Asked]:
        keys = (("dynamodb:LeadingKeys", request[holder]["pk"]["S"]),)
        yield action, arn_of("dynamodb", f"table/{request['TableName']}"), (), keys

    return asked


def _registration(request: Request) -> Iterator[Asked]:
    definition = arn_of("batch", f"job-definition/{request['jobDefinitionName']}")
    yield "batch:RegisterJobDefinition", definition, (), ()
    if request["tags"]:
        yield "batch:TagResource", definition, (), ()
    container = request.get("containerProperties", {})
    for name in ("jobRoleArn", "executionRoleArn"):
        if name in container:
            yield "iam:PassRole", container[name], (), ()


def _schedule(action: str) -> Resources:
    def asked(request: Request) -> Iterator[Asked]:
        yield action, arn_of("scheduler", f"schedule/default/{request['Name']}"), (), ()
        if role := request.get("Target", {}).get("RoleArn"):
            name = arn_of("iam", role.rpartition("/")[2]).rpartition(":")[2]
            yield "iam:PassRole", f"arn:{PARTITION}:iam::{ACCOUNT}:role/{name}", (), ()

    return asked


_STACK = on("cloudformation:DescribeStacks", "cloudformation", "StackName", prefix="stack/")


def _stack(request: Request) -> Iterator[Asked]:
    """An ARN of a stack ends with an id."""
    for action, arn, tags, keys in _STACK(request):
        yield action, f"{arn}/id", tags, keys


OF_USERS: Mapping[str, Resources] = {
    "batch.DescribeComputeEnvironments": without_resource("batch:DescribeComputeEnvironments"),
    "batch.DescribeJobDefinitions": without_resource("batch:DescribeJobDefinitions"),
    "batch.DescribeJobQueues": without_resource("batch:DescribeJobQueues"),
    "batch.RegisterJobDefinition": _registration,
    "cloudformation.DescribeStacks": _stack,
    "dynamodb.GetItem": _keyed("dynamodb:GetItem", "Key"),
    "dynamodb.PutItem": _keyed("dynamodb:PutItem", "Item"),
    "eventbridge.DeleteRule": on("events:DeleteRule", "events", "Name", prefix="rule/"),
    "eventbridge.ListRules": lambda _: iter(
        [("events:ListRules", arn_of("events", "rule/*"), (), ())]
    ),
    "eventbridge.ListTargetsByRule": on(
        "events:ListTargetsByRule", "events", "Rule", prefix="rule/"
    ),
    "eventbridge.PutRule": on("events:PutRule", "events", "Name", prefix="rule/"),
    "eventbridge.PutTargets": on("events:PutTargets", "events", "Rule", prefix="rule/"),
    "eventbridge.RemoveTargets": on("events:RemoveTargets", "events", "Rule", prefix="rule/"),
    "lambda.Invoke": on("lambda:InvokeFunction", "lambda", "FunctionName", prefix="function:"),
    "s3.GetBucketNotificationConfiguration": on("s3:GetBucketNotification", "s3", "Bucket"),
    "scheduler.CreateSchedule": _schedule("scheduler:CreateSchedule"),
    "scheduler.DeleteSchedule": _schedule("scheduler:DeleteSchedule"),
    "scheduler.GetSchedule": _schedule("scheduler:GetSchedule"),
    "scheduler.ListSchedules": without_resource("scheduler:ListSchedules"),
    "scheduler.UpdateSchedule": _schedule("scheduler:UpdateSchedule"),
}
"""By call: what it asks for. Source: Service Authorization Reference."""
