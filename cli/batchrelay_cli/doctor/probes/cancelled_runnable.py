"""Q12: when a RUNNABLE job that is cancelled ends."""

from __future__ import annotations

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import ENDED, World, quarter_to_whole, sh

AT_ONCE, AT_HEAD = "before it is at the head", "at the head of its queue"


def run(world: World) -> Observation:
    """One vCPU, a job that has it, one that waits for it, and a third that is cancelled."""
    narrow, whole = world.place.narrow_queue, quarter_to_whole()
    command = sh(f"sleep {world.place.long_s}")
    running, head, cancelled = (
        world.submit(*command, queue=narrow, containerOverrides=whole) for _ in range(3)
    )
    world.in_status(running, "RUNNING")
    world.in_status(cancelled, "RUNNABLE")
    world.call("batch", "CancelJob", jobId=cancelled, reason="batchrelay doctor")
    began_ms = world.at_ms

    def look() -> tuple[str, str] | None:
        jobs = world.describe(head, cancelled)
        statuses = jobs[head]["status"], jobs[cancelled]["status"]
        return statuses if statuses[0] != "RUNNABLE" or statuses[1] in ENDED else None

    head_status, status = world.until(look, "the end of a cancelled job")
    took_ms = world.at_ms - began_ms
    world.terminate(running, head, cancelled)
    return {"it ends": ends(head_status, status, took_ms)}


def ends(head_status: str, status: str, took_ms: int) -> Seen:
    """By where the job before it was then."""
    at_once = status in ENDED and head_status == "RUNNABLE"
    return Seen(answer=AT_ONCE if at_once else AT_HEAD, detail=f"{took_ms / 1000:.1f} s")


PROBE = Probe(
    number="Q12",
    question="when a cancelled RUNNABLE job ends",
    aspects=(Aspect(name="it ends", assumed=AT_ONCE),),
    attempts=12,
    run=run,
)
