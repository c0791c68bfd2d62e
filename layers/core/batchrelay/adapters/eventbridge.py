"""EventBridge events as facts. The only reader of their shape (docs/reference/aws-batch.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batchrelay.codec.job_detail import end_of, report_of
from batchrelay.domain.errors import InputError
from batchrelay.domain.events import JobBlocked, JobFailed, JobSucceeded
from batchrelay.domain.values import JOB_ID, JobKey

STATE_CHANGE, QUEUE_BLOCKED = "Batch Job State Change", "Batch Job Queue Blocked"


def parse(body: str, at: datetime) -> JobSucceeded | JobFailed | JobBlocked | None:
    """The fact in an event of AWS Batch; None for an event of another application.

    None: another detail type, the end of a child (its jobId holds a colon, whatever
    `arrayProperties` says), a foreign jobName, a jobId that is not a UUID, a status that is not
    terminal. Unknown fields are ignored. A child that blocks its queue blocks its job.

    Raises:
        InputError: it is not a JSON object, or it claims to be of a job and has no jobId,
            jobName or status.
    """
    event = _object(body)
    kind = event.get("detail-type")
    if event.get("source") != "aws.batch" or kind not in (STATE_CHANGE, QUEUE_BLOCKED):
        return None
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise InputError("the event has no detail")
    job_id, _, name = (_text(detail, field) for field in ("jobId", "status", "jobName"))
    key = JobKey.parse(name)
    if key is None or JOB_ID.fullmatch(job_id.partition(":")[0]) is None:
        return None
    if kind == QUEUE_BLOCKED:
        reason = str(detail.get("statusReason") or "its queue is blocked")
        return JobBlocked(at=at, key=key, job_id=job_id.partition(":")[0], reason=reason)
    return None if ":" in job_id else end_of(report_of(detail), key, at)


def _object(body: str) -> Mapping[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        raise InputError("the event is not JSON") from None
    if not isinstance(event, dict):
        raise InputError("the event is not a JSON object")
    return event


def _text(detail: Mapping[str, Any], field: str) -> str:
    value = detail.get(field)
    if not isinstance(value, str):
        raise InputError(f"the event's detail has no {field}")
    return value
