"""What `make bench-peers` does with processes, with the runner that needs no package."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from batchrelay_cli.pipeline_file.read import read
from benchmarks.peers import processes
from benchmarks.peers.__main__ import QUICK, chosen
from benchmarks.peers.batchrelay.pipeline import write_pipeline
from benchmarks.peers.results import Outcome
from benchmarks.peers.rounds import play
from benchmarks.peers.runners import SPAWN_LOOP
from benchmarks.peers.work import Work

LEAVES_ITS_SESSION = """
import subprocess, time
process = subprocess.Popen(["sleep", "60"], start_new_session=True)
print(process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("work", QUICK, ids=str)
def test_the_spawn_loop_does_each_work(work: Work) -> None:
    [runner] = chosen([SPAWN_LOOP])
    outcome, seconds, reason = play(runner, work, 30)
    assert (outcome, reason) == (Outcome.VERIFIED, "")
    assert 0 < seconds < 30


@pytest.mark.parametrize("work", QUICK, ids=str)
def test_the_pipeline_of_each_work_is_right(tmp_path: Path, work: Work) -> None:
    assert read(write_pipeline(work, tmp_path, 1)).pipeline.steps


def test_the_limit_ends_what_left_its_session_too(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEAVES_ITS_SESSION]
    ended = processes.run(command, tmp_path, {}, 1, tmp_path / "log")
    assert ended.exit_code is None
    deadline = time.monotonic() + 5
    status = Path(f"/proc/{int(ended.last_lines)}/stat")
    while status.exists() and ") Z " not in status.read_text():
        assert time.monotonic() < deadline, "it runs on"
        time.sleep(0.05)
