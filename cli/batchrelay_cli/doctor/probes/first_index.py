"""Q6: the index of child 0 in its events."""

from __future__ import annotations

from collections.abc import Iterable

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen, Unseen
from batchrelay_cli.doctor.world import World


def run(world: World) -> Observation:
    """The events of child 0."""
    parent = world.submit(size=2)
    return {"index": index([event.detail for event in world.events_to_the_end(parent)])}


def index(details: Iterable[Document]) -> Seen | Unseen:
    """Whether it is in every event of child 0."""
    properties = [d.get("arrayProperties", {}) for d in details if d["jobId"].endswith(":0")]
    if not properties:
        return Unseen(why="no event of child 0 came")
    return Seen(answer="present" if all(p.get("index") == 0 for p in properties) else "absent")


PROBE = Probe(
    number="Q6",
    question="`arrayProperties.index` of child 0 in events",
    aspects=(Aspect(name="index", assumed="present"),),
    attempts=2,
    run=run,
)
