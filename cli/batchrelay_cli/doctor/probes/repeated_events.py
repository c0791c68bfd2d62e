"""Q14: the id of an event that comes twice. It looks at the events of all other probes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen, Unseen
from batchrelay_cli.doctor.world import World


def run(world: World) -> Observation:
    """All events."""
    return {"id": ids([event.document for event in world.events("")])}


def ids(events: Iterable[Document]) -> Seen | Unseen:
    """Whether events with the same detail have the same id."""
    ids_by_detail: dict[str, list[str]] = {}
    for event in events:
        detail = json.dumps(event["detail"], sort_keys=True)
        ids_by_detail.setdefault(detail, []).append(str(event["id"]))
    repeated = [entry for entry in ids_by_detail.values() if len(entry) > 1]
    if not repeated:
        return Unseen(why=f"none of {len(ids_by_detail)} events came twice")
    is_same = all(len(set(entry)) == 1 for entry in repeated)
    return Seen(answer="the same" if is_same else "another", detail=f"{len(repeated)} came twice")


PROBE = Probe(
    number="Q14",
    question="the `id` of an event that comes twice",
    aspects=(Aspect(name="id", assumed="another"),),
    is_last=True,
    run=run,
)
