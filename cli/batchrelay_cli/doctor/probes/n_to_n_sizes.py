"""Q2: N_TO_N where there is no child for each child."""

from __future__ import annotations

from batchrelay_cli.doctor.probe import Aspect, Observation, Probe
from batchrelay_cli.doctor.probes.array_size import REFUSED, seen
from batchrelay_cli.doctor.world import World


def run(world: World) -> Observation:
    """An array, and two jobs behind it."""
    n_to_n = [{"jobId": world.submit(size=2), "type": "N_TO_N"}]
    return {
        "another size": seen(world.refusal(size=3, dependsOn=n_to_n)),
        "a plain job": seen(world.refusal(dependsOn=n_to_n)),
    }


PROBE = Probe(
    number="Q2",
    question="N_TO_N with unequal sizes, or with a plain job",
    aspects=(
        Aspect(name="another size", assumed=REFUSED),
        Aspect(name="a plain job", assumed=REFUSED),
    ),
    attempts=6,
    run=run,
)
