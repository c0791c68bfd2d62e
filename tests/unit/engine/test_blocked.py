"""A job that AWS Batch does not begin with is noticed, and forgotten when it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batchrelay.codec.job_detail import report_of
from batchrelay.domain.events import JobBlocked, JobProgressed, JobSubmitted, JobSucceeded
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.limits import STUCK_S
from batchrelay.domain.run import StartRequest
from batchrelay.engine.reconcile import STUCK_REASON
from tests.builders import MemoryCloud, at, fold, key, pipeline, run_of, step


def submitted(label: str, part: int = 0) -> JobSubmitted:
    return JobSubmitted(at=at(1), key=key(label, part), job_id=f"job-{label}-{part}")


def test_a_job_that_never_begins_is_noticed_and_forgotten_when_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = MemoryCloud(pipeline(step("a")))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    [job_id] = cloud.jobs.jobs
    report = JobReport(job_id=job_id, outcome=None, waits_since=cloud.clock.now())
    monkeypatch.setattr(cloud.jobs, "describe", lambda _ids: (report,))
    cloud.clock.move(STUCK_S - 1)
    assert cloud.engine.reconcile("run1").run.state("a").blocked == ""
    cloud.clock.move(1)
    blocked = cloud.engine.reconcile("run1").run
    assert blocked.state("a").blocked == STUCK_REASON
    assert cloud.engine.reconcile("run1").run is blocked
    report = replace(report, waits_since=None, running=1)
    assert cloud.engine.reconcile("run1").run.state("a").blocked == ""


@pytest.mark.parametrize(
    ("status", "summary", "waits"),
    [
        ("RUNNABLE", None, True),
        ("PENDING", None, False),  # for the job of its N_TO_N dependency
        ("RUNNING", None, False),
        ("PENDING", {"RUNNABLE": 9, "PENDING": 1}, True),
        ("PENDING", {"PENDING": 10}, False),
        ("PENDING", {"RUNNABLE": 9, "STARTING": 1}, False),
        ("PENDING", {"RUNNABLE": 9, "SUCCEEDED": 1}, False),
    ],
)
def test_a_job_waits_if_it_could_begin_and_nothing_of_it_has(
    status: str, summary: dict[str, int] | None, waits: bool
) -> None:
    detail: dict[str, object] = {"jobId": "j", "status": status, "createdAt": 1_795_168_900_000}
    if summary is not None:
        detail["arrayProperties"] = {"size": 10, "statusSummary": summary}
    since = report_of(detail).waits_since
    assert since == (datetime(2026, 11, 20, 10, 1, 40, tzinfo=UTC) if waits else None)


@pytest.mark.parametrize(
    "more",
    [
        {"dependsOn": [{"jobId": "up", "type": "N_TO_N"}]},
        {"attempts": [{"statusReason": "Host EC2 (instance i-0abc) terminated."}]},
    ],
)
def test_a_job_that_waited_or_ran_before_is_not_blocked_by_its_age(more: dict[str, object]) -> None:
    detail = {"jobId": "j", "status": "RUNNABLE", "createdAt": 1_795_168_900_000, **more}
    assert report_of(detail).waits_since is None


def test_a_part_that_is_blocked_is_not_hidden_by_another_that_runs() -> None:
    run = fold(run_of(step("a", size=20_000)), submitted("a"), submitted("a", 1))
    blocked = JobBlocked(at=at(5), key=key("a"), job_id="job-a-0", reason="MISCONFIGURATION")
    other = JobProgressed(
        at=at(6), key=key("a", 1), job_id="job-a-1", succeeded=0, failed=0, running=5
    )
    assert fold(run, blocked, other).blocked == {"a": "MISCONFIGURATION"}
    own = replace(other, key=key("a"), job_id="job-a-0", running=0, succeeded=1)
    assert fold(run, blocked, own).blocked == {}
    ended = JobSucceeded(at=at(7), key=key("a"), job_id="job-a-0")
    assert fold(run, blocked, ended).blocked == {}
