"""Play one seed to its end."""

from __future__ import annotations

import random
from collections import Counter
from unittest.mock import patch

from batchrelay import engine, performing
from batchrelay.domain import postponing
from tests.simulation.coverage import Coverage
from tests.simulation.invariants import check_end
from tests.simulation.plan import random_plan
from tests.simulation.world import CALM, World, random_weather

STORM_TICKS_MAX = 400
CALM_TICKS_MAX = 4_000


class SimulationError(AssertionError):
    """A law was broken; the message says by which seed."""


def play(seed: int, coverage: Coverage | None = None) -> Counter[str]:
    """Play a seed; what was called how often. `coverage` gains what was reached.

    Raises:
        SimulationError: an invariant does not hold, or the run never ends.
    """
    rng = random.Random(seed)
    plan = random_plan(rng)
    weather = random_weather(rng)
    seen = coverage or Coverage()
    world = World(seed=seed, plan=plan, weather=weather, rng=rng, coverage=seen)
    try:
        with (
            patch.object(engine, "_folded", seen.folded),
            patch.object(performing, "EFFECTS_PER_SAVE", weather.batch),
            patch.object(postponing, "SUBMISSIONS_MAX", weather.submissions),
        ):
            _play(world)
    except AssertionError as error:
        raise SimulationError(f"seed {seed}: {error}") from error
    return world.counts


def _play(world: World) -> None:
    has_started = world.start()
    assert has_started is not world.plan.is_refused(), f"has started: {has_started}"
    if not has_started:
        return
    for _ in range(world.rng.randint(0, STORM_TICKS_MAX)):
        if not list(world.runs.open_runs()):
            break
        world.tick()
    world.weather = CALM
    for _ in range(CALM_TICKS_MAX):
        if not list(world.runs.open_runs()) and not world.letters and _all_ended(world):
            break
        world.tick()
    check_end(world)


def _all_ended(world: World) -> bool:
    return all(job.outcome is not None for job in world.jobs.jobs.values())
