"""Q11: attempts that did not start."""

from __future__ import annotations

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import ENDED, World

ATTEMPTS = 2
COUNTED, FREE = "uses one", "uses none"


def run(world: World) -> Observation:
    """A program that no image has."""
    job_id = world.submit("/batchrelay/absent", retryStrategy={"attempts": ATTEMPTS})

    def look() -> Document | None:
        job = world.describe(job_id).get(job_id)
        is_over = job is not None and (job["status"] in ENDED or len(job["attempts"]) > ATTEMPTS)
        return job if is_over else None

    job = world.until(look, "the end of a job that cannot start")
    world.terminate(job_id)
    return {"a start failure": counted(job)}


def counted(job: Document) -> Seen:
    """By the attempts that there were."""
    count = len(job["attempts"])
    reason = job.get("statusReason", "no reason")
    return Seen(
        answer=COUNTED if count <= ATTEMPTS else FREE,
        detail=f"{count} of {ATTEMPTS} attempts, {reason}",
    )


PROBE = Probe(
    number="Q11",
    question="whether a start failure uses an attempt",
    aspects=(Aspect(name="a start failure", assumed=COUNTED),),
    attempts=2 * ATTEMPTS,  # it is stopped when there is one too many
    run=run,
)
