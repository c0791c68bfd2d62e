"""EventBridge events of AWS Batch, in the shape of reference §7."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from batchrelay_local.batch.details import job_arn, job_detail
from batchrelay_local.batch.model import Job


@dataclass(frozen=True, slots=True)
class BusEvent:
    """What EventBridge is given; it adds id, account, region and its own time."""

    detail_type: str
    resources: list[str]
    detail: str
    """JSON."""


def queue_blocked(job: Job) -> BusEvent:
    """A `Batch Job Queue Blocked`: the head of a queue asks for more than there will ever be."""
    reason = (
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job requirement (vCPUs) is higher than "
        "that of the compute environments of its queue"
    )
    detail = job_detail(job) | {"statusReason": reason}
    resources = [job_arn(job.id), job.spec.queue.arn]
    return BusEvent("Batch Job Queue Blocked", resources, json.dumps(detail))


def state_change(job: Job) -> BusEvent:
    """A `Batch Job State Change` of a job as it is now."""
    detail: dict[str, Any] = job_detail(job)
    return BusEvent("Batch Job State Change", [job_arn(job.id)], json.dumps(detail))
