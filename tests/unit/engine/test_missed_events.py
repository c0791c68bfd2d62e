"""What a report of AWS Batch says of the jobs of a run is their events."""

from __future__ import annotations

from dataclasses import replace

from batchrelay.domain.events import JobBlocked, JobMissing, JobProgressed, JobSucceeded
from batchrelay.domain.limits import STUCK_S
from batchrelay.domain.step_state import JobOutcome
from batchrelay.engine.reconcile import STUCK_REASON, missed_events
from tests.builders import at, key, run_of, step
from tests.unit.engine.performing import NOW, Jobs, at_work, report


def test_what_a_report_says_of_a_job_is_its_event(jobs: Jobs) -> None:
    run = at_work("a", "b", "c", "d")
    stuck = replace(report("b", None), waits_since=at(50 - STUCK_S))
    jobs.reports = (
        report("a", JobOutcome.SUCCEEDED),
        stuck,
        replace(report("c", None, running=1), waits_since=at(51 - STUCK_S)),
    )
    assert list(missed_events(run, jobs, NOW)) == [
        JobSucceeded(at=NOW, key=key("a"), job_id="j-a"),
        JobBlocked(at=NOW, key=key("b"), job_id="j-b", reason=STUCK_REASON),
        JobProgressed(at=NOW, key=key("c"), job_id="j-c", succeeded=0, failed=0, running=1),
        JobMissing(at=NOW, key=key("d"), job_id="j-d"),
    ]
    assert jobs.calls == [("describe", "j-a", "j-b", "j-c", "j-d")]
    jobs.reports = (replace(stuck, reason="no image"),)
    (event, *_) = missed_events(run, jobs, NOW)
    assert event == JobBlocked(at=NOW, key=key("b"), job_id="j-b", reason="no image")


def test_a_run_without_jobs_asks_nothing(jobs: Jobs) -> None:
    assert list(missed_events(run_of(step("a")), jobs, NOW)) == []
    assert jobs.calls == []
