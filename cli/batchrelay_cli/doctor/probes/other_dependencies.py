"""Q4: dependsOn one child, or a job of another queue."""

from __future__ import annotations

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe
from batchrelay_cli.doctor.probes.array_size import ACCEPTED, seen
from batchrelay_cli.doctor.world import World


def run(world: World) -> Observation:
    """An array, and two jobs behind it."""
    parent = world.submit(size=2)
    elsewhere = world.place.other_queue
    return {
        "parent:index": seen(world.refusal(dependsOn=[{"jobId": f"{parent}:1"}])),
        "another queue": seen(world.refusal(queue=elsewhere, dependsOn=[{"jobId": parent}])),
    }


PROBE = Probe(
    number="Q4",
    question="`parent:index` or another queue in `dependsOn`",
    aspects=(
        Aspect(name="parent:index", assumed=ACCEPTED),
        Aspect(name="another queue", assumed=ACCEPTED),
    ),
    attempts=4,
    run=run,
)
