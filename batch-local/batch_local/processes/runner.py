"""Processes: started, watched, signalled, all from one thread. It knows no job, only tickets.

On Linux an ended process wakes the thread through its pidfd; elsewhere the few that run are asked
every POLL_S.
"""

from __future__ import annotations

import ctypes
import errno
import os
import queue
import selectors
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from signal import SIGKILL, SIGPIPE, SIGTERM, SIGXFSZ, Signals
from typing import Protocol

from batch_local.processes.memory import tree_bytes
from batch_local.running import STOP_S, Command

POLL_S = 0.01
"""Seconds between two looks at processes that cannot wake us."""

SHOWN_CHARS_MAX = 200
"""Characters of a program's name in a reason."""

CLONE_FS = 0x200
"""Source: unshare(2)."""


class ProcessRunner:
    """Runs commands. The callbacks are called from the runner's thread.

    Args:
        on_start: a ticket's process runs.
        on_start_failed: there is no process; the sentence says why, as a container engine would.
        on_exit: the exit code, and no reason; 128 + n for a process that was ended by signal n.
        on_tick: called now and then; answers how many seconds later it wants to be called again.
    """

    def __init__(
        self,
        *,
        on_start: Callable[[Hashable], None],
        on_start_failed: Callable[[Hashable, str], None],
        on_exit: Callable[[Hashable, int, str | None], None],
        on_tick: Callable[[], float | None],
    ) -> None:
        self._on_start = on_start
        self._on_start_failed = on_start_failed
        self._on_exit = on_exit
        self._on_tick = on_tick
        self._running: dict[Hashable, _Process] = {}
        self._pidfds: dict[int, int] = {}
        """Of what runs, by pid."""
        self._goes_there = False
        """Whether the thread has a working directory of its own."""
        self._programs: dict[tuple[str, str | None], str] = {}
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_r, False)
        os.set_blocking(self._wake_w, False)
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._nothing = os.open(os.devnull, os.O_RDONLY)
        self._stopping = False
        self._must_poll = False
        self._thread = threading.Thread(target=self._loop, name="batch-runner", daemon=True)
        self._thread.start()

    def run(self, command: Command) -> None:
        """Start a command soon; from any thread."""
        self._send(lambda: self._start(command))

    def signal(self, ticket: Hashable, number: Signals) -> None:
        """Signal a process and its descendants soon; from any thread."""
        self._send(lambda: self._signal(ticket, number))

    def pid_of(self, ticket: Hashable) -> int:
        """Of a process that runs. For the runner's own thread."""
        return self._running[ticket].pid

    def resident_bytes(self) -> dict[Hashable, int]:
        """What each process has in memory together with its descendants; nothing where that is
        not to be known. For the runner's own thread."""
        roots = {process.pid: ticket for ticket, process in self._running.items()}
        return {roots[pid]: used for pid, used in tree_bytes(frozenset(roots)).items()}

    def stop(self, *, immediately: bool) -> None:
        """End every process and the thread; none is left when this returns."""
        self._stopping = True
        self._send(lambda: self._signal_all(SIGKILL if immediately else SIGTERM))
        self._thread.join(timeout=STOP_S)
        if self._thread.is_alive():
            self._send(lambda: self._signal_all(SIGKILL))
            self._thread.join(timeout=STOP_S)

    def _send(self, action: Callable[[], None]) -> None:
        self._inbox.put(action)
        if threading.current_thread() is not self._thread:
            with suppress(OSError):  # the pipe is full of wakes, or the thread has ended
                os.write(self._wake_w, b"x")

    def _loop(self) -> None:
        self._goes_there = _own_directory()
        wait: float | None = None
        while not (self._stopping and not self._running and self._inbox.empty()):
            ready = self._selector.select(self._patience(wait))
            if any(key.fd == self._wake_r for key, _ in ready):
                os.read(self._wake_r, 65_536)
            self._reap()
            while not self._inbox.empty():
                self._inbox.get()()
            wait = self._on_tick()
        self._selector.close()
        for descriptor in (self._wake_r, self._wake_w, self._nothing):
            os.close(descriptor)

    def _patience(self, wait: float | None) -> float | None:
        if self._running and self._must_poll:
            return POLL_S if wait is None else min(POLL_S, wait)
        return wait

    def _reap(self) -> None:
        for ticket, process in list(self._running.items()):
            code = process.poll()
            if code is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, SIGKILL)  # as a container's end takes all of it
                self._unwatch(ticket)
                self._on_exit(ticket, code if code >= 0 else 128 - code, None)

    def _start(self, command: Command) -> None:
        if self._stopping:
            return
        try:
            process = self._spawn(command)
        except (OSError, ValueError) as error:  # ValueError: no text for a process
            self._on_start_failed(command.ticket, _why_not(command, error))
            return
        self._running[command.ticket] = process
        self._watch(process)
        self._on_start(command.ticket)

    def _spawn(self, command: Command) -> _Process:
        """posix_spawn takes half the time of Popen, but knows no directory except the thread's."""
        if self._goes_there:
            os.chdir(command.directory)
            return _Spawned(command, self._program(command), stdin=self._nothing)
        return subprocess.Popen(
            command.argv,
            env=command.environment,
            cwd=command.directory,
            stdin=self._nothing,
            stdout=command.output,
            stderr=command.output,
            process_group=0,
        )

    def _program(self, command: Command) -> str:
        """Where an argv[0] is found, as a shell would. Raises: OSError, ValueError."""
        name, path = command.argv[0], command.environment.get("PATH")
        program = self._programs.get((name, path))
        if program is None or not os.access(program, os.X_OK):
            program = self._programs[name, path] = _found(name, path)
        return program

    def _watch(self, process: _Process) -> None:
        try:
            pidfd = os.pidfd_open(process.pid)
        except (AttributeError, OSError):  # not Linux, an old one, or a sandbox
            self._must_poll = True
        else:
            self._selector.register(pidfd, selectors.EVENT_READ)
            self._pidfds[process.pid] = pidfd

    def _unwatch(self, ticket: Hashable) -> None:
        pidfd = self._pidfds.pop(self._running.pop(ticket).pid, None)
        if pidfd is not None:
            self._selector.unregister(pidfd)
            os.close(pidfd)

    def _signal(self, ticket: Hashable, number: Signals) -> None:
        process = self._running.get(ticket)
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def _signal_all(self, number: Signals) -> None:
        for ticket in list(self._running):
            self._signal(ticket, number)


def _own_directory() -> bool:
    """Give this thread a working directory of its own, if this is Linux and no sandbox forbids it.

    posix_spawn starts a process where its thread is.
    """
    try:
        return int(ctypes.CDLL(None).unshare(CLONE_FS)) == 0
    except (OSError, AttributeError):
        return False


class _Process(Protocol):
    """What Popen and `_Spawned` have in common."""

    pid: int

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""


class _Spawned:
    """A process in a group of its own, where this thread is. Raises: OSError, ValueError."""

    def __init__(self, command: Command, program: str, *, stdin: int) -> None:
        streams = ((stdin, 0), (command.output, 1), (command.output, 2))
        self.pid = os.posix_spawn(
            program,
            tuple(command.argv),
            command.environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, ours, its) for ours, its in streams],
            setpgroup=0,
            setsigdef=(SIGPIPE, SIGXFSZ),  # which Python ignores
        )

    def poll(self) -> int | None:
        """As Popen's."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None


def _found(name: str, path: str | None) -> str:
    """The program of a name. Raises: OSError, ValueError: why there is none, as runc says it."""
    program = shutil.which(name, path=path)
    if program is not None:
        return program
    if "/" not in name:
        raise FileNotFoundError(errno.ENOENT, _NOT_ON_PATH)
    is_folder = stat.S_ISDIR(os.stat(name).st_mode)  # noqa: PTH116  # raises what is wrong with it
    raise PermissionError(errno.EACCES, "is a directory" if is_folder else "permission denied")


_NOT_ON_PATH = "executable file not found in $PATH"


def _why_not(command: Command, error: OSError | ValueError) -> str:
    if not os.path.isdir(command.directory):  # noqa: PTH112  # false for any text, Path.is_dir raises
        return f"CannotStartContainerError: no such directory: {command.directory}"
    name = command.argv[0]
    excerpt = name if len(name) <= SHOWN_CHARS_MAX else f"{name[:SHOWN_CHARS_MAX]}…"
    why = error.strerror if isinstance(error, OSError) else str(error)
    if isinstance(error, FileNotFoundError) and "/" not in name:
        why = _NOT_ON_PATH
    return f'CannotStartContainerError: exec: "{excerpt}": {why}'
