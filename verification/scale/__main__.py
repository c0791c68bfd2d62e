"""Prints what bounds many runs: `python -m verification.scale [--write]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from batchrelay.domain.pipeline import Listing, Pipeline, Step
from verification.scale.rows import Scenario, lists_table, played, quotas_table, runs_table

DAY_S = 86_400

PAGE = Path(__file__).parents[2] / "docs/reference/scale.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

ITEMS = 1_000_000
ITEM_MS, BEGIN_MS = 3_000, 10_000
"""Of an item, and of a child until its program runs; its vCPU is taken from then on."""


def request(children: int | None) -> dict[str, Any]:
    """SubmitJob's, of a step."""
    array = {"arrayProperties": {"size": children}} if children else {}
    return {"jobQueue": "q", "jobDefinition": "d", **array}


def pipeline(chains: int, length: int) -> Pipeline:
    """Chains beside each other, of arrays of ten."""
    steps = [
        Step(
            name=f"s{chain}-{number}",
            request=request(10),
            needs=(f"s{chain}-{number - 1}",) if number else (),
        )
        for number in range(length)
        for chain in range(chains)
    ]
    return Pipeline(name="scale", version=1, steps=tuple(steps))


def listing(chunk: int) -> Pipeline:
    """One step with an item for each object of a prefix."""
    items = Listing(prefix="s3://scale/items/")
    step = Step(name="items", request=request(None), for_each=items, chunk=chunk)
    return Pipeline(name="scale", version=1, steps=(step,))


def spread(count: int, seconds: float, seed: int = 1) -> list[int]:
    """As many moments in so many seconds, at random."""
    rng = Random(seed)
    return sorted(round(rng.uniform(0, seconds) * 1_000) for _ in range(count))


def listed(chunk: int, vcpus: int, items: int = ITEMS) -> Scenario:
    """One run of so many items."""
    return Scenario(
        name=f"{items:,} items, {chunk} a child, {vcpus:,} vCPUs",
        pipeline=listing(chunk),
        delays_ms=[0],
        child_ms=BEGIN_MS + chunk * ITEM_MS,
        vcpus=vcpus,
        listed=items,
    )


def scenarios() -> list[Scenario]:
    """Those of the page."""
    chain, wide = pipeline(1, 5), pipeline(200, 1)
    day, days = spread(100_000 * 600 // DAY_S, 600), spread(1_000_000 * 300 // DAY_S, 300)
    return [
        Scenario(name="200 steps ready at once", pipeline=wide, delays_ms=[0]),
        Scenario(name="5 runs of 200 steps ready at once", pipeline=wide, delays_ms=[0] * 5),
        Scenario(name="100 chains of 5 steps in one run", pipeline=pipeline(100, 5), delays_ms=[0]),
        Scenario(name="1,000 runs at once", pipeline=chain, delays_ms=[0] * 1_000),
        Scenario(name="10 minutes of 100,000 runs a day", pipeline=chain, delays_ms=day),
        Scenario(name="5 minutes of 1,000,000 runs a day", pipeline=chain, delays_ms=days),
        *(listed(1, vcpus) for vcpus in (1_000, 10_000, 100_000)),
        listed(100, 10_000),
    ]


def tables(of: Sequence[Scenario]) -> str:
    """What stands in the page."""
    rows = [played(scenario) for scenario in of]
    date = f"Played on {datetime.now(UTC):%Y-%m-%d}."
    return "\n\n".join([date, runs_table(rows), quotas_table(rows), lists_table(rows)])


def main() -> None:
    """Print the tables; with --write, into the page too."""
    text = tables(scenarios())
    print(text)
    if sys.argv[1:] == ["--write"]:
        page = PAGE.read_text()
        before, after = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main()
