"""`maxRunning`: where it does not bind, and where it does."""

from __future__ import annotations

from benchmarks.figures import Held, Line, Measurement, Sample
from benchmarks.loops import SLOTS
from benchmarks.max_running import (
    BOUND_REPEATS,
    CHILDREN,
    RATIO_MAX,
    WIDTH,
    durations,
    unbound_ratio,
    with_units,
)

ARRAY = 1_000


def _unbound() -> dict[str, Sample]:
    return {"unbound": Sample(value=unbound_ratio(ARRAY, SLOTS, BOUND_REPEATS), base=1)}


def _bound() -> dict[str, Sample]:
    seconds = durations(0.5)
    return {"bound": Sample(value=with_units(seconds), base=sum(seconds) / WIDTH)}


MEASUREMENTS = (
    Measurement(
        lines=[
            Line(
                key="unbound",
                what=f"an array of {ARRAY:,} no-ops with a `maxRunning` that does not bind",
                unit="",
                beside="none",
                must=RATIO_MAX,
                held=Held.RATIO,
            )
        ],
        measure=_unbound,
        rounds=1,  # it is the least of several pairs
    ),
    Measurement(
        lines=[
            Line(
                key="bound",
                what=f"{CHILDREN:,} children of a minute, {WIDTH} at a time, on a virtual clock",
                unit="s",
                beside="the least that is possible",
                must=RATIO_MAX,
                held=Held.RATIO,
            )
        ],
        measure=_bound,
        rounds=1,  # a virtual clock
    ),
)
