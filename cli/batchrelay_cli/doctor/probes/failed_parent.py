"""Q13: when a parent with a failed child ends."""

from __future__ import annotations

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen, Unseen
from batchrelay_cli.doctor.world import World, sh

AFTER, BEFORE = "after all children", "before all children"


def run(world: World) -> Observation:
    """Child 0 fails at once, child 1 goes on."""
    script = f"test $AWS_BATCH_JOB_ARRAY_INDEX = 1 && sleep {world.place.long_s}"
    parent = world.submit(*sh(script), size=2)
    jobs = world.ended(parent, f"{parent}:0", f"{parent}:1")
    parent_ms, failed_ms, other_ms = (job["stoppedAt"] for job in jobs)
    return {"its end": end(parent_ms=parent_ms, failed_ms=failed_ms, other_ms=other_ms)}


def end(*, parent_ms: int, failed_ms: int, other_ms: int) -> Seen | Unseen:
    """By when the parent, the child that failed, and the one that went on, ended."""
    if failed_ms >= other_ms:
        return Unseen(why="the child that fails started too late: it was the last")
    detail = f"{(parent_ms - other_ms) / 1000:+.1f} s"
    return Seen(answer=AFTER if parent_ms >= other_ms else BEFORE, detail=detail)


PROBE = Probe(
    number="Q13",
    question="whether a parent waits for all children before it is FAILED",
    aspects=(Aspect(name="its end", assumed=AFTER),),
    attempts=2,
    run=run,
)
