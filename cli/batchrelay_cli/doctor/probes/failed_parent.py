"""Q13: when a parent with a failed child ends."""

from __future__ import annotations

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World, sh

AFTER, BEFORE = "after all children", "before all children"


def run(world: World) -> Observation:
    """Child 0 fails at once, child 1 goes on."""
    script = f"test $AWS_BATCH_JOB_ARRAY_INDEX = 1 && sleep {world.place.long_s}"
    parent = world.submit(*sh(script), size=2)
    ends_ms = [job["stoppedAt"] for job in world.ended(parent, f"{parent}:1")]
    return {"its end": end(parent_ms=ends_ms[0], child_ms=ends_ms[1])}


def end(*, parent_ms: int, child_ms: int) -> Seen:
    """By when the parent, and the child that goes on, ended."""
    detail = f"{(parent_ms - child_ms) / 1000:+.1f} s"
    return Seen(answer=AFTER if parent_ms >= child_ms else BEFORE, detail=detail)


PROBE = Probe(
    number="Q13",
    question="whether a parent waits for all children before it is FAILED",
    aspects=(Aspect(name="its end", assumed=AFTER),),
    attempts=2,
    run=run,
)
