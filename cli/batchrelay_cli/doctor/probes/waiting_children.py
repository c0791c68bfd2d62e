"""Q19: the children of a parent whose dependencies are not met."""

from __future__ import annotations

from collections.abc import Sequence

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World, sh

SIZE = 2
ABSENT = "none are listed"


def run(world: World) -> Observation:
    """An array behind a job that fails later."""
    first = world.submit(*sh(f"sleep {world.place.long_s}; false"))
    parent = world.submit(size=SIZE, dependsOn=[{"jobId": first}])
    world.in_status(parent, "PENDING")
    waiting = world.children(parent, "SUBMITTED", "PENDING", "RUNNABLE")
    world.ended(parent)
    failed = world.children(parent, "FAILED")
    return {"while it waits": listed(waiting), "after it FAILED": listed(failed)}


def listed(children: Sequence[Document]) -> Seen:
    """How many ListJobs has."""
    return Seen(answer=f"{len(children)} of {SIZE} are listed" if children else ABSENT)


PROBE = Probe(
    number="Q19",
    question="children of a parent whose dependencies are unmet",
    aspects=(
        Aspect(name="while it waits", assumed=ABSENT),
        Aspect(name="after it FAILED", assumed=ABSENT),
    ),
    attempts=1 + SIZE,
    run=run,
)
