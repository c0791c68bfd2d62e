"""Processes of Lambda workers, as `subprocess` would start them, from Python's fork server."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import IO, Any

RUNTIME = "batchrelay_local.lambda_runtime"
"""What the fork server imports."""

_FORKS = multiprocessing.get_context("forkserver")


def begin() -> bool:
    """Start the fork server, which imports meanwhile; False where there can be none."""
    _FORKS.set_forkserver_preload([RUNTIME])
    try:
        forkserver.ensure_running()
    except OSError:  # the path of the temporary folder is too long for a socket
        return False
    return True


def _run(*arguments: Any) -> None:
    """In the fork, where it was imported already; here it would be imported in vain."""
    from batchrelay_local import lambda_runtime

    lambda_runtime.run(*arguments)


class ForkedProcess:
    """A worker's process: what MiniStack asks of a `subprocess.Popen` with pipes of text.

    Args:
        program: what it runs, in Python.
        folder: where it begins.
        variables: its environment.
    """

    def __init__(self, program: str, folder: str, variables: Mapping[str, str]) -> None:
        into, stdin = _FORKS.Pipe(duplex=False)
        stdout, out = _FORKS.Pipe(duplex=False)
        stderr, error = _FORKS.Pipe(duplex=False)
        pipes = (into, out, error)
        arguments = (program, folder, dict(variables), pipes)
        self._process = _FORKS.Process(target=_run, args=arguments, daemon=True)
        self.stdin, self.stdout, self.stderr = _file(stdin, "w"), _file(stdout), _file(stderr)
        try:
            self._process.start()
        finally:
            for pipe in pipes:
                pipe.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(RUNTIME, timeout or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def communicate(self) -> None:
        """Close the pipes, and wait for its end."""
        for file in (self.stdin, self.stdout, self.stderr):
            with suppress(OSError):  # it has ended, and what was not written yet is lost
                file.close()
        self.wait()


def _file(pipe: Connection, mode: str = "r") -> IO[str]:
    """The end of a pipe that stays here, as a file of lines."""
    file: IO[str] = os.fdopen(os.dup(pipe.fileno()), mode, buffering=1)
    pipe.close()
    return file
