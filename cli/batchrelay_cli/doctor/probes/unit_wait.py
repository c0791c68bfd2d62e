"""Q21: whether a job that waits for units holds up those behind it."""

from __future__ import annotations

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World

HOLDS, PASSED = "holds them up", "is passed"


def run(world: World) -> Observation:
    """A head without units, a job behind it, and one in another queue to compare with."""
    queue = world.place.units_queue
    needs = [{"consumableResource": world.place.no_units, "quantity": 1}]
    head = world.submit(
        queue=queue, consumableResourcePropertiesOverride={"consumableResourceList": needs}
    )
    world.in_status(head, "RUNNABLE")
    behind = world.submit(queue=queue)
    world.ended(world.submit(queue=world.place.other_queue))
    world.port.wait(world.place.grace_s)
    status = world.describe(behind)[behind]["status"]
    world.terminate(head, behind)
    return {"the head": holds(status)}


def holds(status: str) -> Seen:
    """By the job behind it, when one of another queue had ended."""
    return Seen(answer=HOLDS if status == "RUNNABLE" else PASSED, detail=f"it was {status}")


PROBE = Probe(
    number="Q21",
    question=("whether a job that waits for units at the head of a queue holds up those behind it"),
    aspects=(Aspect(name="the head", assumed=HOLDS),),
    attempts=3,
    run=run,
)
