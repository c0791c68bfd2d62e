"""The short form of `python -m verification.report.large`, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.stack import ROOT

CHILDREN = 60_000
"""More than have a row each; a million take a minute or more."""

MEMORY_MIB_MAX = 100
"""A million take about 130 MiB; here most is Python and the modules."""


def test_a_report_of_more_children_than_have_cells_is_small_and_takes_little_memory() -> None:
    command = [sys.executable, "-m", "verification.report.large", str(CHILDREN)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    match = re.fullmatch(
        r"60,000 children, 600 failed: page ([\d,]+) bytes, document ([\d,]+) bytes, "
        r"process (\d+) MiB\n",
        done.stdout,
    )
    assert match is not None, done.stdout
    page, document, memory_mib = (int(group.replace(",", "")) for group in match.groups())
    assert page < 300_000
    assert document < 1_000_000
    assert memory_mib < MEMORY_MIB_MAX
