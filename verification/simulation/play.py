"""Play one seed to its end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from batchrelay.domain import postponed_effects as postponing
from batchrelay.domain import run_size as budget
from batchrelay.domain import start_check
from batchrelay.domain.run import Run
from batchrelay.domain.run_size import state_bytes
from batchrelay.domain.transitions import new_run
from batchrelay.engine import effects as performing
from batchrelay.engine import engine
from verification.simulation.budgets import with_budget
from verification.simulation.coverage import Coverage
from verification.simulation.early_stops import with_early_stops
from verification.simulation.ending import LONGEST_REASON, OVERHEAD_BYTES
from verification.simulation.finally_steps import check_finally_steps, with_finally_steps
from verification.simulation.invariants import check_end, plan_as_played
from verification.simulation.max_running import with_max_running
from verification.simulation.plan import (
    BUCKET,
    TOPIC,
    random_plan,
    with_failed_items,
    with_little_room,
    with_report,
)
from verification.simulation.redrive import may_be_redriven, redrive
from verification.simulation.world import NO_FAULTS, RUN_ID, World, random_fault_rates

STORM_TICKS_MAX = 400
CALM_TICKS_MAX = 4_000

EARLY_STOPS = 0.6
"""How many of the plans may have steps with a canary, or that fail fast."""

REDRIVES = 0.5
"""How many of the runs that ended with failures are redriven."""


class SimulationError(AssertionError):
    """A law was broken; the message says by which seed."""


def play(seed: int, coverage: Coverage | None = None, fork: float = 0.05) -> Counter[str]:
    """Play a seed; what was called how often. `coverage` gains what was reached.

    Args:
        fork: how many of the saved states are cancelled beside the run.

    Raises:
        SimulationError: an invariant does not hold, or the run never ends.
    """
    rng = random.Random(seed)
    forks = random.Random(f"forks of {seed}")
    plan = with_little_room(random_plan(rng), forks)
    plan = with_failed_items(plan, random.Random(f"failed items of {seed}"))
    plan = with_finally_steps(plan, random.Random(f"finally steps of {seed}"))
    if random.Random(f"rules of {seed}").random() < EARLY_STOPS:
        plan = with_early_stops(plan, random.Random(f"early stops of {seed}"))
    plan = with_max_running(plan, random.Random(f"max running of {seed}"))
    plan = with_report(plan, random.Random(f"report of {seed}"))
    plan = with_budget(plan, random.Random(f"budget of {seed}"))
    fault_rates = random_fault_rates(rng)
    seen = coverage or Coverage()
    world = World(
        seed=seed,
        plan=plan,
        fault_rates=fault_rates,
        rng=rng,
        coverage=seen,
        forks=forks,
        fork=fork,
    )
    try:
        with (
            patch.object(engine, "_folded", seen.folded),
            patch.object(performing, "EFFECTS_PER_SAVE", fault_rates.batch),
            patch.object(postponing, "SUBMISSIONS_MAX", fault_rates.submissions),
            _room(world),
        ):
            _play(world, random.Random(f"redrive of {seed}"))
    except AssertionError as error:
        raise SimulationError(f"seed {seed}: {error}") from error
    return world.counts


def _play(world: World, redrives: random.Random) -> None:
    has_started = world.start()
    may_be_refused = world.plan.room_bytes is not None and not has_started
    is_right = may_be_refused or has_started is not world.plan.is_refused()
    assert is_right, f"has started: {has_started}"
    if not has_started:
        return
    for _ in range(world.rng.randint(0, STORM_TICKS_MAX)):
        if not list(world.runs.open_runs()):
            break
        world.tick()
    _calm(world)
    if may_be_redriven(world) and redrives.random() < REDRIVES:
        redrive(world, redrives)
        _calm(world)


def _calm(world: World) -> None:
    """Nothing goes wrong any more, so the run ends."""
    world.fault_rates = NO_FAULTS
    for _ in range(CALM_TICKS_MAX):
        if not list(world.runs.open_runs()) and not world.letters and _all_ended(world):
            break
        world.tick()
    check_end(world)
    check_finally_steps(plan_as_played(world), world.run, world.redriven)
    world.counts["finally steps"] += sum(step.is_finally for step in world.plan.pipeline.steps)


@contextmanager
def _room(world: World) -> Iterator[None]:
    """The limits of this world: what a run takes before it begins, and a little more."""
    if world.plan.room_bytes is None:
        yield
        return
    world.reason = LONGEST_REASON
    limit = state_bytes(replace(planned(world), steps={})) + world.plan.room_bytes
    world.runs.bytes_max = limit + OVERHEAD_BYTES
    with (
        patch.object(budget, "STATE_BYTES_MAX", limit),
        patch.object(start_check, "STATE_BYTES_MAX", limit),
    ):
        yield
        if RUN_ID in world.runs.runs:
            reasons = [state.reason for state in world.run.steps.values()]
            world.counts["no room"] += sum(f"over {limit:,}" in reason for reason in reasons)


def planned(world: World) -> Run:
    """The run before anything of it was done."""
    return new_run(
        run_id=RUN_ID,
        pipeline=world.plan.pipeline,
        params={},
        environment={"bucket": BUCKET, "topicArn": TOPIC},
        at=world.clock.now(),
    )


def _all_ended(world: World) -> bool:
    return all(job.outcome is not None for job in world.jobs.jobs.values())
