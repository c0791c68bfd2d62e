"""Q26: what TerminateJob of a parent does, and in which order."""

from __future__ import annotations

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import REASON, World, sh

EXIT_ON_TERM = 7
SCRIPT = f"trap 'exit {EXIT_ON_TERM}' TERM; sleep 100 & wait"


def run(world: World) -> Observation:
    """An array at work, with a program that knows SIGTERM."""
    parent = world.submit(*sh(SCRIPT), size=2)
    children = [f"{parent}:{index}" for index in range(2)]
    world.in_status(children[0], "RUNNING")
    world.port.wait(world.place.grace_s)  # so that the program has set its trap
    world.terminate(parent)
    ends = world.ended(parent, *children)
    return observed(ends[0], ends[1:])


def observed(parent: Document, children: list[Document]) -> Observation:
    """By the details of a parent and its children."""
    reason = children[0].get("statusReason", "no reason")
    exit_code = children[0].get("container", {}).get("exitCode")
    is_term = exit_code == EXIT_ON_TERM
    last_ms = max(child["stoppedAt"] for child in children)
    return {
        "reason of a child": Seen(
            answer="that of the request" if reason == REASON else f"{reason}"
        ),
        "reason of the parent": Seen(answer=parent.get("statusReason", "no reason")),
        "first signal": Seen(
            answer="SIGTERM" if is_term else "not SIGTERM", detail=f"exit code {exit_code}"
        ),
        "end of the parent": Seen(
            answer="after its children" if parent["stoppedAt"] >= last_ms else "before its children"
        ),
    }


PROBE = Probe(
    number="Q26",
    question="reasons, signal and order when a parent is terminated",
    aspects=(
        Aspect(name="reason of a child", assumed="that of the request"),
        Aspect(name="reason of the parent", assumed="Array Child Job failed"),
        Aspect(name="first signal", assumed="SIGTERM"),
        Aspect(name="end of the parent", assumed="after its children"),
    ),
    attempts=2,
    run=run,
)
