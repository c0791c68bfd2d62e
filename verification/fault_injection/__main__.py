"""The long form: `make verify-faults SEEDS=200 SEED=1`."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from verification.fault_injection.faults import FAULT_PROFILE, PARAMS, Ending, check, play

WORKERS = 2
"""Clouds at a time."""

PROGRESS_EVERY = 10
"""Runs between two lines of progress, where no terminal shows a counter."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m verification.fault_injection", description=__doc__
    )
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    print(FAULT_PROFILE)
    examples = list(PARAMS)
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    reconciliations = dict.fromkeys(examples, 0)
    with ProcessPoolExecutor(WORKERS) as pool:
        undisturbed = dict(zip(examples, pool.map(_undisturbed, examples), strict=True))
        drawn = [examples[seed % len(examples)] for seed in seeds]
        endings = pool.map(_faulty, drawn, seeds, (undisturbed[example] for example in drawn))
        for example, seed, (count, problem) in zip(drawn, seeds, endings, strict=True):
            if problem:
                print(f"seed {seed}, {example}: {problem}", file=sys.stderr)
                print(f"play it again: make verify-faults SEED={seed} SEEDS=1", file=sys.stderr)
                return 1
            reconciliations[example] += count
            _show_progress(seed - arguments.seed + 1, len(seeds))
    for example in examples:
        count = reconciliations[example]
        print(f"  {example:15} {drawn.count(example):3} runs, {count:4} reconciliations")
    seconds = time.monotonic() - began
    last = seeds[-1]
    print(f"{len(seeds)} runs, seeds {seeds[0]} to {last}: all end right ({seconds:.0f} s)")
    return 0


def _show_progress(count: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count}/{total}", end="", file=sys.stderr)
    elif count % PROGRESS_EVERY == 0 or count == total:
        print(f"{count}/{total}", file=sys.stderr)


def _undisturbed(example: str) -> Ending:
    return play(example, None)


def _faulty(example: str, seed: int, undisturbed: Ending) -> tuple[int, str]:
    """How many reconciliations it took, and what was wrong."""
    try:
        ending = play(example, seed)
        check(undisturbed, ending)
    except Exception as error:  # noqa: BLE001  # reported by the parent, with its seed
        return 0, f"{type(error).__name__}: {error}"
    return ending.reconciliations, ""


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
