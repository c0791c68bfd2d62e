"""The tutorial, how to bring a container, and the FASTQ samples, followed to the letter."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.stack import ROOT

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
FIND_RUN = "RUN=$(batchrelay runs squares --output json | grep -o 'k[0-9a-f]\\{24\\}')"


def commands(page: str) -> list[str]:
    """What stands behind `$ `, here-documents included; not what is printed."""
    scripts: list[str] = []
    for block in BLOCK.findall(page):
        end = ""
        for line in block.splitlines():
            if line.startswith("$ "):
                scripts.append(line[2:])
                end = "END" if "<<'END'" in line else ""
            elif end:
                scripts[-1] += f"\n{line}"
                end = "" if line == end else end
    return scripts


def test_a_container_is_brought_as_the_page_says(tmp_path: Path) -> None:
    path = f'export PATH="{ROOT}/.venv/bin:$PATH"'
    page = (ROOT / "docs/how-to/bring-your-container.md").read_text()
    script = "\n".join(["set -e", path, *commands(page)])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("process      SUCCEEDED  3/3") == 1
    assert (tmp_path / "own/out/count/a.count").read_text().strip() == "3"


def test_samples_are_aligned_and_merged_as_the_page_says(tmp_path: Path) -> None:
    path = f'export PATH="{ROOT}/.venv/bin:$PATH"'
    page = (ROOT / "docs/how-to/fastq-samples.md").read_text()
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -e", path, *commands(page)])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [table] = (tmp_path / "fastq/out/merge").glob("*.tsv")
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    assert rows[1:] == [
        ["S01", "treated", "3", "2"],
        ["S02", "control", "2", "1"],
        ["S03", "control", "1", "0"],
    ]
    failure = "".join(done.stdout.splitlines(keepends=True)[-6:]) + done.stderr
    assert 'child 1 of 3 (item {"sample": "S02"' in failure
    assert "not in gzip format" in failure
    assert "needs align, which is FAILED" in done.stdout


def test_every_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    script = ["set -e", 'export PATH="$PWD/.venv/bin:$PATH"']
    for command in commands((ROOT / "docs/tutorial.md").read_text()):
        if command == "make run":  # has a test of its own, and `make` made this environment
            continue
        script.append(re.sub(r"\bRUN\b", "$RUN", command))
        if command.startswith("batchrelay start"):
            script.append(FIND_RUN)
    assert len(script) > 12
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for text in (
        "pipeline.yaml: 3 steps, no errors",
        "the sum of 4 squares is 86",
        "pipeline squares: new",
        "squares version 1, run k",
        "sum: SUCCEEDED",
        "5 squared is 25",
    ):
        assert text in done.stdout
    [result] = tmp_path.glob("*/out/sum/sum.json")
    assert result.read_text() == "86"
