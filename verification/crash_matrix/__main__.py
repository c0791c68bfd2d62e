"""The whole matrix: `make verify-crashes`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from verification.crash_matrix.machine import machine
from verification.crash_matrix.matrix import cells, check, undisturbed
from verification.crash_matrix.scenarios import Scenario

PROGRESS_EVERY = 25
"""Cells between two lines of progress, where no terminal shows a counter."""


def main() -> int:
    """Play every cell, or those of some scenarios; 1 at the first that ends otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m verification.crash_matrix", description=__doc__
    )
    names = [scenario.name for scenario in Scenario]
    parser.add_argument("--scenario", action="append", choices=names, help="only this one; again")
    parser.add_argument("--call", default="", help="only crashes at this AWS call, as in the table")
    options = parser.parse_args()
    chosen = [Scenario[name] for name in options.scenario or names]
    began = time.monotonic()
    outcomes: Counter[tuple[str, str]] = Counter()
    with machine() as on:
        expected = undisturbed(on, chosen)
        every = [cell for cell in cells(expected) if options.call in ("", cell.call)]
        killed = 0
        for number, cell in enumerate(every):
            try:
                killed += check(on, cell, expected, f"c{number}")
            except AssertionError as error:
                print(f"{number + 1}/{len(every)} {error}", file=sys.stderr)
                return 1
            outcomes[cell.handler, cell.call] += 1
            _show_progress(number + 1, len(every))
    print("| handler | AWS call | crashes | each ended as the undisturbed run |")
    print("| --- | --- | --- | --- |")
    for (handler, call), count in sorted(outcomes.items()):
        print(f"| {handler} | {call} | {count} | yes |")
    seconds = time.monotonic() - began
    print(f"\n{len(every)} cells, {killed} processes killed, {seconds:.0f} s")
    return 0


def _show_progress(count: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count}/{total}", end="", file=sys.stderr)
    elif count % PROGRESS_EVERY == 0 or count == total:
        print(f"{count}/{total}", file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
