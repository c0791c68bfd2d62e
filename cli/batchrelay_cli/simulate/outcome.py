"""What a played run came to: times, vCPU hours, and cost as a report would sum it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batch_local.simulation import Attempt, Job, JobStatus, job_detail
from batchrelay.codec.job_detail import detail_of
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.prices import HOUR_S, Estimate, Prices, Unknown
from batchrelay.report.cost import CostSum, Pricing, Spent, summed
from batchrelay_cli.simulate.agenda import START_MS
from batchrelay_cli.simulate.play import Played
from batchrelay_cli.simulate.programs import platform_of, step_of
from batchrelay_cli.simulate.scenario import Scenario, is_listed
from batchrelay_cli.views.simulation import BINS, SimulatedStep, Simulation


def outcome_of(
    pipeline: Pipeline, scenario: Scenario, played: Played, pricing: Pricing
) -> Simulation:
    """Everything that is shown."""
    details = {job.id: detail_of(job_detail(job)) for job in played.jobs}
    spent = {(step_of(job), job.id): _spent(job) for job in played.jobs}
    total = summed(pricing, details, spent)
    jobs: dict[str, list[Job]] = {}
    for job in played.jobs:
        jobs.setdefault(step_of(job), []).append(job)
    steps = [
        _step(step, jobs.get(step.name, []), played, total, pricing.prices)
        for step in pipeline.order
    ]
    return Simulation(
        pipeline=pipeline.name,
        seed=scenario.seed,
        status=str(played.run.status),
        makespan_ms=played.makespan_ms,
        steps=steps,
        vcpus=scenario.vcpus,
        attempts=played.programs.attempts,
        failed=played.programs.failed,
        reclaimed=played.programs.reclaimed,
        cost=_whole(total, pricing.prices),
        sums=total.sums(pricing.capacities),
        orchestration=Estimate(
            amount=sum(played.calls.dollars(pricing.prices).values()),
            currency="USD",
            source=pricing.prices.source_of("services"),
        ),
        waits={str(wait): ms for wait, ms in played.waits.run.items()},
        assumptions=list(_assumptions(pipeline, scenario, played.jobs)),
    )


def _whole(total: CostSum, prices: Prices) -> Estimate | Unknown:
    if not total.sources:
        return Unknown(reason=next(iter(total.unknown.values()), "nothing ran"))
    source = "; ".join(total.sources)
    return Estimate(amount=total.usd, currency=prices.currency, source=source)


def _step(
    step: Step, jobs: Sequence[Job], played: Played, total: CostSum, prices: Prices
) -> SimulatedStep:
    state = played.run.state(step.name)
    ran = [(job, attempt) for job in jobs for attempt in attempts_of(job)]
    ends = [job.stopped_at for job in jobs if job.stopped_at is not None]
    reason = total.unknown.get(step.name)
    cost: Estimate | Unknown = (
        Estimate(amount=total.steps[step.name], currency=prices.currency, source="")
        if reason is None
        else Unknown(reason=reason)
    )
    return SimulatedStep(
        name=step.name,
        status=str(state.status),
        reason=state.reason,
        items=state.items,
        children=sum(job.spec.size or 1 for job in jobs),
        attempts=len(ran),
        failed=state.failed,
        from_ms=min((job.created_at for job in jobs), default=START_MS) - START_MS
        if jobs
        else None,
        to_ms=max(ends, default=START_MS) - START_MS if jobs else None,
        vcpu_hours=sum(_took_ms(a) * job.spec.vcpus for job, a in ran) / 1_000 / HOUR_S,
        longest_ms=max((_took_ms(attempt) for _, attempt in ran), default=0),
        cost=cost,
        waits={str(wait): ms for wait, ms in played.waits.steps[step.name].items()},
        busy=_busy(ran, played.makespan_ms),
    )


def attempts_of(job: Job) -> Iterator[Attempt]:
    """Those whose program began, of a job or of all children of an array."""
    for one in job.children or (job,):
        yield from (attempt for attempt in one.attempts if attempt.log_stream is not None)


def _took_ms(attempt: Attempt) -> int:
    return (attempt.stopped_at or attempt.started_at) - attempt.started_at


def _spent(job: Job) -> Spent:
    """As a report counts it: what did not end well is wasted."""
    spent = Spent()
    for one in job.children or (job,):
        attempts = [attempt for attempt in one.attempts if attempt.log_stream is not None]
        seconds = sum(map(_took_ms, attempts)) / 1_000
        good = attempts[-1:] if one.status is JobStatus.SUCCEEDED else []
        spent.attempts += len(attempts)
        spent.seconds += seconds
        spent.wasted_s += seconds - sum(map(_took_ms, good)) / 1_000
    return spent


def _busy(ran: Sequence[tuple[Job, Attempt]], makespan_ms: int) -> list[float]:
    """vCPUs at work on average, in each of BINS equal parts of the run."""
    width = max(1.0, makespan_ms / BINS)
    busy = [0.0] * BINS
    for job, attempt in ran:
        begin = attempt.started_at - START_MS
        end = begin + _took_ms(attempt)
        for part in range(int(begin / width), min(BINS - 1, int(end / width)) + 1):
            both = min(end, (part + 1) * width) - max(begin, part * width)
            busy[part] += max(0.0, both) / width * job.spec.vcpus
    return busy


def _assumptions(pipeline: Pipeline, scenario: Scenario, jobs: Sequence[Job]) -> Iterator[str]:
    """What was played that the file does not say."""
    for name, items in scenario.items.items():
        yield f"{items:,} items" + (f" of {name}" if name else "")
    for name, duration in scenario.durations.items():
        yield f"{duration.text} an item" + (f" of {name}" if name else "")
    for name in sorted(set(map(platform_of, jobs))):
        yield f"{scenario.starts[name].text} until a job on {name} has started"
    yield f"{scenario.event_delay.text} until an event is handled"
    if scenario.spot:
        yield f"{scenario.spot:.3g} of the attempts reclaimed within an hour"
    for step in pipeline.steps:
        if step.groups and is_listed(step):
            yield f"no item of {step.name} is in one of its groups"
