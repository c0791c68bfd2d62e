"""What a JobDetail says: an event's `detail` and an entry of DescribeJobs have one shape.

Source: Batch User Guide, batch_cwe_events ("resembles the JobDetail object").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from batchrelay.domain.events import JobFailed, JobProgressed, JobSucceeded
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_containers import (
    attempts_of_job,
    containers_of_attempt,
    containers_of_job,
    decisive_container,
    judged_container,
    log_place,
    requested_of_job,
)
from batchrelay.domain.job_detail import Capacity, JobDetail, JobReport
from batchrelay.domain.job_queues import JobQueue
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import JobKey


def report_of(detail: Mapping[str, Any]) -> JobReport:
    """Outcome, counts of children and reason. A plain job counts as one child."""
    status = detail.get("status")
    summary = _mapping(_mapping(detail, "arrayProperties"), "statusSummary")
    ended = status in ("SUCCEEDED", "FAILED")
    running = 1 if status in _BEGUN and not summary else 0
    return JobReport(
        job_id=str(detail.get("jobId", "")),
        outcome=JobOutcome(str(status)) if ended else None,
        succeeded=_count(summary, "SUCCEEDED", 0 if summary or status != "SUCCEEDED" else 1),
        failed=_count(summary, "FAILED", 0 if summary or status != "FAILED" else 1),
        running=_count(summary, "RUNNING", running),
        reason=_reason(detail),
        waits_since=_time(detail, "createdAt") if _waits(detail, summary) else None,
        stopped_at=_time(detail, "stoppedAt"),
    )


_BEGUN = ("STARTING", "RUNNING")


def _waits(detail: Mapping[str, Any], summary: Mapping[str, Any]) -> bool:
    """Whether it is RUNNABLE since it was made; of an array, whether a child is, and no child ran.

    Of one that waited for another job, or was tried before, AWS Batch does not say since
    when it could begin.
    """
    status = detail.get("status")
    if detail.get("dependsOn") or detail.get("attempts"):
        return False
    if not summary:
        return status == "RUNNABLE"
    begun = sum(_count(summary, name, 0) for name in (*_BEGUN, "SUCCEEDED", "FAILED"))
    return status in ("PENDING", "RUNNABLE") and begun == 0 and _count(summary, "RUNNABLE", 0) > 0


def _time(detail: Mapping[str, Any], name: str) -> datetime | None:
    """Times are milliseconds. Source: JobDetail, createdAt."""
    value = detail.get(name)
    is_number = isinstance(value, int | float) and 0 < value < _FAR_FUTURE_MS
    return datetime.fromtimestamp(value / 1000, UTC) if is_number and value is not None else None


_FAR_FUTURE_MS = 10**14


def _mapping(detail: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Absent, null or of an unknown shape is empty: only the status decides (aws-batch.md, Q20)."""
    value = detail.get(name)
    return value if isinstance(value, Mapping) else {}


def _count(summary: Mapping[str, Any], name: str, otherwise: int) -> int:
    value = summary.get(name, otherwise)
    return value if isinstance(value, int) else otherwise


def end_of(report: JobReport, key: JobKey, at: datetime) -> JobSucceeded | JobFailed | None:
    """The end that a report says; None while the job goes on."""
    match report.outcome:
        case None:
            return None
        case JobOutcome.SUCCEEDED:
            return JobSucceeded(at=at, key=key, job_id=report.job_id)
        case _:
            return JobFailed(
                at=at,
                key=key,
                job_id=report.job_id,
                succeeded=report.succeeded,
                failed=report.failed,
                reason=report.reason,
                stopped_at=report.stopped_at,
            )


def progress_of(report: JobReport, key: JobKey, at: datetime) -> JobProgressed:
    """How far a job is, by its children."""
    return JobProgressed(
        at=at,
        key=key,
        job_id=report.job_id,
        succeeded=report.succeeded,
        failed=report.failed,
        running=report.running,
    )


def failure_of(job: Mapping[str, Any]) -> ChildFailure:
    """What a JobDetail or a JobSummary says of a child, or of a plain job, that FAILED."""
    container = judged_container(job)
    exit_code = container.get("exitCode")
    return ChildFailure(
        index=_count(_mapping(job, "arrayProperties"), "index", 0),
        job_id=str(job.get("jobId", "")),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        reason=_joined(job.get("statusReason"), container.get("reason")),
    )


def failures_without_children(array: Mapping[str, Any]) -> Iterator[ChildFailure]:
    """Of an array that FAILED before it had children, all that it was to have; else none.

    It did so because a job that it depends on failed, or because it was stopped.
    """
    properties = _mapping(array, "arrayProperties")
    reason = _joined(array.get("statusReason"))
    had_children = any(_mapping(properties, "statusSummary").values())
    if array.get("status") != "FAILED" or had_children or reason.startswith(CHILD_FAILED):
        return
    for index in range(_count(properties, "size", 0)):
        yield ChildFailure(index=index, job_id=f"{array.get('jobId')}:{index}", reason=reason)


def children_failed(array: Mapping[str, Any]) -> int:
    """How many children of an array FAILED, at least: its counts may lag behind its reason."""
    summary = _mapping(_mapping(array, "arrayProperties"), "statusSummary")
    because_of_a_child = _joined(array.get("statusReason")).startswith(CHILD_FAILED)
    return max(_count(summary, "FAILED", 0), 1 if because_of_a_child else 0)


def detail_of(job: Mapping[str, Any]) -> JobDetail:
    """What a JobDetail says of a job, or of a child.

    The times of a job that has ended are those of its last attempt: `startedAt` and `stoppedAt`
    of the job itself are there even if that attempt never began.
    """
    status = str(job.get("status", ""))
    ended = status in ("SUCCEEDED", "FAILED")
    attempts = attempts_of_job(job)
    earlier = attempts[:-1] if ended else attempts
    times = attempts[-1] if ended and attempts else job if ended or status == "RUNNING" else {}
    place = log_place(job)
    failure = failure_of(job)
    last = decisive_container(containers_of_attempt(attempts[-1])) if attempts else {}
    exit_code = last.get("exitCode") if ended and failure.exit_code is None else failure.exit_code
    vcpus, memory = requested_of_job(job)
    container = next(iter(containers_of_job(job)), {})
    platform = _mapping(container, "runtimePlatform")
    return JobDetail(
        job_id=failure.job_id,
        status=status,
        size=_count(_mapping(job, "arrayProperties"), "size", 0),
        created_at=_time(job, "createdAt"),
        started_at=_time(times, "startedAt"),
        stopped_at=_time(times, "stoppedAt") if ended else None,
        attempts=max(1, len(attempts) + (not ended)),
        earlier_s=sum(map(_ran_s, earlier)),
        exit_code=exit_code if ended and isinstance(exit_code, int) else None,
        reason=failure.reason,
        log_stream="" if place is None else place[1],
        queue=str(job.get("jobQueue", "")).rpartition("/")[2],
        vcpus=vcpus,
        memory_mib=None if memory is None else int(memory),
        is_fargate="FARGATE" in (job.get("platformCapabilities") or ()),
        arch=str(platform.get("cpuArchitecture") or "x86_64").lower(),
    )


def capacity_of(environments: Sequence[Mapping[str, Any]]) -> Capacity:
    """What these ComputeEnvironmentDetails have together; an UNMANAGED one has no resources.

    A family of instance types, as m5, and `optimal` are no type.
    """
    resources = [_mapping(environment, "computeResources") for environment in environments]
    spots = {str(entry.get("type")) in _SPOT for entry in resources}
    types = {str(name) for entry in resources for name in entry.get("instanceTypes") or ("",)}
    [one, *others] = types or {""}
    return Capacity(
        is_spot=spots == {True},
        is_mixed=len(spots) > 1,
        instance_type=one if "." in one and not others else "",
    )


def job_queue_of(queue: Mapping[str, Any]) -> JobQueue:
    """One of DescribeJobQueues; what is being deleted takes no jobs, whatever its state."""
    is_leaving = queue.get("status") in _LEAVING
    state = str(queue["status"] if is_leaving else queue["state"])
    return JobQueue(name=str(queue["jobQueueName"]), arn=str(queue["jobQueueArn"]), state=state)


_LEAVING = ("DELETING", "DELETED")
"""Source: JobQueueDetail, status."""

_SPOT = ("FARGATE_SPOT", "SPOT")
"""Source: ComputeResource, type."""


def _ran_s(attempt: Mapping[str, Any]) -> float:
    start, stop = _time(attempt, "startedAt"), _time(attempt, "stoppedAt")
    return 0.0 if start is None or stop is None else max(0.0, (stop - start).total_seconds())


CHILD_FAILED = "Array Child Job failed"
"""The reason of an array that FAILED because a child did. Source: field (aws-batch.md, Reasons)."""


def _reason(detail: Mapping[str, Any]) -> str:
    """Why a job ended: AWS Batch scatters it over three fields (aws-batch.md, Reasons)."""
    container = judged_container(detail)
    exit_code = container.get("exitCode")
    code = None if exit_code is None else f"exit code {exit_code}"
    return _joined(detail.get("statusReason"), code, container.get("reason"))


def _joined(*pieces: Any) -> str:
    return ", ".join(str(piece) for piece in pieces if piece)
