"""Prints what bounds many runs: `python -m verification.scale`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from batchrelay.domain.pipeline import Pipeline, Step
from verification.scale.limits import SUBMITS_PER_S
from verification.scale.world import HANDLERS, World

DAY_S = 86_400

DEFINITION = {
    "jobDefinitionName": "d",
    "type": "container",
    "containerProperties": {
        "image": "i",
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": "64"},
        ],
    },
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one scenario."""

    name: str
    runs: int
    jobs: int
    median_s: float
    longest_s: float
    alone_s: float
    """What one run takes alone."""
    busiest: float
    """SubmitJob calls of the busiest ten seconds, as a share of the quota."""
    handlers: float
    """Most handlers at a time, as a share of those that may be."""
    wait_s: float
    """Of an event in its queue, at the 99th percentile."""
    throttled: int

    @property
    def first(self) -> str:
        """What bounds it first."""
        if self.throttled:
            return "SubmitJob"
        return "handlers" if self.handlers == 1 else "–"


def pipeline(steps: int, *, chained: bool) -> Pipeline:
    """Arrays of ten, one after the other or all at once."""
    request: dict[str, Any] = {
        "jobQueue": "q",
        "jobDefinition": "d",
        "arrayProperties": {"size": 10},
    }
    return Pipeline(
        name="scale",
        version=1,
        steps=tuple(
            Step(
                name=f"s{number}",
                request=request,
                needs=(f"s{number - 1}",) if chained and number else (),
            )
            for number in range(steps)
        ),
    )


def played(name: str, of: Pipeline, delays_ms: Sequence[int], duration: str) -> Row:
    """Runs that are asked for at these times."""
    alone = World(of, [DEFINITION], duration)
    alone.start_after(0, "alone")
    alone.play()
    world = World(of, [DEFINITION], duration)
    for number, delay_ms in enumerate(delays_ms):
        world.start_after(delay_ms, f"r{number}")
    world.play()
    seconds = world.seconds()
    assert len(seconds) == len(delays_ms), "every run has ended"
    waits = sorted(world.handlers.waits_ms)
    return Row(
        name=name,
        runs=len(seconds),
        jobs=len(world.batch.jobs),
        median_s=seconds[len(seconds) // 2],
        longest_s=seconds[-1],
        alone_s=alone.seconds()[0],
        busiest=_busiest(world) / (10 * SUBMITS_PER_S),
        handlers=world.handlers.most_at_once / HANDLERS,
        wait_s=waits[math.ceil(0.99 * len(waits)) - 1] / 1_000,
        throttled=world.jobs.quota.throttled,
    )


def _busiest(world: World) -> int:
    """SubmitJob calls of any ten seconds in a row."""
    seconds = world.jobs.quota.seconds
    return max(sum(seconds[start + n] for n in range(10)) for start in tuple(seconds))


def spread(count: int, seconds: float, seed: int = 1) -> list[int]:
    """As many moments in so many seconds, at random."""
    rng = Random(seed)
    return sorted(round(rng.uniform(0, seconds) * 1_000) for _ in range(count))


def rows() -> Iterator[Row]:
    """The scenarios of the page."""
    chain, wide = pipeline(5, chained=True), pipeline(200, chained=False)
    yield played("200 steps ready at once", wide, [0], "60s")
    yield played("5 runs of 200 steps ready at once", wide, [0] * 5, "60s")
    for name, seconds, runs_a_day in (
        ("10 minutes of 100,000 runs a day", 600, 100_000),
        ("5 minutes of 1,000,000 runs a day", 300, 1_000_000),
    ):
        yield played(name, chain, spread(runs_a_day * seconds // DAY_S, seconds), "60s")
    yield played("1,000 runs at once", chain, [0] * 1_000, "60s")


def main() -> None:
    """Print the table."""
    print(
        "| scenario | runs | jobs | a run alone | median | longest | busiest 10 s of SubmitJob "
        "| handlers at once | an event waits (99 %) | throttled | first bound |"
    )
    print(f"|{' --- |' * 11}")
    for row in rows():
        print(
            f"| {row.name} | {row.runs:,} | {row.jobs:,} | {row.alone_s:.0f} s | "
            f"{row.median_s:.0f} s | {row.longest_s:.0f} s | {row.busiest:.0%} | "
            f"{row.handlers:.0%} | {row.wait_s:.1f} s | {row.throttled:,} | {row.first} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
