"""Messages of triggers: what EventBridge, its Scheduler, and we ourselves send to their queue.

A rule says whose it is; the same object, or the same time, is the same run, however often it comes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from batchrelay.domain.errors import InputError
from batchrelay.domain.idempotency_keys import keyed_run_id, scheduled_time_key, upload_key
from batchrelay.domain.pipeline import Overlap, S3Trigger, ScheduleTrigger, Trigger
from batchrelay.domain.run import StartRequest
from batchrelay.domain.upload_batch import (
    CreatedObject,
    DebouncedTrigger,
    DebouncedUpload,
    TimerMessage,
    TriggerCommand,
)

_T = TypeVar("_T", str, int, dict[str, Any])

S3_INPUT_PATHS: Mapping[str, str] = {"detail": "$.detail"}


# --- what is sent


def s3_input(pipeline: str, trigger: S3Trigger) -> str:
    """The template of a rule's input: its pipeline, and the event's detail."""
    message = _message(pipeline, trigger)
    debounced = debounced_trigger(pipeline, trigger)
    if debounced is not None:
        message |= {"debounce": debounced.debounce_s, "id": debounced.id}
    return f'{json.dumps(message)[:-1]}, "s3": <detail>}}'


def debounced_trigger(pipeline: str, trigger: S3Trigger) -> DebouncedTrigger | None:
    """A trigger that collects uploads in batches; None if each upload is a run."""
    if trigger.debounce_s is None:
        return None
    where = f"{trigger.bucket}/{trigger.prefix}*{trigger.suffix}"
    return DebouncedTrigger(
        pipeline=pipeline,
        id=hashlib.sha256(where.encode()).hexdigest()[:12],
        debounce_s=trigger.debounce_s,
        overlap=trigger.overlap,
    )


def schedule_input(pipeline: str, trigger: ScheduleTrigger) -> str:
    """A schedule's input. Source: Scheduler User Guide, managing-schedule-context-attributes."""
    return json.dumps(_message(pipeline, trigger) | {"time": "<aws.scheduler.scheduled-time>"})


def scheduled_start(pipeline: str, time: str, overlap: Overlap) -> StartRequest:
    """What a scheduled time starts."""
    return _start(pipeline, scheduled_time_key(time), {"time": time}, overlap)


def timer_body(timer: TimerMessage) -> str:
    """The body of a timer's message."""
    trigger = timer.trigger
    body = {
        "pipeline": trigger.pipeline,
        "overlap": str(trigger.overlap),
        "debounce": trigger.debounce_s,
        "id": trigger.id,
        "batch": timer.number,
        "at": round(timer.at.timestamp() * 1000),
    }
    return json.dumps(body)


def _message(pipeline: str, trigger: Trigger) -> dict[str, Any]:
    is_default = trigger.overlap is Overlap.PARALLEL
    return {"pipeline": pipeline} | ({} if is_default else {"overlap": str(trigger.overlap)})


# --- what is received


def parse_trigger(body: str) -> TriggerCommand:
    """The command of a message; None for a folder marker, which is no upload.

    Raises:
        InputError: it is not what a rule of ours, or we, send.
    """
    try:
        message = json.loads(body)
    except ValueError:
        raise InputError("the trigger's message is not JSON") from None
    pipeline = _take(message, "pipeline", str)
    overlap = _overlap(message)
    if "time" in message:
        return scheduled_start(pipeline, _take(message, "time", str), overlap)
    debounced = None
    if "debounce" in message:
        debounced = DebouncedTrigger(
            pipeline=pipeline,
            id=_take(message, "id", str),
            debounce_s=_take(message, "debounce", int),
            overlap=overlap,
        )
    if debounced is not None and "batch" in message:
        at = datetime.fromtimestamp(_take(message, "at", int) / 1000, UTC)
        return TimerMessage(trigger=debounced, number=_take(message, "batch", int), at=at)
    upload = _upload(_take(message, "s3", dict))
    if upload.key.endswith("/") and not upload.size:
        return None
    if debounced is not None:
        return DebouncedUpload(trigger=debounced, upload=upload)
    return _upload_start(pipeline, upload, overlap)


def _overlap(message: Any) -> Overlap:
    try:
        return Overlap(message.get("overlap", Overlap.PARALLEL))
    except ValueError:
        raise InputError("the trigger's message has an unknown overlap") from None


def _upload(detail: Any) -> CreatedObject:
    """Keys are plain here, not encoded as in S3's own notifications (Q15 of aws-batch.md)."""
    created = _take(detail, "object", dict)
    sequencer = created.get("sequencer") or ""
    try:
        int(sequencer or "0", 16)
    except (TypeError, ValueError):
        raise InputError("object.sequencer of the trigger's message is not hexadecimal") from None
    return CreatedObject(
        bucket=_take(_take(detail, "bucket", dict), "name", str),
        key=_take(created, "key", str),
        size=_take(created, "size", int) if "size" in created else 0,
        version_id=str(created.get("version-id") or ""),
        etag=str(created.get("etag") or ""),
        sequencer=sequencer,
    )


def _upload_start(pipeline: str, upload: CreatedObject, overlap: Overlap) -> StartRequest:
    folder = upload.key.rpartition("/")[0]
    root = f"s3://{upload.bucket}/"
    trigger = {
        "bucket": upload.bucket,
        "key": upload.key,
        "folder": f"{root}{folder}/" if folder else root,
        "size": str(upload.size),
        "versionId": upload.version_id,
    }
    return _start(pipeline, upload_key(upload), trigger, overlap)


def _start(pipeline: str, key: str, trigger: Mapping[str, str], overlap: Overlap) -> StartRequest:
    run_id = keyed_run_id(pipeline, key)
    return StartRequest(run_id=run_id, pipeline=pipeline, key=key, trigger=trigger, overlap=overlap)


def _take(document: Any, name: str, kind: type[_T]) -> _T:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool) or value in ("", {}):
        raise InputError(f"the trigger's message has no {name}")
    return value
