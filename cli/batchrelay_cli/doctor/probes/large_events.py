"""Q20: an event that embeds a large environment."""

from __future__ import annotations

from collections.abc import Iterable

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World

NAME, CHARS = "PADDING", 7_500
"""As much as overrides may have."""

WHOLE = "whole"


def run(world: World) -> Observation:
    """A job with a large environment."""
    environment = [{"name": NAME, "value": "x" * CHARS}]
    job_id = world.submit(containerOverrides={"environment": environment})
    return {"container": container(e.detail for e in world.events_to_the_end(job_id))}


def container(details: Iterable[Document]) -> Seen:
    """Whether each event has all of it."""
    for detail in details:
        entries = detail.get("container", {}).get("environment", [])
        value = next((entry["value"] for entry in entries if entry["name"] == NAME), None)
        if value is None:
            return Seen(answer="without the environment", detail=detail["status"])
        if len(value) != CHARS:
            return Seen(answer="cut", detail=f"{len(value)} of {CHARS} characters")
    return Seen(answer=WHOLE)


PROBE = Probe(
    number="Q20",
    question="`container` in events with a large environment",
    aspects=(Aspect(name="container", assumed=WHOLE),),
    attempts=1,
    run=run,
)
