"""A server in a process and a session of its own: whatever ends, no job is left behind.

The process that the user started stays in the terminal, and passes on what ends it. If it is
killed, a pipe ends and the server stops. If the server is killed, its guard ends its session.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from batch_local.processes.guard import guarded

NAP_S = 0.2
"""Seconds: a signal is only seen by a main thread that is not asleep in a lock."""


def run_in_session(serve: Callable[[Callable[[], None]], int]) -> int:
    """The exit code of `serve`, which runs in the other process.

    Args:
        serve: is given a function that waits until the server is to stop.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        os._exit(_serve(serve, reader))
    os.close(reader)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # a shell's `&`, nohup: on purpose
            signal.signal(number, lambda *_: _stop(pid))
    _, status = os.waitpid(pid, 0)
    os.close(writer)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _stop(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def _serve(serve: Callable[[Callable[[], None]], int], reader: int) -> int:
    os.setsid()
    end = threading.Event()
    is_broken = threading.Event()

    def thread_died(arguments: threading.ExceptHookArgs) -> None:
        """A server without one of its threads would answer, and never go on."""
        threading.__excepthook__(arguments)
        is_broken.set()
        end.set()

    def wait() -> None:
        while not end.wait(timeout=NAP_S):
            pass

    def watch_starter() -> None:
        os.read(reader, 1)
        end.set()

    # jobs would inherit SIG_IGN, but no handler
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGHUP, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    threading.excepthook = thread_died
    guard = guarded()
    threading.Thread(target=watch_starter, daemon=True).start()
    try:
        code = serve(wait)
    finally:
        guard.kill()
        sys.stdout.flush()
    return 1 if is_broken.is_set() else code
