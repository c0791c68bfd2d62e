"""What a JobDetail says: an event's `detail` and an entry of DescribeJobs have one shape.

Source: Batch User Guide, batch_cwe_events ("resembles the JobDetail object").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from batchrelay.domain.events import JobFailed, JobProgressed, JobSucceeded
from batchrelay.domain.run import JobOutcome
from batchrelay.domain.values import JobKey
from batchrelay.ports import JobReport


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


def _reason(detail: Mapping[str, Any]) -> str:
    """Why a job ended: AWS Batch scatters it over three fields (aws-batch.md, Reasons)."""
    container = _mapping(detail, "container")
    exit_code = container.get("exitCode")
    pieces = (
        detail.get("statusReason"),
        None if exit_code is None else f"exit code {exit_code}",
        container.get("reason"),
    )
    return ", ".join(str(piece) for piece in pieces if piece)
