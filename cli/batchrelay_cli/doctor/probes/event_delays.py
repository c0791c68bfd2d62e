"""Q29: how long an event takes. It looks at the events of all other probes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from batchrelay.domain.limits import SUBMIT_GRACE_S
from batchrelay_cli.doctor.port import ReceivedEvent
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen, Unseen
from batchrelay_cli.doctor.world import ENDED, World

SOON, LATE = f"within {SUBMIT_GRACE_S} s", f"after more than {SUBMIT_GRACE_S} s"


def run(world: World) -> Observation:
    """All events of ends."""
    return {"a job's end": delay(delays_ms(world.events("")))}


def delays_ms(events: Sequence[ReceivedEvent]) -> list[int]:
    """From each end of a job until its event was in the queue; clocks of AWS may differ."""
    return [
        max(0, event.sent_at_ms - int(event.detail["stoppedAt"]))
        for event in events
        if event.detail.get("status") in ENDED and "stoppedAt" in event.detail
    ]


def delay(delays: Sequence[int]) -> Seen | Unseen:
    """The longest."""
    if not delays:
        return Unseen(why="no event of an end came", is_trouble=True)
    longest_ms = max(delays)
    return Seen(
        answer=SOON if longest_ms <= SUBMIT_GRACE_S * 1000 else LATE,
        detail=f"median {median(delays) / 1000:.1f} s, longest {longest_ms / 1000:.1f} s, "
        f"of {len(delays)} events",
    )


PROBE = Probe(
    number="Q29",
    question="how long an event of a job takes to EventBridge's target, an SQS queue",
    aspects=(Aspect(name="a job's end", assumed=SOON),),
    is_last=True,
    run=run,
)
