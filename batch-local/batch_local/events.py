"""EventBridge events of AWS Batch, in the shape of docs/reference/aws-batch.md."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from batch_local.arns import ACCOUNT, REGION, job_arn
from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.details.jobs import job_detail
from batch_local.model import Job, JobStatus


@dataclass(frozen=True, slots=True)
class BusEvent:
    """What EventBridge is given; it adds account, region and its own time."""

    detail_type: str
    resources: list[str]
    detail: str
    """JSON."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


def envelope(event: BusEvent, at: datetime, source: str) -> dict[str, Any]:
    """An event as EventBridge hands it on. Source: EventBridge, event structure."""
    return {
        "version": "0",
        "id": event.id,
        "detail-type": event.detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": event.resources,
        "detail": json.loads(event.detail),
    }


def queue_blocked(job: Job) -> BusEvent:
    """A `Batch Job Queue Blocked`: the head of a queue asks for more than there will ever be."""
    reason = (
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job requirement (vCPUs) is higher than "
        "that of the compute environments of its queue"
    )
    detail = job_detail(job) | {"statusReason": reason}
    resources = [job_arn(job.id), job.spec.queue.arn]
    return BusEvent("Batch Job Queue Blocked", resources, json.dumps(detail))


def state_change(job: Job, assume: Assumptions = DOCUMENTED) -> BusEvent | None:
    """A `Batch Job State Change` of a job as it is now; None where it is assumed to be absent."""
    if job.is_parent and assume.parent_events == "terminal" and not job.status.is_terminal:
        return None
    detail: dict[str, Any] = job_detail(job)
    if assume is not DOCUMENTED:
        _change(detail, job, assume)
    return BusEvent("Batch Job State Change", [job_arn(job.id)], json.dumps(detail))


def _change(detail: dict[str, Any], job: Job, assume: Assumptions) -> None:
    """What is in an event, otherwise assumed."""
    if job.index == 0 and assume.first_index == "absent":
        del detail["arrayProperties"]["index"]
    if job.is_parent and job.status.is_terminal and assume.parent_summary == "behind":
        summary = detail["arrayProperties"]["statusSummary"]
        if summary:
            summary[str(job.status)] -= 1
            summary[str(JobStatus.RUNNING)] += 1
    if assume.stop_flags == "absent":
        detail.pop("isCancelled", None)
        detail.pop("isTerminated", None)
    if job.parent is not None and assume.child_tags == "present":
        detail["tags"] |= job.spec.tags
    if assume.event_container == "absent":
        detail.pop("container", None)
