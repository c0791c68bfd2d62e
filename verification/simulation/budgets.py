"""Runs with a budget: drawn apart, so all else of a seed stays the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from batchrelay.domain.budget import Budget
from batchrelay.domain.budget_events import Measured
from batchrelay.domain.held_submissions import budget_usd, unmeasured_jobs
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.values import JobKey
from verification.simulation.plan import Plan

BUDGETS = (0.5, 1, 2, 5, 100)
JOB_USD = 1.0
"""What every job costs."""


def with_budget(plan: Plan, rng: random.Random) -> Plan:
    """The same, but now and then with a budget."""
    if rng.random() >= 0.3:
        return plan
    pipeline = plan.pipeline
    rules = tuple(replace(rule, on=rule.on | {"PAUSED"}) for rule in pipeline.notify)
    budget = Budget(usd=rng.choice(BUDGETS))
    return replace(plan, pipeline=replace(pipeline, notify=rules, budget=budget))


@dataclass(frozen=True, kw_only=True)
class SimulatedMeasurement:
    """One dollar for each job; now and then one has no price, or there is no time for more."""

    port: Any
    rng: random.Random

    def measure(self, run: Run, _time_left: Callable[[], float]) -> Measured:
        ended = [job_id for _, job_id in unmeasured_jobs(run)]
        if self.rng.random() < 0.3:
            ended = ended[:1]
        self.port.describe(ended)
        if self.rng.random() < 0.1:
            return Measured(job_ids=frozenset(ended), unknown="no price")
        cost = RunCost(usd=JOB_USD * len(ended), sums="jobs", date="2026-11-28")
        return Measured(job_ids=frozenset(ended), cost=cost)


def check_budget(stored: Run, key: JobKey) -> None:
    """At a submission: it was not held back when it became pending.

    The budget may have been reached since then, so what counts is the part's own time.
    """
    pause, step = stored.spending.pause, stored.pipeline.step_of_label(key.label)
    assert step is not None, key
    if pause is None or stored.status is not RunStatus.PAUSED or step.is_finally:
        return
    state = stored.state(step.name)
    if key.round != state.round or key.part >= len(state.parts):
        return  # a rival comes late
    since = state.parts[key.part].since
    assert since is not None, f"{key} is submitted while the run is PAUSED"


def check_hold(stored: Run | None, run: Run) -> None:
    """At a save: nothing becomes pending while its budget is reached, or a job is not measured."""
    budget = budget_usd(run)
    if stored is None or budget is None or stored.version != run.version or run.stop is not None:
        return
    was_held = stored.status is RunStatus.PAUSED and run.status is RunStatus.PAUSED
    is_over = run.cost is not None and run.cost.usd >= budget and run.spending == stored.spending
    for step in run.pipeline.ordinary_steps if was_held or is_over else ():
        old, new = stored.state(step.name), run.state(step.name)
        if old.round != new.round or len(old.parts) != len(new.parts):
            pending = [p for p in new.parts if p.is_unsubmitted and p.since is not None]
            assert not pending, f"{step.name}: {pending} became pending although the run is held"
            continue
        for before, after in zip(old.parts, new.parts, strict=True):
            is_new = before.since is None and after.since is not None
            assert not is_new, f"{step.name}: a part became pending although the run is held"


def check_spent(run: Run) -> None:
    """At the end: every job that a part had is in the sum once."""
    if run.pipeline.budget is None:
        assert run.spending.measurements == 0, run.spending
        return
    assert not list(unmeasured_jobs(run)), "a job was not measured"
    jobs = sum(part.job_id is not None for state in run.steps.values() for part in state.every_part)
    usd = 0.0 if run.cost is None else run.cost.usd
    has_gaps = any(step.aggregate for step in run.pipeline.steps) or run.redrive is not None
    if not has_gaps and run.spending.pause is None and not run.spending.unknown:
        assert usd == JOB_USD * jobs, (usd, jobs)
