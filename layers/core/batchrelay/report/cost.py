"""What a run cost: the seconds of its attempts times what they asked for, by dated prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from batchrelay.domain.job_detail import Capacity, JobDetail
from batchrelay.prices import Estimate, Place, Platform, Prices, Unknown
from batchrelay.report.facts import ChildFact, ChildState, Cost

LEFT_OUT_MAX = 3
"""Steps without a price, and job queues, that are named."""


@dataclass(kw_only=True)
class Spent:
    """What the children of one job took."""

    seconds: float = 0
    wasted_s: float = 0
    """Of it, attempts that failed or were stopped."""
    attempts: int = 0

    @property
    def wasted_share(self) -> float:
        """Of its seconds; 0 of attempts that took less than a millisecond."""
        return self.wasted_s / self.seconds if self.seconds else 0.0

    def add_ended(self, detail: JobDetail) -> None:
        """One more child that has ended; one that never began took nothing."""
        began, ended = detail.started_at, detail.stopped_at
        is_known = began is not None and ended is not None
        latest_s = max(0.0, (ended - began).total_seconds()) if began and ended else 0.0
        self.attempts += detail.attempts - (not is_known)
        self.seconds += detail.earlier_s + latest_s

    def add(self, fact: ChildFact, latest_s: float) -> None:
        """One more child, whose latest attempt ran for so long."""
        self.attempts += fact.attempts - (fact.started_at is None)
        self.seconds += fact.earlier_s + latest_s
        is_lost = fact.state in (ChildState.FAILED, ChildState.STOPPED)
        self.wasted_s += fact.earlier_s + (latest_s if is_lost else 0)


@dataclass(frozen=True, kw_only=True)
class Pricing:
    """By what a run is priced."""

    prices: Prices
    region: str | None
    """None on a local cloud: only a rate of the user's own for a job queue has a price there."""
    capacities: Mapping[str, Capacity] = field(default_factory=dict)
    """By job queue; without those that could not be read."""


@dataclass(kw_only=True)
class CostSum:
    """What jobs cost together."""

    usd: float = 0
    wasted_usd: float = 0
    sources: dict[str, None] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    """Why a step has no price."""
    steps: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    queues: dict[str, None] = field(default_factory=dict)
    """Of what has a price of AWS's."""

    def add(self, step: str, cost: Estimate | Unknown, spent: Spent) -> None:
        if isinstance(cost, Unknown):
            self.unknown[step] = cost.reason
            return
        self.usd += cost.amount
        self.wasted_usd += cost.amount * spent.wasted_share
        self.sources[cost.source] = None
        self.steps[step] += cost.amount

    @property
    def date(self) -> str:
        """The oldest of the prices."""
        return min(filter(None, (date for date, _ in map(_dated, self.sources))), default="no date")

    def sums(self, capacities: Mapping[str, Capacity]) -> str:
        """What is summed, and what is left out."""
        how = how_priced(capacities, self.queues)
        pieces = [f"{how}; not storage, logs, transfer, handlers"]
        unknown = self.unknown
        if unknown:
            named = "; ".join(
                f"{step}: {why}" for step, why in list(unknown.items())[:LEFT_OUT_MAX]
            )
            is_longer = len(unknown) > LEFT_OUT_MAX
            more = f" and {len(unknown) - LEFT_OUT_MAX} more" if is_longer else ""
            pieces.append(f"Left out: {named}{more}")
        return ". ".join(pieces)


def cost_of_run(
    pricing: Pricing, details: Mapping[str, JobDetail], spent: Mapping[tuple[str, str], Spent]
) -> Cost | None:
    """None if nothing has a price in US dollars.

    Args:
        spent: by step and jobId.
    """
    if pricing.prices.currency != "USD":
        return None
    total = summed(pricing, details, spent)
    if not total.sources:
        return None
    return Cost(
        usd=total.usd,
        wasted_usd=total.wasted_usd,
        sums=total.sums(pricing.capacities),
        source="; ".join(source for _, source in map(_dated, total.sources)),
        date=total.date,
        steps={step: usd for step, usd in total.steps.items() if step not in total.unknown},
    )


def summed(
    pricing: Pricing, details: Mapping[str, JobDetail], spent: Mapping[tuple[str, str], Spent]
) -> CostSum:
    """The sum of what has a price, and why other steps have none; arguments as above."""
    total = CostSum()
    for (step, job_id), of_job in spent.items():
        if of_job.attempts > 0:
            job = details[job_id]
            total.add(step, _cost(pricing, job, of_job), of_job)
            if not pricing.prices.has_rate_of(job.queue):
                total.queues[job.queue] = None
    return total


def _cost(pricing: Pricing, job: JobDetail, spent: Spent) -> Estimate | Unknown:
    if job.vcpus is None or job.memory_mib is None:
        return Unknown(reason="it is not known what its jobs ask for")
    capacity = pricing.capacities.get(job.queue, Capacity())
    return pricing.prices.cost_of(
        seconds=spent.seconds,
        vcpus=job.vcpus,
        memory_mib=job.memory_mib,
        place=Place(
            region=pricing.region or "",
            platform=Platform.FARGATE if job.is_fargate else Platform.EC2,
            arch=job.arch,
            is_spot=capacity.is_spot,
            instance_type=capacity.instance_type,
            queue=job.queue,
        ),
        attempts=spent.attempts,
    )


def _dated(source: str) -> tuple[str, str]:
    """Date and source of the prices; a rate of the user's own has no date."""
    date, comma, rest = source.partition(", ")
    return (date, rest) if comma else ("", source)


def how_priced(capacities: Mapping[str, Capacity], queues: Iterable[str]) -> str:
    """What is summed, on demand or on Spot, and where that had to be assumed."""
    names = sorted(queues)
    spot = [name for name in names if name in capacities and capacities[name].is_spot]
    mixed = [name for name in names if name in capacities and capacities[name].is_mixed]
    unread = [name for name in names if name not in capacities]
    kinds = [kind for kind, has in (("on demand", len(spot) < len(names)), ("Spot", spot)) if has]
    words = ", ".join(["vCPUs and memory of every attempt", " and ".join(kinds) or "at your rates"])
    if mixed:
        words += f"; Spot in part, and priced on demand: {_listed(mixed)}"
    if unread:
        words += f"; compute environments not read, so priced on demand: {_listed(unread)}"
    return words


def _listed(queues: Sequence[str]) -> str:
    more = f" and {len(queues) - LEFT_OUT_MAX} more" if len(queues) > LEFT_OUT_MAX else ""
    return f"{', '.join(queues[:LEFT_OUT_MAX])}{more}"
