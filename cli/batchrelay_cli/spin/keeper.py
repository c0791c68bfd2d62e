"""Starts a program, measures it, and ends its group: run as a script, between spin and the program.

It is small, and that is the point. The kernel counts to a process the memory of the one that
started it, until its own is more: of a program that `batchrelay` itself starts, the peak is at
least that of `batchrelay`. And it outlives spin: standard input is a pipe from spin, whose end,
also by `kill -9`, ends the program.

The answer, into another pipe, is `ended STATUS RSS`, as wait4(2) has them, or `failed ERRNO`.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` makes enums of it: memory
import _thread  # `threading` is larger
import os
import sys
import time
from contextlib import suppress

STDIN = 0


def main(answers: int, stop_s: float, argv: list[str]) -> None:
    """Run the program to its end."""
    os.set_inheritable(answers, False)
    try:
        pid = os.posix_spawnp(
            argv[0],
            argv,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, STDIN, os.devnull, os.O_RDONLY, 0)],
            setpgroup=0,
            setsigdef=[_signal.SIGPIPE, _signal.SIGXFSZ],  # Python ignores both
        )
    except OSError as error:
        os.write(answers, f"failed {error.errno}".encode())
        return
    _thread.start_new_thread(_end_with_spin, (pid, stop_s))
    _, status, used = os.wait4(pid, 0)
    _kill(pid, _signal.SIGKILL)
    os.write(answers, f"ended {status} {used.ru_maxrss}".encode())


def _end_with_spin(pid: int, stop_s: float) -> None:
    os.read(STDIN, 1)  # spin writes nothing: this is its end
    _kill(pid, _signal.SIGTERM)
    time.sleep(stop_s)
    _kill(pid, _signal.SIGKILL)


def _kill(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
    os._exit(0)
