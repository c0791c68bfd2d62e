"""500 steps that end at once: how often the run is saved, and how often writers meet."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.contention import graph, trial
from benchmarks.figures import Held, Line, Measurement, Sample

STEPS = 499
"""And the step that joins them."""


def _ends_at_once() -> dict[str, Sample]:
    with tempfile.TemporaryDirectory() as folder:
        done = trial(graph(Path(folder), STEPS), 1)
    return {
        "saves": Sample(value=done.writes - done.conflicts, base=STEPS + 1),
        "conflicts": Sample(value=done.conflicts),
    }


MEASUREMENTS = (
    Measurement(
        lines=[
            Line(
                key="saves",
                what=f"{STEPS + 1} steps of which {STEPS} are ready at once: saves of the run",
                unit="",
                beside="the ends of its jobs",
                must=1,
                reach=0.2,
                held=Held.RATIO,
            ),
            Line(key="conflicts", what="the same: writes refused, for another was faster", unit=""),
        ],
        measure=_ends_at_once,
    ),
)
