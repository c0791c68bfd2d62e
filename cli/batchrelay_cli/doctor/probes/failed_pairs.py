"""Q27: N_TO_N behind an array of which one child fails."""

from __future__ import annotations

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World, sh


def run(world: World) -> Observation:
    """Child 0 of the first array fails, child 1 succeeds."""
    first = world.submit(*sh("test $AWS_BATCH_JOB_ARRAY_INDEX = 1"), size=2)
    second = world.submit(size=2, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    world.ended(second)
    failed, other, parent = world.ended(f"{second}:0", f"{second}:1", second)
    return {
        "child of the failed child": end(failed),
        "child of the other": end(other),
        "the dependent parent": end(parent),
    }


def end(job: Document) -> Seen:
    """Status and reason, and how often it was tried."""
    if job["status"] == "SUCCEEDED":
        return Seen(answer="SUCCEEDED")
    count = len(job.get("attempts", ()))
    return Seen(answer=f"FAILED: {job.get('statusReason', '')}", detail=f"{count} attempts")


PROBE = Probe(
    number="Q27",
    question="N_TO_N where a child of the first array fails",
    aspects=(
        Aspect(name="child of the failed child", assumed="FAILED: Dependent Job failed"),
        Aspect(name="child of the other", assumed="SUCCEEDED"),
        Aspect(name="the dependent parent", assumed="FAILED: Array Child Job failed"),
    ),
    attempts=4,
    run=run,
)
