"""Q3: dependsOn a job that is no longer, or never was."""

from __future__ import annotations

from batchrelay_cli.doctor.port import CallFailed, Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.probes.array_size import REFUSED, seen
from batchrelay_cli.doctor.world import UNKNOWN_JOB, World

RUNS, FAILS = "runs", "FAILED: Dependent Job failed"


def run(world: World) -> Observation:
    """One job of each end, and a job behind each."""
    unknown = world.refusal(dependsOn=[{"jobId": UNKNOWN_JOB}])
    succeeded, failed = world.submit(), world.submit("false")
    world.ended(succeeded, failed)
    return {
        "an unknown job": seen(unknown),
        "a SUCCEEDED job": _behind(world, succeeded),
        "a FAILED job": _behind(world, failed),
    }


def _behind(world: World, job_id: str) -> Seen:
    try:
        dependent = world.submit(dependsOn=[{"jobId": job_id}])
    except CallFailed as error:
        return seen(error)
    return outcome(world.ended(dependent)[0])


def outcome(job: Document) -> Seen:
    """What became of a job behind one that had ended."""
    if job["status"] == "SUCCEEDED":
        return Seen(answer=RUNS)
    return Seen(answer=f"FAILED: {job.get('statusReason', 'without a reason')}")


PROBE = Probe(
    number="Q3",
    question="`dependsOn` of an ended, forgotten or unknown id",
    aspects=(
        Aspect(name="an unknown job", assumed=REFUSED),
        Aspect(name="a SUCCEEDED job", assumed=RUNS),
        Aspect(name="a FAILED job", assumed=FAILS),
    ),
    attempts=5,
    run=run,
)
