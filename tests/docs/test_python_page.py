"""The page for Python, followed to the letter: its pipeline, its program, what that prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import ROOT

PAGE = (ROOT / "docs/how-to/use-from-python.md").read_text()


def block(kind: str) -> str:
    """The only one of its kind."""
    [text] = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


@pytest.mark.cloud
@pytest.mark.usefixtures("stays")
def test_the_program_of_the_page_prints_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "limits.yaml").write_text(block("yaml"))
    done = subprocess.run(
        [sys.executable, "-c", block("python")],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == block("text")
