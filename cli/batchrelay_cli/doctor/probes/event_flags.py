"""Q8: what the events of jobs that were stopped say of it, and the tags of children."""

from __future__ import annotations

from collections.abc import Iterable

from batchrelay_cli.doctor.place import TAG
from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen, Unseen
from batchrelay_cli.doctor.world import Unfinished, World, has_ended, sh

PRESENT, ABSENT = "present", "absent"


def run(world: World) -> Observation:
    """A job that is cancelled, one that is terminated, and an array."""
    needs = [{"consumableResource": world.place.no_units, "quantity": 1}]
    waiting = world.submit(
        queue=world.place.units_queue,
        consumableResourcePropertiesOverride={"consumableResourceList": needs},
    )
    running = world.submit(*sh("sleep 100"))
    parent = world.submit(size=2, tags=world.tags)
    world.in_status(waiting, "RUNNABLE")
    world.call("batch", "CancelJob", jobId=waiting, reason="batchrelay doctor")
    world.in_status(running, "RUNNING")
    world.terminate(running)
    return {
        "isCancelled": _flag_of(world, waiting, "isCancelled"),
        "isTerminated": _flag_of(world, running, "isTerminated"),
        "tags of children": tags(event.detail for event in world.events_to_the_end(parent)),
    }


def _flag_of(world: World, job_id: str, name: str) -> Seen | Unseen:
    try:
        details = [event.detail for event in world.events_to_the_end(job_id)]
    except Unfinished as error:  # a job that waits may end only when it waits no longer: Q12
        return Unseen(why=str(error), is_trouble=True)
    return flag(next(detail for detail in details if has_ended(detail, job_id)), name)


def flag(detail: Document, name: str) -> Seen:
    """Whether a job's last event has it."""
    return Seen(answer=PRESENT if detail.get(name) is True else ABSENT)


def tags(details: Iterable[Document]) -> Seen | Unseen:
    """Whether the children's events have a tag of their parent."""
    of_children = [d.get("tags", {}) for d in details if ":" in d["jobId"]]
    if not of_children:
        return Unseen(why="no event of a child came")
    return Seen(answer=PRESENT if all(TAG in entry for entry in of_children) else ABSENT)


PROBE = Probe(
    number="Q8",
    question="`isCancelled`, `isTerminated` and tags in events",
    aspects=(
        Aspect(name="isCancelled", assumed=PRESENT),
        Aspect(name="isTerminated", assumed=PRESENT),
        Aspect(name="tags of children", assumed=ABSENT),
    ),
    attempts=4,
    run=run,
)
