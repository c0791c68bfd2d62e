"""Runs a command to its end: its log as it comes, what it took; and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass

from batchrelay_cli.spin.command import Command

STOP_S = 3.0
"""Seconds between SIGTERM and SIGKILL, as for the jobs of `run`."""

RSS_UNIT = 1 if sys.platform == "darwin" else 1_024
"""Bytes of ru_maxrss. Source: getrusage(2)."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of a process."""

    exit_code: int
    """128 + n if signal n ended it."""
    seconds: float
    memory_bytes: int
    """The most that one process of it had in memory."""


def run_command(command: Command, write: Callable[[str], None]) -> Ended:
    """Run it; `write` is given each line of its output.

    However this is left, no process of it is, and no empty folder.

    Raises: OSError, if it cannot be started.
    """
    with _folder(command) as folder:
        process = _Process(command, folder)
        try:
            for line in process.output:
                write(line.decode(errors="replace").rstrip("\n"))
            process.wait()
        finally:
            process.end()
    return process.ended()


def _folder(command: Command) -> AbstractContextManager[str]:
    if command.directory is not None:
        return nullcontext(command.directory)
    return tempfile.TemporaryDirectory(prefix="batchrelay-spin-", ignore_cleanup_errors=True)


class _Process:
    """A process in a group of its own. A thread waits for it: when it ends, so does its group, as
    with a container; else what it left running would keep its output open."""

    def __init__(self, command: Command, folder: str) -> None:
        self._command = command
        self._began = time.monotonic()
        self._status = 0
        self._memory_bytes = 0
        self._seconds = 0.0
        self._process = subprocess.Popen(
            command.argv,
            env=command.environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        assert self._process.stdout is not None
        self.output = self._process.stdout
        self._waiter = threading.Thread(target=self._wait, name="spin-waiter", daemon=True)
        self._waiter.start()

    def wait(self) -> None:
        """Until it has ended."""
        self._waiter.join()

    def end(self) -> None:
        """End it, if it runs: SIGTERM first."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._waiter.is_alive():
                self._signal(number)
                self._waiter.join(STOP_S)
        self.output.close()
        if self._command.container:  # its engine may have been killed, and it not
            subprocess.run(
                [self._command.argv[0], "rm", "--force", self._command.container],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )

    def ended(self) -> Ended:
        """What became of it."""
        code = os.waitstatus_to_exitcode(self._status)
        return Ended(
            exit_code=code if code >= 0 else 128 - code,
            seconds=self._seconds,
            memory_bytes=self._memory_bytes,
        )

    def _wait(self) -> None:
        _, self._status, usage = os.wait4(self._process.pid, 0)
        self._seconds = time.monotonic() - self._began
        self._memory_bytes = usage.ru_maxrss * RSS_UNIT
        self._process.returncode = os.waitstatus_to_exitcode(self._status)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
