"""Few seeds that reach every row: `python -m verification.simulation.known_seeds 8000`.

`make test` plays them. When rows or plans change they are chosen anew, of as many seeds as the
argument says, which takes two minutes for 5,000.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping

from verification.simulation.coverage import Coverage
from verification.simulation.play import play

TIMES = 5
"""How many of the seeds reach a row, if so many of those that were played do."""


def chosen(reached: Mapping[int, frozenset[str]]) -> list[int]:
    """Few of the seeds that reach every name TIMES times, or as often as all do."""
    totals = Counter(name for names in reached.values() for name in names)
    left = {name: min(TIMES, count) for name, count in totals.items()}
    waiting = dict(reached)
    seeds: list[int] = []
    while left:
        wanted = left.keys()
        seed = max(waiting, key=lambda seed: len(waiting[seed] & wanted))
        for name in waiting.pop(seed) & wanted:
            left[name] -= 1
            if not left[name]:
                del left[name]
        seeds.append(seed)
    return sorted(seeds)


def reached_by(seed: int) -> frozenset[str]:
    """The rows and effects that a seed reaches."""
    coverage = Coverage()
    play(seed, coverage)
    return frozenset(coverage.reached)


if __name__ == "__main__":
    print(*chosen({seed: reached_by(seed) for seed in range(int(sys.argv[1]))}), sep=", ")
