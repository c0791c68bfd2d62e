"""What ended jobs of a run with a budget cost, by what AWS Batch says of their children."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from batchrelay.domain.budget import Budget, Rate
from batchrelay.domain.budget_events import Measured
from batchrelay.domain.errors import Denied, Refused
from batchrelay.domain.job_detail import Capacity, JobDetail
from batchrelay.domain.run import StartRequest
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.step_state import JobOutcome
from batchrelay.prices import list_prices
from batchrelay.report.measurement import CostMeasurement
from tests.builders import MemoryCloud, at, pipeline, step

BUDGET = Budget(usd=5, rates={"queue": Rate(vcpu_hour=36, gib_hour=0)})
"""A vCPU costs a cent a second."""


DETAIL = JobDetail(
    job_id="",
    status="SUCCEEDED",
    started_at=at(10),
    stopped_at=at(110),
    queue="queue",
    vcpus=2,
    memory_mib=2_048,
)


@dataclass
class Batch:
    """An AWS Batch whose jobs, and children, all ran for 100 s."""

    size: int = 0
    missing: frozenset[str] = frozenset()
    detail: JobDetail = DETAIL
    problem: Refused | None = None
    asked: list[str] = field(default_factory=list)

    def details(self, job_ids: Sequence[str]) -> Iterator[JobDetail]:
        if self.problem is not None:
            raise self.problem
        for job_id in job_ids:
            self.asked.append(job_id)
            if job_id.rpartition(":")[2] not in self.missing and job_id not in self.missing:
                size = 0 if ":" in job_id else self.size
                yield replace(self.detail, job_id=job_id, size=size)

    def capacities(self, queues: Sequence[str]) -> Mapping[str, Capacity]:
        return dict.fromkeys(queues, Capacity())


def measured(
    batch: Batch,
    budget: Budget = BUDGET,
    *,
    region: str | None = None,
    jobs: int = 1,
    left_s: float = 99,
) -> Measured:
    steps = [step(f"s{n}", size=batch.size or None) for n in range(jobs)]
    cloud = MemoryCloud(pipeline(*steps, budget=budget))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    for job in list(cloud.jobs.jobs.values()):
        cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
    cloud.engine.reconcile("run1")
    run = cloud.runs.load("run1")
    return CostMeasurement(jobs=batch, region=region, prices=list_prices()).measure(
        run, lambda: left_s
    )


def test_a_job_costs_its_seconds_times_its_rate() -> None:
    answer = measured(Batch())
    assert (len(answer.job_ids), answer.unknown) == (1, "")
    assert answer.cost is not None
    assert answer.cost.usd == pytest.approx(2.0)
    assert (answer.cost.date, "at your rates" in answer.cost.sums) == ("no date", True)


def test_each_child_of_an_array_is_asked_for_once_with_its_earlier_attempts() -> None:
    batch = Batch(size=10, detail=replace(DETAIL, earlier_s=50, attempts=2))
    answer = measured(batch)
    assert answer.cost is not None
    assert answer.cost.usd == pytest.approx(10 * 150 * 2 * 0.01)
    assert len(batch.asked) == len(set(batch.asked)) == 11


def test_a_listed_price_needs_no_rate_but_a_region() -> None:
    batch = Batch(detail=replace(DETAIL, is_fargate=True))
    answer = measured(batch, Budget(usd=5), region="us-east-1")
    assert answer.cost is not None
    assert 0.002 < answer.cost.usd < 0.005
    assert answer.cost.date.startswith("20")


@pytest.mark.parametrize("region", [None, "us-east-1"])
def test_what_has_no_price_is_unknown(region: str | None) -> None:
    answer = measured(Batch(), Budget(usd=5), region=region)
    assert answer == Measured(
        job_ids=answer.job_ids,
        unknown="s0: no price of EC2 without an instance type; give a rate for the job queue",
    )
    assert len(answer.job_ids) == 1, "it is asked for once"


def test_a_job_that_is_forgotten_is_unknown_and_the_others_are_known() -> None:
    cloud_ids = measured(Batch(), jobs=2).job_ids
    answer = measured(Batch(missing=frozenset(sorted(cloud_ids)[:1])), jobs=2)
    assert answer.unknown.endswith(": AWS Batch no longer knows its job")
    assert answer.cost is not None
    assert answer.cost.usd == pytest.approx(2.0)
    assert answer.job_ids == cloud_ids


def test_children_that_are_left_out_are_unknown() -> None:
    answer = measured(Batch(size=4, missing=frozenset({"3"})))
    assert answer.unknown == "s0: AWS Batch described 3 of 4 children"
    assert answer.cost is None


def test_a_job_that_never_began_cost_nothing() -> None:
    detail = replace(DETAIL, status="FAILED", started_at=None, stopped_at=at(5))
    answer = measured(Batch(detail=detail))
    assert (answer.cost, answer.unknown, len(answer.job_ids)) == (None, "", 1)


def test_as_many_jobs_are_measured_as_there_is_time_for_but_one_at_least() -> None:
    answer = measured(Batch(), jobs=3, left_s=10)
    assert len(answer.job_ids) == 1
    assert answer.cost is not None
    assert answer.cost.usd == pytest.approx(2.0)
    assert isinstance(answer.cost, RunCost)


def test_a_denied_call_is_raised() -> None:
    with pytest.raises(Denied):
        measured(Batch(problem=Denied("AccessDenied")))
