"""Ends what a cloud started when the cloud itself was killed: `kill -9` lets it do nothing.

It is a process of its own, run as a script, that reads from a pipe which only the cloud can write
to. The pipe ends with the cloud. Jobs and Lambda workers have groups of their own but stay in the
cloud's session, so nothing has to be reported of them, and a job costs nothing more. A program
that calls setsid() leaves it, as it leaves the group that a job's end takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from signal import SIG_IGN, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, signal

SCAN_S = 0.02
"""Seconds between two looks: a process that was just forked may not be listed yet."""


def guarded() -> subprocess.Popen[bytes]:
    """Start the guard of this process's session; end it with `kill` when nothing is left."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,  # not the cloud's, which may be killed as a whole
    )


def end_session() -> None:
    """Kill every other process of this one's session."""
    handled_pids = {os.getpid()}
    while pids := members(os.getsid(0)) - handled_pids:
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, SIGKILL)
        handled_pids |= pids
        time.sleep(SCAN_S)


def members(session: int) -> set[int]:
    """The processes of a session."""
    pids = set()
    for pid in _processes():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == session:
                pids.add(pid)
    return pids


def _processes() -> list[int]:
    if Path("/proc/self").exists():
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    process_list = subprocess.run(["/bin/ps", "-A", "-o", "pid="], capture_output=True, check=True)
    return [int(pid) for pid in process_list.stdout.split()]


def main() -> None:
    """Wait for the cloud's end."""
    for number in (SIGHUP, SIGINT, SIGQUIT, SIGTERM):
        signal(number, SIG_IGN)
    sys.stdin.buffer.read()
    end_session()


if __name__ == "__main__":
    main()
