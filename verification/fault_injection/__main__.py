"""The long form: `make chaos SEEDS=200 SEED=1`."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from verification.fault_injection.faults import PARAMS, WEATHER, Ending, check, play

WORKERS = 2
"""Clouds at a time."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m verification.fault_injection", description=__doc__
    )
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    print(WEATHER)
    examples = list(PARAMS)
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    sweeps = dict.fromkeys(examples, 0)
    with ProcessPoolExecutor(WORKERS) as pool:
        calm = dict(zip(examples, pool.map(_calm, examples), strict=True))
        drawn = [examples[seed % len(examples)] for seed in seeds]
        endings = pool.map(_stormy, drawn, seeds, (calm[example] for example in drawn))
        for example, seed, (count, problem) in zip(drawn, seeds, endings, strict=True):
            if problem:
                print(f"seed {seed}, {example}: {problem}", file=sys.stderr)
                print(f"play it again: make chaos SEED={seed} SEEDS=1", file=sys.stderr)
                return 1
            sweeps[example] += count
            if sys.stderr.isatty():
                print(f"\r{seed - arguments.seed + 1}/{len(seeds)}", end="", file=sys.stderr)
    for example in examples:
        print(f"  {example:15} {drawn.count(example):3} runs, {sweeps[example]:4} sweeps")
    seconds = time.monotonic() - began
    last = seeds[-1]
    print(f"{len(seeds)} runs, seeds {seeds[0]} to {last}: all end right ({seconds:.0f} s)")
    return 0


def _calm(example: str) -> Ending:
    return play(example, None)


def _stormy(example: str, seed: int, calm: Ending) -> tuple[int, str]:
    """How many sweeps it took, and what was wrong."""
    try:
        ending = play(example, seed)
        check(calm, ending)
    except Exception as error:  # noqa: BLE001  # told by the parent, with its seed
        return 0, f"{type(error).__name__}: {error}"
    return ending.sweeps, ""


if __name__ == "__main__":
    sys.exit(main())
