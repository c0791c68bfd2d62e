"""Q24: the texts of statusReason, which a retry's rules and our classes of failures go by."""

from __future__ import annotations

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen, Unseen
from batchrelay_cli.doctor.world import World, sh

EXITED = "Essential container in task exited"
TIMEOUT_S = 60
"""The least that AWS Batch takes."""


def run(world: World) -> Observation:
    """One job for each text, all at once."""
    parent = world.submit("false", size=2)
    job_ids = {
        "SUCCEEDED": world.submit(),
        "exit code 3": world.submit(*sh("exit 3")),
        "a parent": parent,
        "behind a failed job": world.submit(dependsOn=[{"jobId": parent}]),
        "no such program": world.submit("/batchrelay/absent"),
    }
    if not world.place.is_local:
        job_ids["a timeout"] = world.submit(
            *sh("sleep 100"), timeout={"attemptDurationSeconds": TIMEOUT_S}
        )
    jobs = world.ended(*job_ids.values())
    observation: dict[str, Seen | Unseen] = dict(zip(job_ids, map(reason, jobs), strict=True))
    too_long = Unseen(why=f"it takes {TIMEOUT_S} s, which is not spent on a local cloud")
    return {"a timeout": too_long, **observation}


def reason(job: Document) -> Seen:
    """Its status reason; the container's beside it."""
    detail = job.get("container", {}).get("reason", "")
    return Seen(answer=job.get("statusReason", "no reason"), detail=detail)


PROBE = Probe(
    number="Q24",
    question="texts of `statusReason`",
    aspects=(
        Aspect(name="SUCCEEDED", assumed=EXITED),
        Aspect(name="exit code 3", assumed=EXITED),
        Aspect(name="a parent", assumed="Array Child Job failed"),
        Aspect(name="behind a failed job", assumed="Dependent Job failed"),
        Aspect(name="no such program", assumed="Task failed to start"),
        Aspect(name="a timeout", assumed="Job attempt duration exceeded timeout"),
    ),
    attempts=7,
    run=run,
)
