"""Steps that bound how many of their children run: drawn apart, so all else of a seed stays the
same.

AWS Batch holds the number, so what must hold here is what it needs for that: every job of a step
that is at work needs a unit of one and the same resource, which is there with the step's units for
as long as one of its jobs is; and none is left at the end.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchrelay.adapters.memory import MemoryJobs
from batchrelay.domain.consumable_resources import LIST, OVERRIDE
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.run import Run
from batchrelay.domain.values import JobKey

if TYPE_CHECKING:
    from verification.simulation.plan import Plan
    from verification.simulation.world import World


def with_max_running(plan: Plan, rng: random.Random) -> Plan:
    """The same, but in some plans some arrays have a bound."""
    if rng.random() >= 0.4:
        return plan
    steps = tuple(_bounded(step, rng) for step in plan.pipeline.steps)
    return replace(plan, pipeline=replace(plan.pipeline, steps=steps))


def _bounded(step: Step, rng: random.Random) -> Step:
    is_array = step.has_items or step.array_size is not None or bool(step.n_to_n_needs)
    if not is_array or step.workers is not None or rng.random() < 0.4:
        return step
    return replace(step, max_running=rng.choice((1, 2, 200)))


def resource_of(request: Mapping[str, Any]) -> str | None:
    """The only resource that a job needs; None for none."""
    needs = request.get(OVERRIDE, {LIST: []})[LIST]
    assert [need["quantity"] for need in needs] in ([], [1]), request
    return needs[0]["consumableResource"] if needs else None


def check_bound(
    pipeline: Pipeline,
    units: Mapping[str, int],
    jobs: MemoryJobs,
    key: JobKey,
    request: Mapping[str, Any],
) -> None:
    """A job that is submitted shares one resource with all of its step that are at work."""
    step = pipeline.step_of_label(key.label)
    assert step is not None, key
    name = resource_of(request)
    if step.max_running is None:
        assert name is None, request
        return
    assert name is not None, request
    assert units.get(name) == step.max_running, (name, units)
    others = {
        resource_of(job.request)
        for job in jobs.jobs.values()
        if job.outcome is None and f"-{key.label}-r" in job.name
    }
    assert others <= {name}, f"{key} shares no units with jobs at work: {others}"


def check_not_needed(run: Run, jobs: MemoryJobs, name: str) -> None:
    """What is deleted is needed by no job that the run waits for: it would wait for ever."""
    waited_for = {
        part.job_id for state in run.steps.values() for part in state.parts if part.is_active
    }
    needing = [
        job.name
        for job_id, job in jobs.jobs.items()
        if job_id in waited_for and job.outcome is None and resource_of(job.request) == name
    ]
    assert not needing, f"{name} is deleted, and needed by {needing}"


def check_all_deleted(world: World) -> None:
    """None is left; but a process that slept for hours may die before it says what it made."""
    if not (world.zombies and world.counts["crash"]):
        assert not world.resources.units, f"left behind: {world.resources.units}"
