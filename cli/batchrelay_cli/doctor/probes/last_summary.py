"""Q7: the counts in a parent's last event."""

from __future__ import annotations

from collections.abc import Mapping

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World, has_ended, sh

SIZE = 3


def run(world: World) -> Observation:
    """An array of which one child fails."""
    parent = world.submit(*sh("test $AWS_BATCH_JOB_ARRAY_INDEX != 1"), size=SIZE)
    details = [event.detail for event in world.events_to_the_end(parent)]
    last = next(detail for detail in details if has_ended(detail, parent))
    return {"counts": counts(last.get("arrayProperties", {}).get("statusSummary", {}))}


def counts(summary: Mapping[str, int]) -> Seen:
    """Whether all children have ended in it."""
    is_final = (summary.get("SUCCEEDED"), summary.get("FAILED")) == (SIZE - 1, 1)
    shown = ", ".join(f"{status} {count}" for status, count in summary.items() if count)
    return Seen(answer="final" if is_final else "behind", detail=shown)


PROBE = Probe(
    number="Q7",
    question="final `statusSummary` in a parent's last event",
    aspects=(Aspect(name="counts", assumed="final"),),
    attempts=SIZE,
    run=run,
)
