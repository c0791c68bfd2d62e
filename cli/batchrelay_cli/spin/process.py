"""Runs a command to its end: its log as it comes, what it took; and nothing is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from batchrelay_cli.spin.command import Command

KEEPER = str(Path(__file__).with_name("keeper.py"))

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
    """The most that one process of it had in memory; never less than the keeper's own."""


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
    """A process in a group of its own, started by the keeper: when it ends, so does its group, as
    with a container; else what it left running would keep its output open."""

    def __init__(self, command: Command, folder: str) -> None:
        self._command = command
        self._began = time.monotonic()
        self._seconds = 0.0
        self._answer = b""
        reader, writer = os.pipe()
        self._answers = os.fdopen(reader, "rb")
        try:
            self._keeper = subprocess.Popen(
                (sys.executable, "-I", "-S", KEEPER, str(writer), str(STOP_S), *command.argv),
                env=command.environment,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writer,),
                process_group=0,  # Ctrl-C is not for it
            )
        except BaseException:
            self._answers.close()
            raise
        finally:
            os.close(writer)
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._line = self._keeper.stdin
        self.output = self._keeper.stdout
        self._waiter = threading.Thread(target=self._wait, name="spin-waiter", daemon=True)
        self._waiter.start()

    def wait(self) -> None:
        """Until it has ended."""
        self._waiter.join()

    def end(self) -> None:
        """End it, if it runs: SIGTERM first."""
        self._line.close()
        self._waiter.join()
        self.output.close()
        if self._command.container:  # its engine may have been killed, and it not
            subprocess.run(
                [self._command.argv[0], "rm", "--force", self._command.container],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )

    def ended(self) -> Ended:
        """What became of it. Raises: OSError, if it was not started."""
        word, *numbers = self._answer.decode().split() or ["lost"]
        if word == "failed":
            number = int(numbers[0])
            raise OSError(number, os.strerror(number))
        if word == "lost":
            raise OSError("the process that measures it was ended")
        status, rss = map(int, numbers)
        code = os.waitstatus_to_exitcode(status)
        return Ended(
            exit_code=code if code >= 0 else 128 - code,
            seconds=self._seconds,
            memory_bytes=rss * RSS_UNIT,
        )

    def _wait(self) -> None:
        with self._answers:
            self._answer = self._answers.read()
        self._seconds = time.monotonic() - self._began
        self._keeper.wait()
