"""A run that ended with failures is redriven in a world that was repaired.

It must come to what a run of that world comes to that had no failures; and no item that succeeded
before runs again, unless what it was made of did.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace

from batchrelay.domain.errors import BatchrelayError
from batchrelay.domain.redrive import Again, RedriveOrder, steps_to_redrive
from batchrelay.domain.run import RunStatus
from verification.simulation.world import Crash, World, random_fault_rates

ITEMS_OF_A_REPAIRED_LIST = 3
TICKS_MAX = 200


def may_be_redriven(world: World) -> bool:
    """A run with a little room, or a deadline, may end in more ways than one once more."""
    plan = world.plan
    has_failed = world.run.status in (RunStatus.FAILED, RunStatus.PARTIAL, RunStatus.CANCELLED)
    is_free = plan.room_bytes is None and plan.pipeline.timeout_s is None
    return has_failed and is_free and bool(steps_to_redrive(world.run))


def redrive(world: World, rng: random.Random) -> None:
    """Repair the world, and let two callers ask at the same moment, in bad conditions."""
    _repair(world)
    again = steps_to_redrive(world.run)
    ordinary = {name for name in again if not world.run.pipeline.step(name).is_finally}
    all_finally = {step.name for step in world.run.pipeline.steps if step.is_finally}
    world.redriven = {*again, *(all_finally if ordinary else ())}
    for name, how in again.items():
        if how is Again.WHOLE:
            world.item_runs.forget(name)
    world.fault_rates = replace(random_fault_rates(rng), forgotten=0.0)
    while _number(world) == 0:
        _ask(world)
        _ask(world)
    world.counts["redrive"] += 1
    for _ in range(rng.randint(0, TICKS_MAX)):
        if not list(world.runs.open_runs()):
            break
        world.tick()


def _ask(world: World) -> None:
    """One caller; a run that goes on is not redriven."""
    before, has_ended = _number(world), world.run.status.is_terminal
    try:
        handled = world.engine().redrive(world.run.id, RedriveOrder())
        world.coverage.performed(handled.performed)
    except (Crash, BatchrelayError):
        world.counts["redrive refused"] += 1
    assert _number(world) <= before + has_ended, "a run that goes on was redriven"


def _number(world: World) -> int:
    return world.run.redrive_number


def _repair(world: World) -> None:
    """Every list can be read, and every job and item succeeds."""
    plan = world.plan
    items = dict(plan.items)
    for name, count in plan.items.items():
        if count is None:
            items[name] = ITEMS_OF_A_REPAIRED_LIST
            uri = plan.pipeline.step(name).for_each.file  # type: ignore[union-attr]
            body = json.dumps({"Items": list(range(ITEMS_OF_A_REPAIRED_LIST))})
            world.objects.objects[uri] = body.encode()
    world.plan = replace(
        plan,
        items=items,
        there={name: count for name, count in plan.there.items() if plan.items[name] is not None},
        fates={},
        item_fates={name: replace(fates, share=0.0) for name, fates in plan.item_fates.items()},
        poison=frozenset(),
        is_stopped=False,
    )
