"""The README's examples run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from programs import up

README = (Path(__file__).parents[1] / "README.md").read_text()
TEST, PROGRAM = re.findall(r"^```python\n(.+?)^```", README, re.MULTILINE | re.DOTALL)
[OUTPUT] = re.findall(r"^```text\n(.+?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    options
    for options in re.findall(r"^\$ batch-local up(.*)$", README, re.MULTILINE)
    if "--engine" not in options  # there is no engine here
]

pytestmark = pytest.mark.cloud


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_test_passes(tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(TEST)
    assert "1 passed" in run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider")


def test_the_program_prints_what_stands_there(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    assert run(tmp_path, "program.py") == OUTPUT


@pytest.mark.parametrize("options", COMMANDS)
def test_the_commands_start(options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with up(*shlex.split(options)) as running:
        assert running.environment["AWS_ENDPOINT_URL_BATCH"].startswith("http://127.0.0.1:")
