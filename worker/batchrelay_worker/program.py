"""Runs the program for one item: again after a failure, with backoff; SIGTERM is passed on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

from batchrelay_worker.aws import Aws
from batchrelay_worker.errors import StopRequested, WorkerError
from batchrelay_worker.items import Item, arguments, filled, token_in, variables
from batchrelay_worker.usage import Container, program_usage

BACKOFF_MAX_S = 60.0


class Stopping:
    """SIGTERM: it is passed on to the program, and a wait is interrupted once."""

    def __init__(self) -> None:
        self.is_requested = False
        self.process: subprocess.Popen[bytes] | None = None
        self._may_interrupt = False
        self._is_terminated = False

    def listen(self) -> None:
        """Handle SIGTERM from now on."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, *_: Any) -> None:
        self.is_requested = True
        self.terminate_program()
        if self._may_interrupt:
            self._may_interrupt = False
            raise StopRequested

    def terminate_program(self) -> None:
        """Hand the signal on, once."""
        if self.process is not None and not self._is_terminated and self.process.poll() is None:
            self._is_terminated = True
            self.process.send_signal(signal.SIGTERM)

    def check(self) -> None:
        """Go no further. Raises: StopRequested."""
        if self.is_requested:
            raise StopRequested

    def interruptible(self, wait: Any) -> Any:
        """The result of a call that SIGTERM interrupts. Raises: StopRequested."""
        self._may_interrupt = True
        try:
            self.check()
            return wait()
        finally:
            self._may_interrupt = False


def refuse_code(words: list[str]) -> None:
    """Keep an item's values out of the code of a shell or interpreter. Raises: WorkerError."""
    if not any("{item" in word for word in words):
        return
    from batchrelay_worker.code_words import code_words  # 1 ms that few need

    for place, program in code_words(words).items():
        value = token_in(words[place])
        if value:
            raise WorkerError(
                f"{value} is in the code of {program}: what it holds would run as code. Give it as "
                "an argument of its own, or read the variables ITEM_…; `flow: {unsafeShell: true}` "
                "in the pipeline file allows it"
            )


class Program:
    """A command with `{item.…}` in it.

    Args:
        attempts: of one item.
        backoff_s: seconds before the second attempt; twice as many before each further one, and
            a random part of that.
        skip_existing: a pattern of an output's URI; an item whose output is there is done.
    """

    def __init__(
        self,
        words: list[str],
        *,
        attempts: int,
        backoff_s: float,
        skip_existing: str,
        aws: Aws,
        stopping: Stopping,
    ) -> None:
        self._words = words
        self._attempts = attempts
        self._backoff_s = backoff_s
        self._skip_existing = skip_existing
        self._aws = aws
        self._stopping = stopping
        self._container = Container(aws.environment)
        self._oom_kills = self._container.oom_kills()

    def run(self, item: Item) -> dict[str, Any]:
        """What became of an item. Raises: StopRequested, with SIGTERM passed on to the program."""
        self._stopping.check()
        began = time.monotonic()
        try:
            if self._skip_existing and self._aws.exists(filled(self._skip_existing, item)):
                return {"ok": True, "skipped": True, "s": 0.0, "tries": 0}
            command = arguments(self._words, item)
        except WorkerError as error:
            return {"ok": False, "why": str(error), "s": 0.0, "tries": 0}
        environment = {**os.environ, **variables(item)}
        entry: dict[str, Any] = {}
        used: dict[str, Any] = {}
        for attempt in range(1, self._attempts + 1):
            if attempt > 1:
                wait = min(BACKOFF_MAX_S, self._backoff_s * 2 ** (attempt - 2))
                from random import uniform  # 3 ms that few need

                wait = uniform(wait / 2, wait)  # noqa: S311  # jitter, no secret
                self._stopping.interruptible(lambda seconds=wait: time.sleep(seconds))
            entry, latest = self._once(command, environment)
            used = _together(used, latest)
            entry.update({"s": round(time.monotonic() - began, 3), "tries": attempt, **used})
            if entry["ok"]:
                break
        return entry

    def _once(
        self, command: list[str], environment: dict[str, str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """How the program ended, and what it used."""
        sys.stdout.flush()
        try:
            process = subprocess.Popen(command, env=environment)
        except (OSError, ValueError) as error:
            return {"ok": False, "code": 127, "why": f"{command[0]}: {error}"}, {}
        self._stopping.process = process
        try:
            code, used = self._stopping.interruptible(lambda: _ended(process))
        except StopRequested:  # it may have come before the process was known
            self._stopping.terminate_program()
            raise
        self._stopping.process = None
        if code == 0:
            return {"ok": True, "code": 0}, used
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        entry = {"ok": False, "code": code if code > 0 else 128 - code, "why": why}
        if code == -signal.SIGKILL and self._is_out_of_memory():
            entry.update({"why": f"{why}: out of memory", "oom": True})
        return entry, used

    def _is_out_of_memory(self) -> bool:
        """Whether the container has killed a process for want of memory since the last look."""
        before, self._oom_kills = self._oom_kills, self._container.oom_kills()
        return before is not None and (self._oom_kills or 0) > before

    def wait(self) -> None:
        """Wait for the program to end after SIGTERM."""
        if self._stopping.process is not None:
            self._stopping.process.wait()


def _ended(process: subprocess.Popen[bytes]) -> tuple[int, dict[str, Any]]:
    """The program's exit code as Popen has it, once it has ended, and what it used."""
    try:
        _, status, used = os.wait4(process.pid, 0)
    except ChildProcessError:  # something else waited for it: Popen knows what to make of that
        return process.wait(), {}
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    process.returncode = code
    return code, program_usage(used)


def _together(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """What two tries of an item used: the larger memory, and both times."""
    both = {**first, **second}
    if "rss" in first and "rss" in second:
        both["rss"] = max(first["rss"], second["rss"])
    if "cpu" in first and "cpu" in second:
        both["cpu"] = round(first["cpu"] + second["cpu"], 3)
    return both
