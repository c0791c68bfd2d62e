"""What ended jobs of a run with a budget cost: AWS Batch is asked for each of their children once.

That is a call of DescribeJobs for 100 children. What has no price, or is forgotten, is unknown: a
person decides, and it is never counted as 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from batchrelay.domain.budget import Budget
from batchrelay.domain.budget_events import Measured
from batchrelay.domain.held_submissions import unmeasured_jobs
from batchrelay.domain.job_detail import JobDetail
from batchrelay.domain.run import Run
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.values import merged
from batchrelay.ports import JobDetails
from batchrelay.prices import Prices
from batchrelay.report.collector import pricing_of
from batchrelay.report.cost import Spent, summed

RESERVE_S = 60.0
"""Seconds that are kept to save what was measured, and to make the submissions that waited."""

JOBS_MAX = 100
"""Jobs of one measurement: one call of DescribeJobs beside those for their children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostMeasurement:
    """Measures jobs by dated prices, and by the rates of a pipeline."""

    jobs: JobDetails
    region: str | None
    """None on a local cloud, where only rates are prices."""
    prices: Prices

    def measure(self, run: Run, time_left: Callable[[], float]) -> Measured:
        """As many of the ended jobs as there is time for, one at least.

        Raises: Refused, NotDone.
        """
        assert run.pipeline.budget is not None, run.id
        ended = list(islice(unmeasured_jobs(run), JOBS_MAX))
        details = {job.job_id: job for job in self.jobs.details([job_id for _, job_id in ended])}
        spent: defaultdict[tuple[str, str], Spent] = defaultdict(Spent)
        problems: dict[str, str] = {}
        looked_at: set[str] = set()
        for step, job_id in ended:
            if looked_at and time_left() < RESERVE_S:
                break
            looked_at.add(job_id)
            problem = self._add(spent[step.name, job_id], details.get(job_id))
            if problem:
                problems[step.name] = problem
                del spent[step.name, job_id]
        cost, unknown = self._priced(run.pipeline.budget, details, spent)
        first = next(iter({**problems, **unknown}.items()), None)
        return Measured(
            job_ids=frozenset(looked_at),
            cost=cost,
            unknown="" if first is None else f"{first[0]}: {first[1]}",
        )

    def _add(self, spent: Spent, job: JobDetail | None) -> str:
        """Why it is not known what a job took; empty if it is."""
        if job is None:
            return "AWS Batch no longer knows its job"
        count = 0
        for child in self._children(job):
            count += 1
            spent.add_ended(child)
        if count < job.size and job.status == "SUCCEEDED":
            return f"AWS Batch described {count:,} of {job.size:,} children"
        return ""

    def _children(self, job: JobDetail) -> Iterable[JobDetail]:
        if not job.size:
            return (job,)
        return self.jobs.details([f"{job.job_id}:{index}" for index in range(job.size)])

    def _priced(
        self,
        budget: Budget,
        details: Mapping[str, JobDetail],
        spent: Mapping[tuple[str, str], Spent],
    ) -> tuple[RunCost | None, Mapping[str, str]]:
        """The sum of what has a price, and why steps have none."""
        pricing = pricing_of(self.jobs, with_rates(self.prices, budget), self.region, details)
        total = summed(pricing, details, spent)
        if not total.sources:
            return None, total.unknown
        cost = RunCost(usd=total.usd, sums=total.sums(pricing.capacities), date=total.date)
        return cost, total.unknown


def with_rates(prices: Prices, budget: Budget) -> Prices:
    """The prices, under the rates of a pipeline."""
    rates = {
        queue: {"vcpuHour": rate.vcpu_hour, "gibHour": rate.gib_hour}
        for queue, rate in budget.rates.items()
    }
    return Prices(document=merged(prices.document, {"queues": rates})) if rates else prices
