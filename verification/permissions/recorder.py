"""Writes down each AWS call of a function, from inside the function's own process.

A process of the local cloud imports a copy of this file at its start (`recording.py`), so it
imports nothing of ours.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEPT = frozenset(
    {
        *("Bucket", "Key", "TableName", "IndexName", "QueueUrl", "QueueName", "TopicArn"),
        *("jobQueue", "jobDefinition", "jobId", "jobs", "logGroupName", "logStreamName"),
        *("TransactItems", "Put", "Update", "Entries", "Source", "DetailType", "EventBusName"),
        *("FunctionName", "StackName", "Item", "pk", "S", "jobDefinitionName", "Rule", "Name"),
        *("Target", "RoleArn", "containerProperties", "jobRoleArn", "executionRoleArn"),
        *("consumableResource", "consumableResourceName"),
        *("consumableResourcePropertiesOverride", "consumableResourceList"),
    }
)
"""Of a request: what names a resource or is a condition key of IAM, and no content."""

FOLDER = "BATCHRELAY_RECORDED_CALLS"
"""The variable by which a process that plays a function itself knows where to record."""

MADE, PRESIGNED, ABSENT = "made", "presigned", "absent"
"""How a call came about: it was sent; it is what a signed URL allows; there is no such thing."""

NOT_FOUND = 404


def record(function: str, folder: str) -> None:
    """From now on, every call of every session that is made in this process.

    A presigned URL counts as the call that it allows: who signs it must be allowed that.
    """
    import botocore.handlers

    file = Path(folder) / f"{function}-{os.getpid()}.jsonl"

    def write(model: Any, context: Mapping[str, Any], how: str) -> None:
        service = model.service_model.service_id.hyphenize()
        call = {"call": f"{service}.{model.name}", "how": how, "request": context["recorded"]}
        with file.open("a") as lines:
            lines.write(json.dumps(call) + "\n")

    def remember(params: Any, model: Any, context: Any, **_: Any) -> None:
        context["recorded"] = kept(params) | {"tags": sorted(params.get("tags", {}))}
        if context.get("is_presign_request"):
            write(model, context, PRESIGNED)

    def made(model: Any, context: Any, **_: Any) -> None:
        write(model, context, MADE)

    def answered(http_response: Any, model: Any, context: Any, **_: Any) -> None:
        if http_response.status_code == NOT_FOUND:
            write(model, context, ABSENT)

    botocore.handlers.BUILTIN_HANDLERS += [
        ("before-parameter-build", remember),
        ("before-call", made),
        ("after-call", answered),
    ]


def kept(value: Any) -> Any:
    """What of a request is written down."""
    if isinstance(value, Mapping):
        return {name: kept(inner) for name, inner in value.items() if name in KEPT}
    if isinstance(value, list | tuple):
        return [kept(inner) for inner in value]
    return value
