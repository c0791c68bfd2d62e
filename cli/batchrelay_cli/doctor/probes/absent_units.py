"""Q23: a consumable resource that is not there."""

from __future__ import annotations

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe
from batchrelay_cli.doctor.probes.array_size import REFUSED, seen
from batchrelay_cli.doctor.world import World


def run(world: World) -> Observation:
    """A job that needs it."""
    needs = [{"consumableResource": f"{world.place.name}-absent", "quantity": 1}]
    override = {"consumableResourceList": needs}
    return {"SubmitJob": seen(world.refusal(consumableResourcePropertiesOverride=override))}


PROBE = Probe(
    number="Q23",
    question="what SubmitJob does if a consumable resource is not there",
    aspects=(Aspect(name="SubmitJob", assumed=REFUSED),),
    attempts=1,
    run=run,
)
