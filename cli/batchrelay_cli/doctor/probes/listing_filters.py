"""Q25: ListJobs by name, by which a lost answer of SubmitJob is made good."""

from __future__ import annotations

from collections.abc import Sequence

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World

LABEL = "Twice"


def run(world: World) -> Observation:
    """Two jobs of one name, one after the other."""
    older = world.submit(label=LABEL)
    world.ended(older)  # so that they differ in their time
    newer = world.submit(label=LABEL)
    name = f"{world.place.name}-{world.probe}-{LABEL}"
    whole = _listed(world, name, count=2)
    lower = _listed(world, name.lower(), count=0)
    prefix = _listed(world, f"{name[:-1]}*", count=0)
    return {
        "case": Seen(answer="is ignored" if sorted(lower) == sorted(whole) else "counts"),
        "`*` at the end": Seen(
            answer="is a prefix" if sorted(prefix) == sorted(whole) else "is a character"
        ),
        "order": order(whole, newer=newer, older=older),
    }


def _listed(world: World, name: str, *, count: int) -> list[str]:
    """The ids of a name, once there are so many."""

    def look() -> list[str] | None:
        filters = [{"name": "JOB_NAME", "values": [name]}]
        answer = world.call(
            "batch", "ListJobs", jobQueue=world.place.queue, filters=filters
        )  # fmt: skip
        job_ids = [job["jobId"] for job in answer["jobSummaryList"]]
        return job_ids if len(job_ids) >= count else None

    return world.until(look, f"{count} jobs in ListJobs")


def order(job_ids: Sequence[str], *, newer: str, older: str) -> Seen:
    """Which of two jobs comes first."""
    newest_first = job_ids.index(newer) < job_ids.index(older)
    return Seen(answer="the newest first" if newest_first else "the oldest first")


PROBE = Probe(
    number="Q25",
    question="ListJobs by JOB_NAME: case, `*` at the end, order",
    aspects=(
        Aspect(name="case", assumed="is ignored"),
        Aspect(name="`*` at the end", assumed="is a prefix"),
        Aspect(name="order", assumed="the newest first"),
    ),
    attempts=2,
    run=run,
)
