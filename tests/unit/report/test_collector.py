"""The facts of a run, from AWS Batch and from result records, in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from batchrelay.adapters.memory import MemoryObjects
from batchrelay.api.views import run_document
from batchrelay.domain.errors import Ambiguous, Denied, InvalidItems
from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.job_detail import Capacity, JobDetail
from batchrelay.domain.run import StartRequest
from batchrelay.domain.step_state import JobOutcome
from batchrelay.prices import Prices
from batchrelay.report import collector
from batchrelay.report.collector import ReportSources, collected_report
from tests.builders import MemoryCloud, at, key, pipeline, step
from tests.unit.preparation.collected import LIST, Collected, child

NOW = at(100)


@dataclass
class Details:
    """An AWS Batch that knows these jobs; or raises."""

    known: dict[str, JobDetail] = field(default_factory=dict)
    problem: Exception | None = None
    asked: list[int] = field(default_factory=list)
    queues: dict[str, Capacity] = field(default_factory=lambda: {"Other": Capacity()})

    def details(self, job_ids: Sequence[str]) -> Iterator[JobDetail]:
        self.asked.append(len(job_ids))
        for job_id in job_ids:
            if self.problem is not None:
                raise self.problem
            if job_id in self.known:
                yield self.known[job_id]

    def capacities(self, queues: Sequence[str]) -> Mapping[str, Capacity]:
        if not self.queues:
            raise Denied("batch:DescribeJobQueues")
        return {queue: self.queues[queue] for queue in queues}

    def add(self, *details: JobDetail) -> None:
        self.known |= {detail.job_id: detail for detail in details}


def ran(job_id: str, start: float, stop: float | None, **changes: Any) -> JobDetail:
    """A child, or a plain job."""
    status = {"status": "RUNNING" if stop is None else "SUCCEEDED"}
    times = {
        "created_at": at(0),
        "started_at": at(start),
        "stopped_at": None if stop is None else at(stop),
    }
    return JobDetail(job_id=job_id, **{**status, **times, "queue": "Fleet", **changes})


@dataclass
class World:
    cloud: MemoryCloud
    details: Details = field(default_factory=Details)

    def job(self, label: str = "a", part: int = 0, round: int = 0) -> str:  # noqa: A002  # the domain's word
        name = key(label, part, round=round).name
        [job_id] = [job.job_id for job in self.cloud.jobs.jobs.values() if job.name == name]
        return job_id

    def record(self, number: int, *items: dict[str, Any], round: int = 0, **more: Any) -> None:  # noqa: A002
        step = self.run()["steps"][0]
        folder = step["results"].replace(f"/r{step['round']}/", f"/r{round}/")
        body = {"schema": 1, "child": number, "items": list(items), **more}
        self.cloud.objects.objects[f"{folder}{number:07d}.json"] = json.dumps(body).encode()

    def run(self) -> Any:
        return run_document(self.cloud.runs.load("run1"))

    def report(self, **changes: Any) -> Any:
        sources = ReportSources(jobs=self.details, objects=self.cloud.objects)
        return collected_report(sources, self.run(), at=NOW, **changes)


@pytest.fixture
def listed() -> World:
    """Ten items, a child each."""
    return World(Collected(step("a", file=LIST)).cloud)


def test_each_child_has_its_times_peak_and_item(listed: World) -> None:
    job_id = listed.job()
    listed.details.add(ran(job_id, 0, 9, size=10, vcpus=1, memory_mib=2048))
    for number in range(10):
        listed.details.add(ran(f"{job_id}:{number}", number, 2 * number + 1, log_stream="s"))
    usage = {"peak": 1_048_576, "cpu": 4.5}
    listed.record(3, {"n": 3, "rss": 204_800, "cpu": 1.5}, usage=usage)
    listed.record(4, {"n": 4, "rss": 204_800, "cpu": 1.5}, {"n": 5, "rss": 102_400, "cpu": 2})
    listed.record(5, {"n": 5})
    [entry] = listed.report()["steps"]
    assert entry["measured"]["states"] == {"SUCCEEDED": 10}
    assert entry["columns"]["peakMiB"] == [None, None, None, 1024, 200, *[None] * 5]
    assert entry["columns"]["cpuS"] == [None, None, None, 4.5, 3.5, *[None] * 5]
    [resource] = entry["resources"]
    assert (resource["queue"], resource["vcpus"], resource["memoryMiB"]) == ("Fleet", 1, 2048)
    slowest = entry["measured"]["slowest"][0]
    assert (slowest["number"], slowest["item"], slowest["logStream"]) == (
        9,
        '{"name": "n9"}',
        "s",
    )
    assert entry["notes"] == []
    assert listed.details.asked == [1, 10]


def test_states_follow_from_status_and_reason(listed: World) -> None:
    job_id = listed.job()
    failed = {"status": "FAILED"}
    listed.details.add(
        ran(job_id, 0, 9, size=10),
        ran(f"{job_id}:0", 1, None),
        JobDetail(job_id=f"{job_id}:1", status="RUNNABLE", created_at=at(0)),
        JobDetail(job_id=f"{job_id}:2", status="FAILED", reason="Dependent Job failed"),
        ran(f"{job_id}:3", 1, 2, **failed, exit_code=3, reason="Essential container exited"),
        ran(f"{job_id}:4", 1, 2, **failed, reason="batchrelay: enough"),
        ran(f"{job_id}:5", 1, 2, **failed, reason="batchrelay: too late"),
    )
    run = {**listed.run(), "stopped": "enough", "finallyStopped": "too late"}
    sources = ReportSources(jobs=listed.details, objects=listed.cloud.objects)
    [entry] = collected_report(sources, run, at=NOW)["steps"]
    assert entry["columns"]["state"] == "RWUFXX"


def test_a_further_round_has_the_items_that_its_records_name() -> None:
    one = Collected(step("a", file=LIST, retry_failed=RetryFailed(rounds=1)))
    one.end("a", child(2, 3), child(7, 3))
    one.prepare()
    world = World(one.cloud)
    first, second = world.job(), world.job(round=1)
    world.details.add(ran(first, 0, 9, size=10), ran(second, 20, 30, size=2))
    world.details.add(*(ran(f"{second}:{n}", 20, 25 + n) for n in range(2)))
    world.details.add(ran(f"{first}:3", 1, 2))
    world.record(1, {"n": 7, "rss": 102_400}, round=1)
    world.record(3, {"n": 3, "rss": 204_800}, round=0)
    [entry] = world.report()["steps"]
    assert entry["columns"]["peakMiB"] == [200, None, 100]
    items = {c["number"]: c["item"] for c in entry["measured"]["slowest"] if c["round"] == 1}
    assert items == {0: None, 1: '{"name": "n7"}'}


def test_children_count_on_over_the_parts_of_a_round(listed: World) -> None:
    run = listed.run()
    [job] = run["steps"][0]["jobs"]
    run["steps"][0]["jobs"] = [{**job, "children": 8}, {**job, "jobId": "other", "children": 2}]
    listed.details.add(ran(job["jobId"], 0, 9, size=8), ran("other", 0, 9, size=2))
    listed.details.add(*(ran(f"other:{n}", 0, 5) for n in range(2)))
    sources = ReportSources(jobs=listed.details, objects=listed.cloud.objects)
    [entry] = collected_report(sources, run, at=NOW)["steps"]
    assert entry["columns"]["number"] == [8, 9]


def test_what_aws_batch_has_forgotten_is_left_out_with_a_note(listed: World) -> None:
    document = listed.report()
    [entry] = document["steps"]
    assert (entry["measured"], entry["columns"], entry["children"]) == (None, None, 10)
    [note] = entry["notes"]
    assert note.startswith("AWS Batch no longer knows 1 of 1 jobs")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Denied("AccessDeniedException: no"), "(batch:DescribeJobs): AccessDeniedException: no"),
        (Ambiguous("timed out"), "no complete answer, so children are missing: ask again"),
    ],
)
def test_a_report_without_an_answer_of_aws_batch_says_so(
    listed: World, problem: Exception, words: str
) -> None:
    listed.details.problem = problem
    [entry] = listed.report()["steps"]
    assert words in entry["notes"][0]
    assert entry["measured"] is None


def test_lists_that_are_gone_leave_children_without_items_and_peaks(
    listed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = listed.job()
    listed.details.add(ran(job_id, 0, 9, size=10), ran(f"{job_id}:0", 0, 5))

    def denied(*_: object) -> Iterator[tuple[str, int]]:
        raise InvalidItems("s3://b/: cannot be read: AccessDenied")

    listed.cloud.objects.objects.clear()
    monkeypatch.setattr(MemoryObjects, "list", denied)
    [entry] = listed.report()["steps"]
    assert "(s3:GetObject, s3:ListBucket)" in entry["notes"][0]
    assert entry["measured"]["slowest"][0]["item"] is None
    assert entry["columns"]["peakMiB"] is None


@pytest.mark.parametrize(
    ("status", "reason", "state"),
    [
        ("PENDING", "", "WAITING"),
        ("FAILED", "Dependent Job failed", "UPSTREAM"),
        ("FAILED", "Unknown", "FAILED"),
    ],
)
def test_children_that_an_array_never_had_are_as_the_array_is(
    listed: World, status: str, reason: str, state: str
) -> None:
    listed.details.add(JobDetail(job_id=listed.job(), status=status, reason=reason, size=10))
    [entry] = listed.report()["steps"]
    assert entry["measured"]["states"] == {state: 10}


def test_a_job_that_was_refused_has_failed_children() -> None:
    cloud = MemoryCloud(pipeline(step("a", size=3)))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    world = World(cloud)
    run = world.run()
    run["steps"][0]["jobs"][0] |= {"jobId": None, "outcome": str(JobOutcome.FAILED)}
    run["steps"][0]["reason"] = "refused: no such queue"
    sources = ReportSources(jobs=world.details, objects=cloud.objects)
    [entry] = collected_report(sources, run, at=NOW)["steps"]
    assert entry["measured"]["states"] == {"FAILED": 3}
    [cause] = entry["causes"]
    assert (cause["class"], cause["count"]) == ("NotSubmitted", 3)


def test_of_many_children_the_records_of_a_sample_are_read(
    listed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "RECORDS_MAX", 4)
    job_id = listed.job()
    listed.details.add(ran(job_id, 0, 9, size=10))
    listed.details.add(*(ran(f"{job_id}:{n}", 0, 5) for n in range(10)))
    for number in range(10):
        listed.record(number, {"n": number, "rss": 102_400})
    [entry] = listed.report()["steps"]
    assert entry["resources"][0]["peakMiB"]["count"] == 4
    assert entry["notes"] == ["Memory and CPU seconds are those of one child in 3: a sample"]


def test_progress_counts_to_all_children(listed: World) -> None:
    job_id = listed.job()
    listed.details.add(ran(job_id, 0, 9, size=10))
    listed.details.add(*(ran(f"{job_id}:{n}", 0, 5) for n in range(10)))
    steps = list[tuple[int, int]]()
    listed.report(progress=lambda done, total: steps.append((done, total)))
    assert steps == [(10, 10)]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"items": 1}', b'{"items": [1]}', b"[" * 100_000, b'{"items": []}',
     b'{"items": [{"n": "x", "rss": true, "cpu": -1}], "usage": {"peak": "much", "cpu": NaN}}'],
)  # fmt: skip
def test_what_is_no_record_measures_nothing(listed: World, body: bytes) -> None:
    job_id = listed.job()
    listed.details.add(ran(job_id, 0, 9, size=10), ran(f"{job_id}:0", 0, 5))
    listed.record(0)
    [uri] = [uri for uri in listed.cloud.objects.objects if uri.endswith("0000000.json")]
    listed.cloud.objects.objects[uri] = body
    [entry] = listed.report()["steps"]
    assert (entry["columns"]["peakMiB"], entry["columns"]["cpuS"]) == (None, None)


def test_a_record_of_several_objects_is_read_to_its_end(listed: World) -> None:
    job_id = listed.job()
    listed.details.add(ran(job_id, 0, 9, size=10), ran(f"{job_id}:0", 0, 5))
    listed.record(0, *({"n": n, "rss": 1024, "cpu": 0.5} for n in range(500)))
    [uri] = [uri for uri in listed.cloud.objects.objects if uri.endswith("0000000.json")]
    body = json.dumps({"items": [{"n": 500, "rss": 2_097_152, "cpu": 0.5}]}).encode()
    listed.cloud.objects.objects[uri.replace(".json", "-1.json")] = body
    [entry] = listed.report()["steps"]
    assert (entry["columns"]["peakMiB"], entry["columns"]["cpuS"]) == ([2048], [250.5])


# --- the cost

PRICES = Prices(
    document={
        "currency": "USD",
        "fargate": {
            "date": "2026-11-01",
            "source": "a list",
            "regions": {"eu-west-1": {"x86_64": {"vcpuHour": 0.04, "gibHour": 0.004}}},
        },
        "fargateSpot": {
            "date": "2026-11-02",
            "source": "a list of Spot",
            "regions": {"eu-west-1": {"x86_64": {"vcpuHour": 0.01, "gibHour": 0.001}}},
        },
        "ec2": {
            "date": "2026-11-03",
            "source": "a list of EC2",
            "regions": {"eu-west-1": {"m5.xlarge": {"hour": 0.2, "vcpus": 4, "mib": 16384}}},
        },
        "queues": {"Fleet": {"vcpuHour": 0.01, "gibHour": 0.0}},
    }
)


def priced(world: World, **changes: Any) -> Any:
    job_id = world.job()
    asks = {"vcpus": 2, "memory_mib": 4096, "queue": "Other", "is_fargate": True, **changes}
    world.details.add(ran(job_id, 0, 9, size=10, **asks))
    failed = {"status": "FAILED", "exit_code": 3, "reason": "Essential container exited"}
    world.details.add(
        ran(f"{job_id}:0", 0, 3600, attempts=2, earlier_s=1800),
        ran(f"{job_id}:1", 0, 1800, **failed),
    )
    return world.report(prices=PRICES, region="eu-west-1")


def test_a_run_costs_the_seconds_of_every_attempt(listed: World) -> None:
    """By hand: 2 h of 2 vCPUs at 0.04 and of 4 GiB at 0.004; half of it was lost."""
    document = priced(listed)
    usd = 2 * (2 * 0.04 + 4 * 0.004)
    assert document["cost"] == {
        "usd": pytest.approx(usd),
        "wastedUsd": pytest.approx(usd / 2),
        "isEstimate": True,
        "sums": "vCPUs and memory of every attempt, on demand; not storage, logs, transfer, "
        "handlers",
        "source": "a list",
        "date": "2026-11-01",
    }
    assert document["steps"][0]["costUsd"] == pytest.approx(usd)


def test_a_rate_of_the_users_own_comes_first(listed: World) -> None:
    document = priced(listed, queue="Fleet")
    assert document["cost"]["usd"] == pytest.approx(2 * 2 * 0.01)
    assert (document["cost"]["source"], document["cost"]["date"]) == (
        "your rate of Fleet",
        "no date",
    )


@pytest.mark.parametrize(
    "changes", [{"arch": "arm64"}, {"is_fargate": False}, {"vcpus": None}, {"memory_mib": None}]
)
def test_a_run_without_a_price_has_an_unknown_cost(listed: World, changes: Any) -> None:
    document = priced(listed, **changes)
    assert document["cost"] is None
    assert document["steps"][0]["costUsd"] is None


def test_a_queue_of_spot_has_the_price_of_spot(listed: World) -> None:
    """By hand: 2 h of 2 vCPUs at 0.01 and of 4 GiB at 0.001."""
    listed.details.queues["Other"] = Capacity(is_spot=True)
    cost = priced(listed)["cost"]
    assert cost["usd"] == pytest.approx(2 * (2 * 0.01 + 4 * 0.001))
    assert (cost["source"], cost["date"]) == ("a list of Spot", "2026-11-02")
    assert cost["sums"].startswith("vCPUs and memory of every attempt, Spot; not storage")


def test_ec2_has_the_price_of_the_only_instance_type_and_none_on_spot(listed: World) -> None:
    """By hand: 2 h of half an m5.xlarge, which has 4 vCPUs, at 0.2."""
    listed.details.queues["Other"] = Capacity(instance_type="m5.xlarge")
    assert priced(listed, is_fargate=False)["cost"]["usd"] == pytest.approx(2 * 0.2 / 2)
    listed.details.queues["Other"] = Capacity(is_spot=True, instance_type="m5.xlarge")
    assert priced(listed, is_fargate=False)["cost"] is None


@pytest.mark.parametrize(
    ("queues", "words"),
    [
        ({"Other": Capacity(is_mixed=True)}, "Spot in part, and priced on demand: Other"),
        ({}, "compute environments not read, so priced on demand: Other"),
    ],
)
def test_a_queue_that_may_be_of_spot_is_priced_on_demand_and_named(
    listed: World, queues: dict[str, Capacity], words: str
) -> None:
    listed.details.queues = queues
    cost = priced(listed)["cost"]
    assert cost["usd"] == pytest.approx(2 * (2 * 0.04 + 4 * 0.004))
    assert f"vCPUs and memory of every attempt, on demand; {words}; not" in cost["sums"]


def test_a_rate_of_ones_own_needs_no_look_at_the_queue(listed: World) -> None:
    listed.details.queues = {}
    sums = priced(listed, queue="Fleet")["cost"]["sums"]
    assert sums.startswith("vCPUs and memory of every attempt, at your rates; not storage")


def test_an_attempt_of_no_time_costs_a_minute_on_fargate(listed: World) -> None:
    job_id = listed.job()
    asks = {"vcpus": 2, "memory_mib": 4096, "queue": "Other", "is_fargate": True}
    listed.details.add(ran(job_id, 0, 9, size=10, **asks), ran(f"{job_id}:0", 5, 5))
    document = listed.report(prices=PRICES, region="eu-west-1")
    assert document["steps"][0]["costUsd"] == pytest.approx((2 * 0.04 + 4 * 0.004) / 60)
