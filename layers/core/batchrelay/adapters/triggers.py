"""Messages of triggers as orders: what EventBridge and EventBridge Scheduler send for us.

A rule says which pipeline it belongs to; the same object, or the same time, is the same run however
often it is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from batchrelay.domain.errors import InputError
from batchrelay.domain.run import StartOrder
from batchrelay.domain.values import keyed_run_id

S3_INPUT_PATHS: Mapping[str, str] = {"detail": "$.detail"}


def s3_input(pipeline: str) -> str:
    """The template of a rule's input: its pipeline, and the event's detail."""
    return f'{{"pipeline": {json.dumps(pipeline)}, "s3": <detail>}}'


def schedule_input(pipeline: str) -> str:
    """A schedule's input. Source: Scheduler User Guide, managing-schedule-context-attributes."""
    return json.dumps({"pipeline": pipeline, "time": "<aws.scheduler.scheduled-time>"})


def parse_trigger(body: str) -> StartOrder | None:
    """The order of a message; None for a folder marker, which is no upload.

    Raises:
        InputError: it is not what a rule of ours sends.
    """
    try:
        message = json.loads(body)
    except ValueError:
        raise InputError("the trigger's message is not JSON") from None
    pipeline = _text(message, "pipeline")
    if "s3" in message:
        return _upload(pipeline, message["s3"])
    time = _text(message, "time")
    return _order(pipeline, f"time/{time}", {"time": time})


def _upload(pipeline: str, detail: Any) -> StartOrder | None:
    """Keys are plain here, not encoded as in S3's own notifications (reference section 9.1)."""
    bucket = _text(_object(detail, "bucket"), "name")
    found = _object(detail, "object")
    key, size = _text(found, "key"), found.get("size", 0)
    if key.endswith("/") and not size:
        return None
    versions = [found.get(name) or "" for name in ("version-id", "etag", "sequencer")]
    same = versions[0] or "/".join(map(str, versions[1:]))
    folder = key.rpartition("/")[0]
    trigger = {
        "bucket": bucket,
        "key": key,
        "folder": f"s3://{bucket}/{folder}/" if folder else f"s3://{bucket}/",
        "size": str(size),
        "versionId": str(versions[0]),
    }
    return _order(pipeline, f"s3/{bucket}/{key}/{same}", trigger)


def _order(pipeline: str, key: str, trigger: Mapping[str, str]) -> StartOrder:
    return StartOrder(
        run_id=keyed_run_id(pipeline, key), pipeline=pipeline, key=key, trigger=trigger
    )


def _object(document: Any, name: str) -> Mapping[str, Any]:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, dict):
        raise InputError(f"the trigger's message has no {name}")
    return value


def _text(document: Any, name: str) -> str:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, str) or not value:
        raise InputError(f"the trigger's message has no {name}")
    return value
