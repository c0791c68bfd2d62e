"""Q18: the operations that stop many jobs at once."""

from __future__ import annotations

from batchrelay_cli.doctor.port import CallFailed
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import UNKNOWN_JOB, World

PRESENT, ABSENT = "present", "absent"


def run(world: World) -> Observation:
    """Of a job that is unknown: nothing is stopped."""
    return {name: _asked(world, name) for name in ("CancelJobs", "TerminateJobs")}


def _asked(world: World, operation: str) -> Seen:
    try:
        world.call("batch", operation, jobs=[UNKNOWN_JOB], reason="batchrelay doctor")
    except CallFailed as error:
        if error.is_denied:
            raise
        return absent(error)
    return Seen(answer=PRESENT)


def absent(error: CallFailed) -> Seen:
    """Whether the operation answers at all."""
    is_there = error.code in ("ClientException", "ValidationException")
    return Seen(answer=PRESENT if is_there else ABSENT, detail=f"{error.code}: {error.message}")


PROBE = Probe(
    number="Q18",
    question="whether CancelJobs and TerminateJobs exist everywhere",
    aspects=(
        Aspect(name="CancelJobs", assumed=PRESENT),
        Aspect(name="TerminateJobs", assumed=PRESENT),
    ),
    run=run,
)
