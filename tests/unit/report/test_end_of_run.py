"""The report that a run's end leaves: two objects, of any run, within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import pytest

from batchrelay.adapters.memory import MemoryLogs, MemoryObjects
from batchrelay.api.failures import FailureReader
from batchrelay.api.views import run_document
from batchrelay.domain.errors import Refused
from batchrelay.domain.job_detail import Capacity, JobDetail
from batchrelay.domain.run import StartRequest
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.step_state import JobOutcome
from batchrelay.prices import list_prices
from batchrelay.report import end_of_run
from batchrelay.report.collector import ReportSources
from batchrelay.report.end_of_run import EndReports
from tests.builders import MemoryCloud, at, pipeline, step
from tests.unit.report.hostile import TEXT

HTML = "s3://the-bucket/runs/run1/report-0.html"
JSON = "s3://the-bucket/runs/run1/run-0.json"


class Arrays:
    """An AWS Batch in which every job is an array of so many children."""

    def __init__(self, size: int, reason: str = "") -> None:
        self.size, self.reason, self.calls, self.children = size, reason, 0, 0

    def details(self, job_ids: Sequence[str]) -> Iterator[JobDetail]:
        self.calls += -(-len(job_ids) // 100)
        for job_id in job_ids:
            is_child = ":" in job_id
            self.children += is_child
            yield JobDetail(
                job_id=job_id,
                status="FAILED" if self.reason else "SUCCEEDED",
                reason=self.reason,
                size=0 if is_child else self.size,
                created_at=at(0),
                started_at=at(self.children % 97),
                stopped_at=at(100),
                is_fargate=True,
                vcpus=1,
                memory_mib=2048,
                log_stream=TEXT if self.reason else "",
            )

    def capacities(self, queues: Sequence[str]) -> Mapping[str, Capacity]:
        self.calls += 1
        return dict.fromkeys(queues, Capacity())


def written(cloud: MemoryCloud, jobs: Arrays, *, seconds: float = 900) -> MemoryObjects:
    run = cloud.runs.load("run1")
    reader = FailureReader(objects=cloud.objects, jobs=cloud.jobs, logs=MemoryLogs())
    reports = EndReports(
        sources=ReportSources(jobs=jobs, objects=cloud.objects),
        run_document=run_document,
        failures_of=reader.of_run,
        clock=cloud.clock,
        region="us-east-1",
        prices=list_prices(),
    )
    cost = reports.write(run, lambda: seconds)
    document = json.loads(cloud.objects.objects[JSON])["cost"]
    expected = document and RunCost(**{name: document[name] for name in ("usd", "sums", "date")})
    assert cost == expected, "the run keeps what its report says"
    return cloud.objects


def ended_cloud(size: int = 10_000, outcome: JobOutcome = JobOutcome.SUCCEEDED) -> MemoryCloud:
    cloud = MemoryCloud(pipeline(step("a", size=size), report=True))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    while not cloud.runs.load("run1").status.is_terminal:
        for job in list(cloud.jobs.jobs.values()):
            cloud.jobs.end(job.job_id, outcome, TEXT)
        cloud.engine.reconcile("run1")
        cloud.prepare()
        cloud.engine.continue_run("run1")
    return cloud


class Page(HTMLParser):
    """What a page says, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_and_its_document_are_written_for_a_browser() -> None:
    objects = written(ended_cloud(), Arrays(10_000))
    document = json.loads(objects.objects[JSON])
    assert (document["run"]["status"], document["run"]["isOpen"]) == ("SUCCEEDED", False)
    assert document["steps"][0]["measured"]["states"] == {"SUCCEEDED": 10_000}
    assert document["cost"]["usd"] > 0
    page = objects.objects[HTML].decode()
    assert Page(page).texts[:2] == ["test run1: SUCCEEDED", Page(page).texts[1]]
    assert len(page) < 300_000
    assert objects.content_types == {
        HTML: "text/html; charset=utf-8",
        JSON: "application/json",
    }


def test_of_a_million_children_a_sample_is_asked_for() -> None:
    jobs = Arrays(10_000)
    objects = written(ended_cloud(1_000_000), jobs)
    assert jobs.children == 100_000
    assert jobs.calls <= 1_000 + 2
    document = json.loads(objects.objects[JSON])
    [entry] = document["steps"]
    assert (entry["children"], entry["measured"]["count"]) == (1_000_000, 100_000)
    assert "one child in 10 of its arrays" in entry["notes"][0]
    assert document["cost"] is None, "unknown, and not that of a tenth"
    assert max(len(objects.objects[uri]) for uri in (HTML, JSON)) < 1_000_000


def test_names_reasons_and_logs_are_texts() -> None:
    objects = written(ended_cloud(10, JobOutcome.FAILED), Arrays(10, TEXT))
    page = objects.objects[HTML].decode()
    tags = Page(page).tags
    assert (tags.count("script"), tags.count("img")) == (2, 0)
    assert "<script>window.ran" not in page
    json.loads(objects.objects[JSON])


def test_what_is_too_large_is_refused_and_nothing_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_of_run, "REPORT_BYTES_MAX", 2_000)
    cloud = ended_cloud(10)
    with pytest.raises(Refused, match=r"it has [\d,]+ bytes, more than 2,000"):
        written(cloud, Arrays(10))
    assert HTML not in cloud.objects.objects
    assert JSON not in cloud.objects.objects


def test_what_there_is_no_time_for_is_refused() -> None:
    cloud = ended_cloud()
    with pytest.raises(Refused, match="no time was left after 100 of 10,000 children"):
        written(cloud, Arrays(10_000), seconds=30)
