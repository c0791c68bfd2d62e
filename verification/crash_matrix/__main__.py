"""The whole matrix: `make crashes`."""

from __future__ import annotations

import sys
import time
from collections import Counter

from verification.crash_matrix.machine import machine
from verification.crash_matrix.matrix import cells, check, undisturbed


def main() -> int:
    began = time.monotonic()
    outcomes: Counter[tuple[str, str]] = Counter()
    with machine() as on:
        calm = undisturbed(on)
        every = list(cells(calm))
        killed = 0
        for number, cell in enumerate(every):
            try:
                killed += check(on, cell, calm, f"c{number}")
            except AssertionError as error:
                print(f"{number + 1}/{len(every)} {error}", file=sys.stderr)
                return 1
            outcomes[cell.handler, cell.call] += 1
            if sys.stderr.isatty():
                print(f"\r{number + 1}/{len(every)}", end="", file=sys.stderr)
    print("| handler | AWS call | crashes | each ended as the undisturbed run |")
    print("| --- | --- | --- | --- |")
    for (handler, call), count in sorted(outcomes.items()):
        print(f"| {handler} | {call} | {count} | yes |")
    seconds = time.monotonic() - began
    print(f"\n{len(every)} cells, {killed} processes killed, {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
