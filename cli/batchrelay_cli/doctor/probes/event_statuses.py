"""Q5: which changes of a job have an event."""

from __future__ import annotations

from collections.abc import Iterable

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World

ORDER = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
NONE = "none"


def run(world: World) -> Observation:
    """All events of an array."""
    parent = world.submit(size=2)
    return observed([event.detail for event in world.events_to_the_end(parent)])


def observed(details: Iterable[Document]) -> Observation:
    """By the details of the events of an array and its children."""
    of_parent = {d["status"] for d in details if ":" not in d["jobId"]}
    of_children = {d["status"] for d in details if ":" in d["jobId"]}
    submitted = "present" if "SUBMITTED" in of_parent | of_children else NONE
    return {
        "SUBMITTED": Seen(answer=submitted),
        "of a parent": Seen(answer=_in_order(of_parent - {"SUBMITTED"})),
        "of a child": Seen(answer=_in_order(of_children - {"SUBMITTED"})),
    }


def _in_order(statuses: set[str]) -> str:
    return ", ".join(status for status in ORDER if status in statuses) or NONE


PROBE = Probe(
    number="Q5",
    question="events of SUBMITTED; which events of a parent",
    aspects=(
        Aspect(name="SUBMITTED", assumed=NONE),
        Aspect(name="of a parent", assumed="PENDING, SUCCEEDED"),
        Aspect(name="of a child", assumed="RUNNABLE, STARTING, RUNNING, SUCCEEDED"),
    ),
    attempts=2,
    run=run,
)
