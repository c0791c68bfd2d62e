"""What AWS Batch's description of a job reports: its counts, since when it waits, its event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batchrelay.codec.job_detail import end_of, progress_of, report_of
from batchrelay.domain.events import JobFailed, JobProgressed, JobSucceeded
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.step_state import JobOutcome
from tests.builders import T0, at, key
from tests.unit.codec.documents import T0_MS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("detail", "report"),
    [
        (
            {
                "status": "FAILED",
                "statusReason": "why",
                "container": {"exitCode": 3, "reason": "OOM"},
            },
            JobReport(
                job_id="j", outcome=JobOutcome.FAILED, failed=1, reason="why, exit code 3, OOM"
            ),
        ),
        ({"status": "SUCCEEDED"}, JobReport(job_id="j", outcome=JobOutcome.SUCCEEDED, succeeded=1)),
        ({"status": "STARTING"}, JobReport(job_id="j", outcome=None, running=1)),
        (
            {
                "status": "FAILED",
                "stoppedAt": round(T0.timestamp() * 1000),
                "arrayProperties": {"statusSummary": {"SUCCEEDED": 5, "FAILED": 2, "RUNNING": 0}},
            },
            JobReport(job_id="j", outcome=JobOutcome.FAILED, succeeded=5, failed=2, stopped_at=T0),
        ),
        (
            {
                "status": "PENDING",
                "createdAt": round(T0.timestamp() * 1000),
                "arrayProperties": {"statusSummary": {"RUNNABLE": 5, "FAILED": 1}},
            },
            JobReport(job_id="j", outcome=None, failed=1),
        ),
    ],
)
def test_a_job_detail_is_read_with_its_counts(detail: dict[str, Any], report: JobReport) -> None:
    assert report_of({"jobId": "j", **detail}) == report


RUNNABLE = {"createdAt": T0_MS, "status": "RUNNABLE"}


@pytest.mark.parametrize(
    ("detail", "waits_since"),
    [
        (RUNNABLE, T0),
        ({**RUNNABLE, "createdAt": T0_MS + 0.5}, at(0.0005)),
        ({**RUNNABLE, "createdAt": 1}, EPOCH + timedelta(milliseconds=1)),
        ({**RUNNABLE, "createdAt": 0}, None),
        ({**RUNNABLE, "createdAt": 10**14 - 1_000}, EPOCH + timedelta(seconds=10**11 - 1)),
        ({**RUNNABLE, "createdAt": 10**14}, None),
        ({**RUNNABLE, "createdAt": str(T0_MS)}, None),
        ({"status": "RUNNABLE"}, None),
        ({**RUNNABLE, "status": "PENDING"}, None),
        ({**RUNNABLE, "status": "STARTING"}, None),
        ({**RUNNABLE, "dependsOn": [{"jobId": "x"}]}, None),
        ({**RUNNABLE, "attempts": [{}]}, None),
        ({**RUNNABLE, "dependsOn": [], "attempts": []}, T0),
    ],
)
def test_since_when_a_plain_job_waits(detail: dict[str, Any], waits_since: datetime | None) -> None:
    assert report_of(detail).waits_since == waits_since


@pytest.mark.parametrize(
    ("status", "counts", "waits"),
    [
        ("PENDING", {"RUNNABLE": 1}, True),
        ("RUNNABLE", {"RUNNABLE": 5, "PENDING": 2}, True),
        ("STARTING", {"RUNNABLE": 5}, False),
        ("PENDING", {"RUNNABLE": 0, "PENDING": 5}, False),
        ("PENDING", {"PENDING": 5}, False),
        *(
            ("PENDING", {"RUNNABLE": 5, begun: 1}, False)
            for begun in ("STARTING", "RUNNING", "SUCCEEDED", "FAILED")
        ),
    ],
)
def test_since_when_an_array_waits(status: str, counts: dict[str, int], waits: bool) -> None:
    detail = {"createdAt": T0_MS, "status": status, "arrayProperties": {"statusSummary": counts}}
    assert report_of(detail).waits_since == (T0 if waits else None)


def test_what_a_job_detail_lacks_is_empty() -> None:
    assert report_of({}) == JobReport(job_id="", outcome=None)
    odd: dict[str, Any] = {
        "status": "FAILED",
        "arrayProperties": [],
        "container": None,
        "statusReason": None,
    }
    assert report_of(odd) == JobReport(job_id="", outcome=JobOutcome.FAILED, failed=1)
    counts = {"arrayProperties": {"statusSummary": {"SUCCEEDED": "x", "RUNNING": None}}}
    assert report_of({"status": "SUCCEEDED", **counts}) == JobReport(
        job_id="", outcome=JobOutcome.SUCCEEDED
    )
    assert report_of({"status": "RUNNING", **counts}) == JobReport(job_id="", outcome=None)


def test_a_report_is_an_event_of_its_job() -> None:
    job = key("a")
    report = JobReport(
        job_id="j",
        outcome=JobOutcome.FAILED,
        succeeded=1,
        failed=2,
        running=3,
        reason="why",
        stopped_at=at(5),
    )
    counts = {"succeeded": 1, "failed": 2}
    assert end_of(report, job, at(9)) == JobFailed(
        at=at(9), key=job, job_id="j", reason="why", stopped_at=at(5), **counts
    )
    succeeded = replace(report, outcome=JobOutcome.SUCCEEDED)
    assert end_of(succeeded, job, at(9)) == JobSucceeded(at=at(9), key=job, job_id="j")
    assert end_of(replace(report, outcome=None), job, at(9)) is None
    assert progress_of(report, job, at(9)) == JobProgressed(
        at=at(9), key=job, job_id="j", running=3, **counts
    )
