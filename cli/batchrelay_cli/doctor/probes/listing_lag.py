"""Q9: when ListJobs and DescribeJobs know a new job."""

from __future__ import annotations

from batchrelay.domain.limits import SUBMIT_GRACE_S
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World

SOON, LATE = f"within {SUBMIT_GRACE_S} s", f"after more than {SUBMIT_GRACE_S} s"


def run(world: World) -> Observation:
    """A job, asked for by its name and by its id."""
    job_id = world.submit(label="new")
    submitted_ms = world.at_ms
    filters = [{"name": "JOB_NAME", "values": [f"{world.place.name}-{world.probe}-new"]}]

    def is_described() -> bool | None:
        return job_id in world.describe(job_id) or None

    def is_listed() -> bool | None:
        answer = world.call(
            "batch", "ListJobs", jobQueue=world.place.queue, filters=filters
        )  # fmt: skip
        return any(job["jobId"] == job_id for job in answer["jobSummaryList"]) or None

    observation = {}
    for operation, look in (("ListJobs", is_listed), ("DescribeJobs", is_described)):
        world.until(look, f"a new job in {operation}")
        observation[operation] = lag(world.at_ms - submitted_ms)
    return observation


def lag(ms: int) -> Seen:
    """How long it took, at most."""
    return Seen(answer=SOON if ms <= SUBMIT_GRACE_S * 1000 else LATE, detail=f"{ms / 1000:.1f} s")


PROBE = Probe(
    number="Q9",
    question="ListJobs and DescribeJobs right after SubmitJob",
    aspects=(
        Aspect(name="ListJobs", assumed=SOON),
        Aspect(name="DescribeJobs", assumed=SOON),
    ),
    attempts=1,
    run=run,
)
