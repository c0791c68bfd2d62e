"""Q1: arrays that are none."""

from __future__ import annotations

from batchrelay_cli.doctor.port import CallFailed
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World

REFUSED, ACCEPTED = "refused", "accepted"


def run(world: World) -> Observation:
    """Arrays of these sizes."""
    return {f"size {size}": seen(world.refusal(size=size)) for size in (0, 1)}


def seen(refusal: CallFailed | None) -> Seen:
    """Whether SubmitJob refused a request, and its words."""
    if refusal is None:
        return Seen(answer=ACCEPTED)
    return Seen(answer=REFUSED, detail=refusal.message)


PROBE = Probe(
    number="Q1",
    question="array of size 0 or 1",
    aspects=(
        Aspect(name="size 0", assumed=REFUSED),
        Aspect(name="size 1", assumed=REFUSED),
    ),
    attempts=2,
    run=run,
)
