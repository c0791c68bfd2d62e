"""A local cloud that was killed: one sentence within seconds, wherever the program was."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.shell_pipelines import BATCHRELAY, pipeline, shell
from tests.functional.local_cloud.processes import descendants, wait_until

pytestmark = pytest.mark.cloud

SENTENCE = "batchrelay: the local cloud ended unexpectedly; its last log line: "


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program; what it prints goes to files, so that it never waits for a reader."""
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen([*BATCHRELAY, *arguments], stdout=out, stderr=err, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def cloud_of(process: subprocess.Popen[str]) -> int | None:
    """The process that it started, by its name."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if (
                    parent == process.pid
                    and b"batchrelay_local" in (entry / "cmdline").read_bytes()
                ):
                    return int(entry.name)
            except OSError:
                continue
    return None


def assert_ends(folder: Path, process: subprocess.Popen[str], until: Callable[[], bool]) -> None:
    """Kill the cloud once something is the case; see the program end."""
    wait_until(until, 30)
    cloud = cloud_of(process)
    assert cloud is not None
    os.kill(cloud, signal.SIGKILL)
    began = time.monotonic()
    assert process.wait(timeout=10) == 1
    assert time.monotonic() - began < 3
    shown = (folder / "err").read_text()
    assert SENTENCE in shown
    assert "Traceback" not in shown
    wait_until(lambda: descendants(cloud) == [], 3)


def printed(folder: Path, text: str) -> Callable[[], bool]:
    return lambda: text in (folder / "out").read_text()


@pytest.mark.parametrize(
    ("script", "text", "options"),
    [
        ("sleep 60", "local cloud at", []),
        ("sleep 60", "run ", []),
        ("sleep 60", "1 running", []),
        ("true", "the cloud stays up", ["--keep"]),
    ],
    ids=["prepare", "start", "play", "keep"],
)
def test_run_says_that_its_cloud_is_gone(
    tmp_path: Path, script: str, text: str, options: list[str]
) -> None:
    file = pipeline(tmp_path, steps=[{"jobName": "a", "containerOverrides": shell(script)}])
    with started(tmp_path, "run", file, *options) as process:
        assert_ends(tmp_path, process, printed(tmp_path, text))


def test_run_says_so_while_it_uploads(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(2_000):
        (tmp_path / "many" / str(number)).write_text("x")
    file = pipeline(
        tmp_path,
        params={"source": {"type": "s3uri"}},
        steps=[{"jobName": "a", "containerOverrides": shell("true")}],
    )
    with started(tmp_path, "run", file, "--param", f"source={tmp_path / 'many'}") as process:
        begun = time.monotonic()
        started_here = printed(tmp_path, "local cloud at")

        def uploads() -> bool:
            """Half a second after the cloud was there: 2,000 files take several."""
            nonlocal begun
            if not started_here():
                begun = time.monotonic()
            return time.monotonic() - begun > 0.5

        assert_ends(tmp_path, process, uploads)
        assert "uploaded" not in (tmp_path / "out").read_text()


def test_a_cloud_that_stays_says_that_it_is_gone(tmp_path: Path) -> None:
    with started(tmp_path, "local", "up", "--only", "batch") as process:
        assert_ends(tmp_path, process, printed(tmp_path, "# Ctrl-C ends it"))
