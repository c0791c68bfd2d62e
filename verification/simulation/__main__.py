"""The long form: `make verify-simulation RUNS=10000 SEED=1`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from verification.simulation.coverage import Coverage
from verification.simulation.play import SimulationError, play
from verification.simulation.triggers import play_triggers


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m verification.simulation", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    coverage = Coverage()
    started = time.monotonic()
    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        try:
            counts += play(seed, coverage)
            counts += play_triggers(seed)
        except SimulationError as error:
            print(
                f"{error}\nplay it again: make verify-simulation SEED={seed} RUNS=1",
                file=sys.stderr,
            )
            return 1
    seconds = time.monotonic() - started
    last = arguments.seed + arguments.runs - 1
    print(
        f"{arguments.runs} runs, seeds {arguments.seed} to {last}: all end right ({seconds:.0f} s)"
    )
    print(", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())))
    print("rows of the tables, and effects:")
    for name, count in sorted(coverage.reached.items()):
        print(f"  {count:>9,} {name}")
    missing = coverage.missing()
    print(f"never reached: {', '.join(missing)}" if missing else "every row and effect was reached")
    return 0


if __name__ == "__main__":
    sys.exit(main())
