"""Q28: overrides and requests that are too large."""

from __future__ import annotations

from typing import Any

from batchrelay_cli.doctor.port import CallFailed, Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.probes.array_size import REFUSED, seen
from batchrelay_cli.doctor.world import World

OVERRIDES_CHARS, REQUEST_CHARS = 8_200, 31 * 1024
LATE = "accepted, then FAILED: Container Overrides length must be at most 8192"


def run(world: World) -> Observation:
    """An environment that is too large for one limit, and one for the other."""
    return {
        "overrides of 8,200 characters": _overrides(world),
        "request of 31 KiB": seen(world.refusal(containerOverrides=_padded(REQUEST_CHARS))),
    }


def _overrides(world: World) -> Seen:
    try:
        job_id = world.submit(containerOverrides=_padded(OVERRIDES_CHARS))
    except CallFailed as error:
        return seen(error)
    return end(world.ended(job_id)[0])


def _padded(chars: int) -> dict[str, Any]:
    return {"environment": [{"name": "PADDING", "value": "x" * chars}]}


def end(job: Document) -> Seen:
    """What became of a job that was accepted."""
    reason = f": {job['statusReason']}" if job["status"] == "FAILED" else ""
    return Seen(answer=f"accepted, then {job['status']}{reason}")


PROBE = Probe(
    number="Q28",
    question="overrides over 8,192 characters; a request over 30 KiB",
    aspects=(
        Aspect(name="overrides of 8,200 characters", assumed=LATE),
        Aspect(name="request of 31 KiB", assumed=REFUSED),
    ),
    attempts=2,
    run=run,
)
