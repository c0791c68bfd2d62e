"""What IAM asks for a call: its action, on which resources, with which condition keys.

Source: Service Authorization Reference, of each service. A resource of the local stack is named as
`tests/policies.py` names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.job_tags import PIPELINE_TAG
from tests.policies import ACCOUNT, NO_RESOURCE, PARTITION, REGION, Policies
from tests.stack import template
from verification.permissions.recorder import ABSENT, MADE, PRESIGNED

Request = Mapping[str, Any]

_LOCAL_STACK = "batchrelay"
_STACK = Policies(parameters={})


@dataclass(frozen=True, kw_only=True, order=True)
class Need:
    """One action on one resource."""

    action: str
    arn: str
    tags: tuple[tuple[str, str], ...] = ()
    """Of the resource."""
    keys: tuple[tuple[str, str], ...] = ()
    """Of the service, for conditions."""
    call: str = ""
    """For which call, as `service.Operation`."""


Asked = tuple[str, str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
"""Action, ARN, tags of the resource, condition keys of the service."""

Resources = Callable[[Request], Iterator[Asked]]


def needs(
    call: str, request: Request, how: str = MADE, table: Mapping[str, Resources] | None = None
) -> tuple[Need, ...]:
    """Of one call, or of the answer that there is no such thing.

    Raises: KeyError for a call that no one has looked up yet.
    """
    resources = OF_FUNCTIONS if table is None else table
    if how == ABSENT:
        return tuple(_needs_of_absence(call, request))
    name = f"{call}, presigned" if how == PRESIGNED else call
    return tuple(
        Need(action=action, arn=arn, tags=tags, keys=keys, call=name)
        for action, arn, tags, keys in resources[call](request)
    )


def _needs_of_absence(call: str, request: Request) -> Iterator[Need]:
    """S3 says 404 for an object that is not there to who may list the bucket, and 403 to others.
    Source: S3, GetObject, "Permissions"."""
    if call == "s3.GetObject":
        bucket = arn_of("s3", request["Bucket"])
        yield Need(action="s3:ListBucket", arn=bucket, call="s3.GetObject, absent")


def arn_of(service: str, resource: str) -> str:
    """Of the evaluated stack, or beside it."""
    account = ":" if service == "s3" else f"{REGION}:{ACCOUNT}"
    return f"arn:{PARTITION}:{service}:{account}:{_with_stack_names(resource)}"


def _with_stack_names(resource: str) -> str:
    """Names of resources of the local stack as the evaluated stack has them."""
    made = re.match(rf"(table/|function:)?{_LOCAL_STACK}-(\w+)-[0-9A-Za-z]{{13}}(?=/|$)", resource)
    if made is None:
        return resource
    ids = {name.lower(): name for name in template()["Resources"]}
    name = _STACK.name_of(ids[made[2].lower()])
    is_bucket = made[2].islower()
    return (made[1] or "") + (name.lower() if is_bucket else name) + resource[made.end() :]


def on(action: str, service: str, *fields: str, prefix: str = "") -> Resources:
    """On what these fields of a request name."""

    def asked(request: Request) -> Iterator[Asked]:
        name = prefix + "/".join(request[field] for field in fields)
        yield action, arn_of(service, name), (), ()

    return asked


def without_resource(action: str) -> Resources:
    """On `*`."""

    def asked(_: Request) -> Iterator[Asked]:
        yield action, NO_RESOURCE, (), ()

    return asked


def _queue(action: str) -> Resources:
    """A queue's URL ends with its name."""

    def asked(request: Request) -> Iterator[Asked]:
        yield action, arn_of("sqs", request["QueueUrl"].rpartition("/")[2]), (), ()

    return asked


def _query(request: Request) -> Iterator[Asked]:
    index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
    yield "dynamodb:Query", arn_of("dynamodb", f"table/{request['TableName']}") + index, (), ()


_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem"}


def _transaction(request: Request) -> Iterator[Asked]:
    """There is no action of the transaction's own."""
    for item in request["TransactItems"]:
        for kind, write in item.items():
            table = arn_of("dynamodb", f"table/{write['TableName']}")
            yield f"dynamodb:{_TRANSACTED[kind]}", table, (), ()


def _submission(request: Request) -> Iterator[Asked]:
    """A revision has the tag of `batchrelay deploy`, which names revisions; AWS looks at no tag of
    a name without one."""
    queue, definition = request["jobQueue"], request["jobDefinition"]
    yield "batch:SubmitJob", _batch("job-queue", queue), (), ()
    tags = ((PIPELINE_TAG, "pipeline"),) if re.search(r":\d+$", definition) else ()
    yield "batch:SubmitJob", _batch("job-definition", definition), tags, ()
    if request["tags"]:
        yield "batch:TagResource", arn_of("batch", "job/new"), (), ()
    override = request.get("consumableResourcePropertiesOverride", {})
    for entry in override.get("consumableResourceList", ()):
        yield "batch:SubmitJob", _batch("consumable-resource", entry["consumableResource"]), (), ()


def _resource(action: str, field: str = "consumableResource") -> Resources:
    """A consumable resource, by its name or its ARN."""

    def asked(request: Request) -> Iterator[Asked]:
        yield f"batch:{action}", _batch("consumable-resource", request[field]), (), ()

    return asked


def _batch(kind: str, name: str) -> str:
    """A name, or an ARN of the local cloud."""
    return arn_of("batch", f"{kind}/{name.rpartition('/')[2]}")


def _jobs(request: Request) -> Iterator[Asked]:
    for job in request["jobs"] if "jobs" in request else [request["jobId"]]:
        yield "batch:TerminateJob", arn_of("batch", f"job/{job}"), (), ()


def _publish(request: Request) -> Iterator[Asked]:
    topic = request["TopicArn"].rpartition(":")[2]
    yield "sns:Publish", arn_of("sns", topic), (), ()


def _put_events(request: Request) -> Iterator[Asked]:
    for entry in request["Entries"]:
        keys = (("events:source", entry["Source"]), ("events:detail-type", entry["DetailType"]))
        bus = arn_of("events", f"event-bus/{entry.get('EventBusName', 'default')}")
        yield "events:PutEvents", bus, (), keys


def _log(request: Request) -> Iterator[Asked]:
    group, stream = request["logGroupName"], request["logStreamName"]
    yield "logs:GetLogEvents", arn_of("logs", f"log-group:{group}:log-stream:{stream}"), (), ()


OF_FUNCTIONS: Mapping[str, Resources] = {
    "batch.CreateConsumableResource": _resource(
        "CreateConsumableResource", "consumableResourceName"
    ),
    "batch.DeleteConsumableResource": _resource("DeleteConsumableResource"),
    "batch.DescribeConsumableResource": _resource("DescribeConsumableResource"),
    "batch.ListConsumableResources": without_resource("batch:ListConsumableResources"),
    "batch.DescribeComputeEnvironments": without_resource("batch:DescribeComputeEnvironments"),
    "batch.DescribeJobQueues": without_resource("batch:DescribeJobQueues"),
    "batch.DescribeJobs": without_resource("batch:DescribeJobs"),
    "batch.ListJobs": without_resource("batch:ListJobs"),
    "batch.SubmitJob": _submission,
    "batch.TerminateJob": _jobs,
    "batch.TerminateJobs": _jobs,
    "cloudwatch-logs.GetLogEvents": _log,
    "dynamodb.GetItem": on("dynamodb:GetItem", "dynamodb", "TableName", prefix="table/"),
    "dynamodb.PutItem": on("dynamodb:PutItem", "dynamodb", "TableName", prefix="table/"),
    "dynamodb.UpdateItem": on("dynamodb:UpdateItem", "dynamodb", "TableName", prefix="table/"),
    "dynamodb.Query": _query,
    "dynamodb.TransactWriteItems": _transaction,
    "eventbridge.PutEvents": _put_events,
    "s3.AbortMultipartUpload": on("s3:AbortMultipartUpload", "s3", "Bucket", "Key"),
    "s3.CompleteMultipartUpload": on("s3:PutObject", "s3", "Bucket", "Key"),
    "s3.CreateMultipartUpload": on("s3:PutObject", "s3", "Bucket", "Key"),
    "s3.GetObject": on("s3:GetObject", "s3", "Bucket", "Key"),
    "s3.ListObjectsV2": on("s3:ListBucket", "s3", "Bucket"),
    "s3.PutObject": on("s3:PutObject", "s3", "Bucket", "Key"),
    "s3.UploadPart": on("s3:PutObject", "s3", "Bucket", "Key"),
    "sns.Publish": _publish,
    "sqs.ChangeMessageVisibility": _queue("sqs:ChangeMessageVisibility"),
    "sqs.ChangeMessageVisibilityBatch": _queue("sqs:ChangeMessageVisibility"),
    "sqs.CreateQueue": on("sqs:CreateQueue", "sqs", "QueueName"),
    "sqs.DeleteQueue": _queue("sqs:DeleteQueue"),
    "sqs.GetQueueAttributes": _queue("sqs:GetQueueAttributes"),
    "sqs.GetQueueUrl": on("sqs:GetQueueUrl", "sqs", "QueueName"),
    "sqs.ListQueues": without_resource("sqs:ListQueues"),
    "sqs.SendMessage": _queue("sqs:SendMessage"),
    "sqs.SendMessageBatch": _queue("sqs:SendMessage"),
}
"""By call of a function: what it asks for. Source: Service Authorization Reference."""
