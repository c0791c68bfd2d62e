"""A command in a session of its own, and the end of everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "PEERS_RUN"
"""A variable that every process of a run inherits: what left its session is known by it too."""
STOP_S_MAX, KILL_S_MAX, NAP_S = 8.0, 5.0, 0.05
LOG_BYTES_SHOWN = 1_500


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    seconds: float
    exit_code: int | None
    """None if the time limit ended it."""
    last_lines: str


def run(
    command: list[str], folder: Path, environment: dict[str, str], limit_s: float, log: Path
) -> Ended:
    """Run a command to its end or to the limit; no process of it is left, whatever happens."""
    mark = str(folder)
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        exit_code: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                exit_code = process.wait(limit_s)
            seconds = time.perf_counter() - began
        finally:
            _stop(process, mark)
    text = log.read_bytes()[-LOG_BYTES_SHOWN:].decode("utf-8", "replace").strip()
    return Ended(seconds=seconds, exit_code=exit_code, last_lines=text)


def _stop(process: subprocess.Popen[bytes], mark: str) -> None:
    """Ask once, then kill until there is no more."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S_MAX)
    give_up = time.monotonic() + KILL_S_MAX
    while pids := [*_marked(mark)]:
        if time.monotonic() > give_up:
            raise RuntimeError(f"processes that do not end: {pids}")
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.poll()
        time.sleep(NAP_S)


def _marked(mark: str) -> Iterator[int]:
    """Processes that have the mark in their environment."""
    entry = f"{MARK}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if entry in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)
