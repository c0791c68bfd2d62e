"""AWS's shapes of a job: JobDetail for DescribeJobs and events, JobSummary for ListJobs."""

from __future__ import annotations

from typing import Any

from batch_local.arns import job_arn
from batch_local.details.containers import containers_detail, outcome
from batch_local.model import Job, JobSpec, JobStatus, Kind


def job_detail(job: Job) -> dict[str, Any]:
    """A JobDetail. Source: DescribeJobs."""
    spec = job.spec
    detail: dict[str, Any] = {
        "jobArn": job_arn(job.id),
        "jobName": spec.name,
        "jobId": job.id,
        "jobQueue": spec.queue.arn,
        "status": str(job.status),
        "createdAt": job.created_at,
        "retryStrategy": {
            "attempts": spec.retry.attempts,
            "evaluateOnExit": list(spec.retry.rules),
        },
        "dependsOn": [] if job.parent is not None else list(spec.depends_on),
        "jobDefinition": spec.definition.arn,
        "parameters": spec.parameters,
        "tags": {"resourceArn": job_arn((job.parent or job).id)},
        "propagateTags": spec.propagate_tags,
        "platformCapabilities": [spec.definition.platform],
        **containers_detail(job),
    }
    if job.parent is None:
        detail["tags"] |= spec.tags
    if job.is_parent:
        detail["arrayProperties"] = {"size": spec.size, "statusSummary": summary(job)}
    elif job.index is not None:
        detail["arrayProperties"] = {"index": job.index, "statusSummary": {}}
    if spec.timeout_s is not None:
        detail["timeout"] = {"attemptDurationSeconds": spec.timeout_s}
    if spec.consumables:
        detail["consumableResourceProperties"] = consumable_properties(spec)
    if spec.share is not None:
        detail["shareIdentifier"] = spec.share
        detail["schedulingPriority"] = spec.priority
    return detail | _times(job) | _reason(job)


def consumable_properties(spec: JobSpec) -> dict[str, Any]:
    """What one of its processes needs. Source: ConsumableResourceProperties."""
    needs = spec.consumables.items()
    entries = [{"consumableResource": name, "quantity": quantity} for name, quantity in needs]
    return {"consumableResourceList": entries}


def job_summary(job: Job) -> dict[str, Any]:
    """A JobSummary. Source: ListJobs."""
    summary_fields: dict[str, Any] = {
        "jobArn": job_arn(job.id),
        "jobId": job.id,
        "jobName": job.spec.name,
        "createdAt": job.created_at,
        "status": str(job.status),
        "jobDefinition": job.spec.definition.arn,
    }
    if job.is_parent:
        summary_fields["arrayProperties"] = {"size": job.spec.size, "statusSummary": summary(job)}
    elif job.index is not None:
        summary_fields["arrayProperties"] = {"index": job.index}
    if job.spec.nodes is not None:
        summary_fields["nodeProperties"] = {"numNodes": job.spec.nodes}
    if job.spec.share is not None:
        summary_fields["shareIdentifier"] = job.spec.share
    last = job.attempts[-1] if job.attempts else None
    is_one = job.spec.definition.kind is Kind.CONTAINER
    if is_one and last is not None and last.stopped_at is not None:
        summary_fields["container"] = outcome(last)
    return summary_fields | _times(job) | _reason(job)


def summary(job: Job) -> dict[str, int]:
    """A parent's children by status; empty until they were spawned."""
    if not job.children:
        return {}
    return {str(status): job.summary.get(status, 0) for status in JobStatus}


def _times(job: Job) -> dict[str, Any]:
    times = {"startedAt": job.started_at, "stoppedAt": job.stopped_at}
    return {name: time for name, time in times.items() if time is not None}


def _reason(job: Job) -> dict[str, Any]:
    """Why, and whether it was stopped: the flags are there only when they are true."""
    fields: dict[str, Any] = {}
    if job.status_reason is not None:
        fields["statusReason"] = job.status_reason
    if job.is_cancelled:
        fields["isCancelled"] = True
    if job.is_terminated:
        fields["isTerminated"] = True
    return fields
