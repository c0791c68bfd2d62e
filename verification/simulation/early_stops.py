"""Steps with a canary, or that fail fast: drawn apart, so all else of a seed stays the same."""

from __future__ import annotations

import random
from dataclasses import replace

from batchrelay.domain.failures import Tolerate
from batchrelay.domain.pipeline import Step
from verification.simulation.plan import Plan

CANARIES = (1, 1, 2, 3, 10)


def with_early_stops(plan: Plan, rng: random.Random) -> Plan:
    """The same, but some steps whose items have fates begin with a canary, or fail fast."""
    steps = tuple(
        _stopping(step, rng) if _may_stop(step, plan) else step for step in plan.pipeline.steps
    )
    return replace(plan, pipeline=replace(plan.pipeline, steps=steps))


def _may_stop(step: Step, plan: Plan) -> bool:
    return step.name in plan.item_fates and not step.n_to_n_needs and step.workers is None


def _stopping(step: Step, rng: random.Random) -> Step:
    canary = rng.choice(CANARIES) if rng.random() < 0.6 else None
    if rng.random() < 0.5:
        return replace(step, canary=canary)
    if rng.random() < 0.5:  # with rounds left, nothing is stopped
        step = replace(step, retry_failed=None, tolerate=step.tolerate or Tolerate(count=0))
    return replace(step, canary=canary, fail_fast=True)
