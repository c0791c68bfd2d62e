"""Few seeds that reach every row: `python -m verification.simulation.known_seeds 8000`.

`make test` plays them. When rows or plans change they are chosen anew, of as many seeds as the
argument says, which takes two minutes for 5,000.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from verification.simulation.coverage import Coverage
from verification.simulation.play import play

TIMES = 10
"""How many of the seeds reach a row, if so many of those that were played do."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a seed reaches, and how long that takes."""

    names: frozenset[str]
    cpu_s: float


def chosen(played: Mapping[int, Played]) -> list[int]:
    """Few of the seeds, and quick ones, that reach every name TIMES times or as often as all do."""
    totals = Counter(name for one in played.values() for name in one.names)
    left = {name: min(TIMES, count) for name, count in totals.items()}
    waiting = dict(played)
    seeds: list[int] = []
    while left:
        wanted = left.keys()
        seed = max(waiting, key=lambda s: len(waiting[s].names & wanted) / waiting[s].cpu_s)
        for name in waiting.pop(seed).names & wanted:
            left[name] -= 1
            if not left[name]:
                del left[name]
        seeds.append(seed)
    return sorted(seeds)


def played(seed: int) -> Played:
    """The rows and effects that a seed reaches."""
    coverage, begun = Coverage(), time.process_time()
    play(seed, coverage)
    return Played(names=frozenset(coverage.reached), cpu_s=time.process_time() - begun)


if __name__ == "__main__":
    print(*chosen({seed: played(seed) for seed in range(int(sys.argv[1]))}), sep=", ")
