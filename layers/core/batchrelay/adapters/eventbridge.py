"""EventBridge events as facts. The only reader of their shape (reference §7)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batchrelay.domain.errors import InputError
from batchrelay.domain.events import JobFailed, JobSucceeded
from batchrelay.domain.values import JobKey
from batchrelay.job_detail import end_of, report_of


def parse(body: str, at: datetime) -> JobSucceeded | JobFailed | None:
    """The fact in a `Batch Job State Change`; None for what is none of ours.

    None: another detail type, a child (its jobId holds a colon, whatever `arrayProperties` says),
    a foreign jobName, a status that is not terminal. Unknown fields are ignored.

    Raises:
        InputError: it is not a JSON object, or it claims to be a job's state change and has no
            jobId, jobName or status.
    """
    event = _object(body)
    if event.get("source") != "aws.batch" or event.get("detail-type") != "Batch Job State Change":
        return None
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise InputError("the event has no detail")
    job_id, _, name = (_text(detail, field) for field in ("jobId", "status", "jobName"))
    key = JobKey.parse(name)
    if key is None or ":" in job_id:
        return None
    return end_of(report_of(detail), key, at)


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
