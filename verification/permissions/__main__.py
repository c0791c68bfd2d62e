"""Records all that the functions call, and writes the table: `make verify-permissions`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.stack import ROOT
from verification.crash_matrix.machine import machine
from verification.crash_matrix.matrix import undisturbed
from verification.permissions import seen
from verification.permissions.check import Needs, Roles
from verification.permissions.page import PAGE, with_tables
from verification.permissions.recording import Recording

TESTS = ("tests/e2e", "tests/functional")


def main() -> int:
    """1 if a role allows too little or too much; the page is written all the same."""
    parser = argparse.ArgumentParser(prog="python -m verification.permissions", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="write the table of what is recorded")
    parser.add_argument("--more", nargs="+", help="add what these tests call", metavar="TEST")
    options = parser.parse_args()
    if options.more:
        seen.write(seen.read() + _of_tests(options.more))
    elif not options.keep:
        seen.write(_of_tests(TESTS) + _of_scenarios())
    needs = seen.read()
    PAGE.write_text(with_tables(PAGE.read_text(), needs))
    roles = Roles()
    problems = [*roles.refused(needs), *roles.unused(needs), *roles.stale_reasons(needs)]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{needs.total():,} calls; {len(problems)} problems")
    return 1 if problems else 0


def _of_tests(tests: Iterable[str]) -> Needs:
    """Raises: CalledProcessError if one fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seen.json"
        command = [sys.executable, "-m", "pytest", "-m", "cloud", "-n", "2", *tests]
        environment = {**os.environ, "BATCHRELAY_SEEN_CALLS": str(file)}
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        return seen.read(file)


def _of_scenarios() -> Needs:
    """Of the crash matrix, which no crash disturbs."""
    recording = Recording()
    try:
        with machine() as on:
            undisturbed(on)
        return Counter(recording.needs())
    finally:
        recording.end()


if __name__ == "__main__":
    sys.exit(main())
