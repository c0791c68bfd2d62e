"""Ctrl-C at any time is one word and 130, however little of the program was there by then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stack import ROOT

SCRIPT = "import sys; from batchrelay_cli.__main__ import main; sys.exit(main())"
"""What an installed console script is."""

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
"""Ctrl-C, `kill`, and the end of a terminal or of an ssh connection."""


def started(folder: Path, *words: str, stdin: int | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        stdin=stdin,
    )


def slow_module(folder: Path, name: str) -> None:
    """A library that takes long to import, and says when it begins."""
    (folder / f"{name}.py").write_text(
        "print('importing', flush=True); import time; time.sleep(60)"
    )


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("library", ["click", "yaml", "boto3"])
@pytest.mark.parametrize("words", [("-m", "batchrelay_cli"), ("-c", SCRIPT)])
def test_an_interrupt_within_an_import_is_no_traceback(
    tmp_path: Path, number: signal.Signals, library: str, words: tuple[str, ...]
) -> None:
    slow_module(tmp_path, library)
    process = started(tmp_path, *words, "deploy")
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(number)
    _, stderr = process.communicate(timeout=10)
    assert (process.returncode, stderr) == (130, "interrupted\n")


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_at_any_time_is_no_traceback(tmp_path: Path, number: signal.Signals) -> None:
    """From the first bytecode of ours on, to a verb that waits for its input."""
    code = f"print('up', flush=True); {SCRIPT}"
    for tenths in range(8):
        process = started(tmp_path, "-c", code, "plan", "/dev/stdin", stdin=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        time.sleep(0.02 + tenths / 10)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=10)
        assert "Traceback" not in stderr, f"after {tenths} tenths of a second: {stderr}"
        assert process.returncode in (130, 2), stderr
        assert (process.returncode == 2) == ("interrupted" not in stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_shell_or_nohup_that_ignores_a_signal_is_obeyed(
    tmp_path: Path, number: signal.Signals
) -> None:
    slow_module(tmp_path, "click")
    ignores = f"import signal; signal.signal({int(number)}, signal.SIG_IGN); {SCRIPT}"
    process = started(tmp_path, "-c", ignores, "runs")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 130


def test_the_console_script_is_the_one_that_was_tried() -> None:
    assert 'batchrelay = "batchrelay_cli.__main__:main"' in (ROOT / "pyproject.toml").read_text()
