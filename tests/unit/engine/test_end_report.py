"""The report of a run's end: written before what links to it, and never waited for in vain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from batchrelay.api.views import history, run_document, summary_document
from batchrelay.codec import compact_json, encode_run
from batchrelay.domain.effects import Notify, PublishRunEnd, WriteReport
from batchrelay.domain.end_effects import UNANSWERED, report_uri, report_uris
from batchrelay.domain.end_report import EndReport
from batchrelay.domain.errors import Ambiguous, Denied, InvalidItems
from batchrelay.domain.events import ReportRefused, ReportWritten
from batchrelay.domain.limits import REPORT_GRACE_S, REPORT_REQUESTS_MAX
from batchrelay.domain.pending_effects import is_open, pending_effects
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.run_cost import RunCost, usd_text
from batchrelay.domain.run_size import state_bytes
from batchrelay.domain.step_state import JobOutcome
from tests.builders import MemoryCloud, at, fold, pipeline, step

RULE = NoticeRule(topic="${env.topicArn}", on=frozenset({"SUCCEEDED", "FAILED"}), presign_s=60)
URI = "s3://the-bucket/runs/run1/report-0.html"


@dataclass
class Written:
    """A writer of reports that keeps which it was asked for."""

    problem: Exception | None = None
    cost: RunCost | None = None
    ends: list[tuple[str, str]] = field(default_factory=list)

    def write(self, run: Run, _time_left: Callable[[], float]) -> RunCost | None:
        if self.problem is not None:
            raise self.problem
        self.ends.append((report_uris(run)[0], str(run.status)))
        return self.cost


def ended_cloud(outcome: JobOutcome = JobOutcome.SUCCEEDED) -> MemoryCloud:
    cloud = MemoryCloud(pipeline(step("a"), notify=(RULE,), report=True))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    _end(cloud, outcome)
    return cloud


def _end(cloud: MemoryCloud, outcome: JobOutcome) -> None:
    for job in list(cloud.jobs.jobs.values()):
        cloud.jobs.end(job.job_id, outcome)
    cloud.engine.reconcile("run1")
    cloud.prepare()


def run_of(cloud: MemoryCloud) -> Run:
    return cloud.runs.load("run1")


def published(cloud: MemoryCloud) -> list[Any]:
    return [json.loads(change.detail) for change in cloud.event_bus.published]


def test_the_end_asks_for_the_report_and_everything_that_links_to_it_waits() -> None:
    cloud = ended_cloud()
    since = run_of(cloud).ended_at
    assert since is not None
    effect = WriteReport(run_id="run1", redrive=0, since=since)
    assert pending_effects(run_of(cloud)) == (effect,)
    assert cloud.preparations.requested == [effect]
    assert (cloud.notices.published, published(cloud)) == ([], [])
    assert is_open(run_of(cloud))


def test_the_report_is_in_the_notice_the_event_the_run_and_its_history() -> None:
    cloud = ended_cloud()
    written = Written()
    handled = cloud.engine.write_report("run1", 0, written.write)
    assert written.ends == [(URI, "SUCCEEDED")]
    since = run_of(cloud).notices_since
    assert since is not None
    assert handled.performed == (
        Notify(run_id="run1", rule=0, since=since),
        PublishRunEnd(run_id="run1", redrive=0, since=since),
    )
    [notice], [event] = cloud.notices.published, published(cloud)
    assert f"\nReport: {URI}\nDownload (anyone who has this URL, at most " in notice.message
    link = json.loads(notice.attributes["batchrelay.run"])["reportLink"]
    assert (link["uri"], link["url"][:8], event["report"]) == (URI, "https://", URI)
    run = run_of(cloud)
    assert not is_open(run)
    document = run_document(run)
    assert (document["report"], document["reportProblem"]) == (URI, None)
    assert f"report written to {URI}" in [moment["what"] for moment in history(run)]


def test_a_repeated_request_writes_nothing_and_sends_nothing() -> None:
    cloud = ended_cloud()
    for _ in range(2):
        cloud.engine.write_report("run1", 0, (written := Written()).write)
    assert written.ends == []
    assert (len(cloud.notices.published), len(published(cloud))) == (1, 1)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (Denied("AccessDenied: no"), "AccessDenied: no"),
        (InvalidItems("s3://b: gone"), "s3://b: gone"),
    ],
)
def test_what_is_refused_is_in_the_notices_which_wait_no_longer(
    problem: Exception, reason: str
) -> None:
    cloud = ended_cloud()
    cloud.engine.write_report("run1", 0, Written(problem).write)
    [notice], [event] = cloud.notices.published, published(cloud)
    assert f"\nNo report: {reason}.\n" in notice.message
    assert event["report"] is None
    run = run_of(cloud)
    assert (run.report, is_open(run)) == (EndReport(problem=reason), False)
    document = run_document(run)
    assert (document["report"], document["reportProblem"]) == (None, reason)
    assert f"no report: {reason}" in [moment["what"] for moment in history(run)]


@pytest.mark.parametrize("problem", [Ambiguous("500"), TypeError("a bug")])
def test_another_attempt_is_made_but_the_last_one_is_recorded(problem: Exception) -> None:
    cloud = ended_cloud()
    with pytest.raises(type(problem)):
        cloud.engine.write_report("run1", 0, Written(problem).write)
    assert pending_effects(run_of(cloud)) != ()
    cloud.engine.write_report("run1", 0, Written(problem).write, is_last=True)
    reason = f"{type(problem).__name__}: {problem}"
    assert run_of(cloud).report == EndReport(problem=reason)
    assert len(cloud.notices.published) == 1


def test_reconcile_asks_again_for_a_report_but_not_for_ever() -> None:
    cloud = ended_cloud()
    for number in range(1, REPORT_REQUESTS_MAX):
        cloud.clock.move(REPORT_GRACE_S)
        cloud.engine.reconcile("run1")
        assert len(cloud.preparations.requested) == number + 1
        cloud.engine.reconcile("run1")
        assert len(cloud.preparations.requested) == number + 1, "its grace begins anew"
    cloud.clock.move(REPORT_GRACE_S)
    cloud.engine.reconcile("run1")
    assert len(cloud.preparations.requested) == REPORT_REQUESTS_MAX
    assert run_of(cloud).report == EndReport(problem=UNANSWERED)
    [notice] = cloud.notices.published
    assert f"No report: {UNANSWERED}." in notice.message
    assert not is_open(run_of(cloud))


def test_a_redriven_run_has_a_report_of_each_end() -> None:
    cloud = ended_cloud(JobOutcome.FAILED)
    first, second = Written(), Written()
    cloud.engine.write_report("run1", 0, first.write)
    cloud.engine.redrive("run1", RedriveOrder())
    run = run_of(cloud)
    assert (run.report, report_uri(run)) == (None, None)
    cloud.prepare()
    _end(cloud, JobOutcome.SUCCEEDED)
    cloud.engine.write_report("run1", 0, first.write)
    assert first.ends == [(URI, "FAILED")], "its end is over"
    assert len(cloud.notices.published) == 1
    cloud.engine.write_report("run1", 1, second.write)
    assert second.ends == [("s3://the-bucket/runs/run1/report-1.html", "SUCCEEDED")]
    assert [event["report"] for event in published(cloud)] == [URI, second.ends[0][0]]


def test_an_answer_of_another_end_or_after_the_last_request_changes_nothing() -> None:
    run = run_of(ended_cloud())
    for event in (
        ReportWritten(at=at(9), redrive=1),
        ReportRefused(at=at(9), redrive=1, reason="x"),
    ):
        assert fold(run, event) is run
    known = fold(run, ReportRefused(at=at(9), redrive=0, reason="x" * 999))
    assert known.report is not None
    assert len(known.report.problem) == 150
    assert fold(known, ReportWritten(at=at(10), redrive=0)) is known


def test_a_pipeline_that_does_not_say_so_leaves_no_report() -> None:
    cloud = MemoryCloud(pipeline(step("a"), notify=(RULE,)))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    _end(cloud, JobOutcome.SUCCEEDED)
    [notice], [event] = cloud.notices.published, published(cloud)
    assert "eport" not in notice.message
    assert (event["report"], run_of(cloud).report) == (None, None)
    assert cloud.preparations.requested == []


COST = RunCost(usd=12.3456, sums="vCPUs and memory", date="2026-09-11")
COST_DOCUMENT = {
    "usd": 12.3456,
    "isEstimate": True,
    "sums": "vCPUs and memory",
    "date": "2026-09-11",
}


def test_what_the_run_cost_is_kept_with_it_and_in_its_notice_its_event_and_lists() -> None:
    cloud = ended_cloud()
    assert run_document(run_of(cloud))["cost"] is None, "unknown before the report"
    cloud.engine.write_report("run1", 0, Written(cost=COST).write)
    [notice], [event] = cloud.notices.published, published(cloud)
    line = "\nCost, an estimate: $12.35 (vCPUs and memory; prices: 2026-09-11).\n"
    assert line in notice.message
    assert event["cost"] == COST_DOCUMENT
    assert run_document(run_of(cloud))["cost"] == COST_DOCUMENT
    [summary] = cloud.runs.runs_of("test")
    assert summary_document(summary)["costUsd"] == 12.3456


@pytest.mark.parametrize("writer", [Written(), Written(Denied("AccessDenied: no"))])
def test_a_cost_that_is_not_known_is_not_0(writer: Written) -> None:
    cloud = ended_cloud()
    cloud.engine.write_report("run1", 0, writer.write)
    [notice], [event] = cloud.notices.published, published(cloud)
    assert "Cost" not in notice.message
    assert (event["cost"], run_document(run_of(cloud))["cost"]) == (None, None)
    [summary] = cloud.runs.runs_of("test")
    assert summary_document(summary)["costUsd"] is None


def test_a_redriven_run_has_no_cost_until_it_has_ended_again() -> None:
    cloud = ended_cloud(JobOutcome.FAILED)
    cloud.engine.write_report("run1", 0, Written(cost=COST).write)
    cloud.engine.redrive("run1", RedriveOrder())
    assert run_of(cloud).cost is None


def test_a_run_keeps_as_much_of_a_cost_as_it_has_room_for() -> None:
    long = RunCost(usd=1e300, sums="é" * 999, date="2026-09-11, and more")
    run = fold(run_of(ended_cloud()), ReportWritten(at=at(9), redrive=0, cost=long))
    assert run.cost is not None
    assert (len(run.cost.sums), run.cost.date) == (98, "2026-09-11")
    assert len(compact_json(encode_run(run)).encode()) <= state_bytes(run)


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0, "$0.00"), (0.00001, "under $0.0001"), (0.0123, "$0.0123"), (1234.5, "$1,234.50")],
)
def test_what_costs_little_does_not_cost_0(usd: float, text: str) -> None:
    assert usd_text(usd) == text
