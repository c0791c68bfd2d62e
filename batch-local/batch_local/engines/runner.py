"""Containers: created, started, watched, signalled. It knows no job, only tickets.

Each container has a thread that waits for the engine; all callbacks come from the one thread of the
runner, as those of ProcessRunner do.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from signal import SIGKILL, SIGTERM, Signals

from batch_local.engines.container import volume_names
from batch_local.engines.engine import Engine
from batch_local.errors import EngineError
from batch_local.running import OUT_OF_MEMORY, STOP_S, Command

_STOPPED = "CannotStartContainerError: it was stopped before it started"


@dataclass(slots=True, eq=False)
class _Container:
    """One that was asked for. Only the runner's thread changes it, but for its id."""

    command: Command
    id: str = ""
    has_started: bool = False
    stop: Signals | None = None
    """The last signal that it is to have."""


class EngineRunner:
    """Runs containers. The callbacks are those of ProcessRunner.

    Args:
        on_exit: the exit code and the reason, if there is one; no code, if the engine was lost.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        on_start: Callable[[Hashable], None],
        on_start_failed: Callable[[Hashable, str], None],
        on_exit: Callable[[Hashable, int | None, str | None], None],
        on_tick: Callable[[], float | None],
    ) -> None:
        self._engine = engine
        self._on_start = on_start
        self._on_start_failed = on_start_failed
        self._on_exit = on_exit
        self._on_tick = on_tick
        self._containers: dict[Hashable, _Container] = {}
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="batch-engine", daemon=True)
        self._thread.start()

    def run(self, command: Command) -> None:
        """Start a container soon; from any thread."""
        self._inbox.put(lambda: self._launch(command))

    def signal(self, ticket: Hashable, number: Signals) -> None:
        """Signal a container soon; from any thread."""
        container = self._containers.get(ticket)
        if container is not None:
            container.stop = number  # at once: its pull may end before the runner's turn
        self._inbox.put(lambda: self._signal(ticket, number))

    def pid_of(self, _ticket: Hashable) -> None:
        """A container's process is the engine's affair."""

    def resident_bytes(self) -> dict[Hashable, int]:
        """The engine limits memory itself."""
        return {}

    def stop(self, *, immediately: bool) -> None:
        """End and remove every container, and the thread."""
        self._stopping = True
        self._inbox.put(lambda: self._signal_all(SIGKILL if immediately else SIGTERM))
        self._thread.join(timeout=STOP_S)
        if self._thread.is_alive():
            self._inbox.put(lambda: self._signal_all(SIGKILL))
            self._thread.join(timeout=STOP_S)

    # --- in the runner's thread

    def _loop(self) -> None:
        wait: float | None = None
        while not (self._stopping and not self._containers and self._inbox.empty()):
            with suppress(queue.Empty):
                self._inbox.get(timeout=wait)()
                while True:
                    self._inbox.get_nowait()()
            wait = self._on_tick()

    def _launch(self, command: Command) -> None:
        if self._stopping:
            return
        container = self._containers[command.ticket] = _Container(command)
        threading.Thread(
            target=self._live, args=(container,), name="batch-container", daemon=True
        ).start()

    def _started(self, container: _Container) -> None:
        container.has_started = True
        self._on_start(container.command.ticket)
        if container.stop is not None:
            self._signal(container.command.ticket, container.stop)

    def _failed(self, container: _Container, reason: str) -> None:
        del self._containers[container.command.ticket]
        self._on_start_failed(container.command.ticket, reason)

    def _ended(self, container: _Container, code: int | None, reason: str | None) -> None:
        del self._containers[container.command.ticket]
        self._on_exit(container.command.ticket, code, reason)

    def _signal(self, ticket: Hashable, number: Signals) -> None:
        container = self._containers.get(ticket)
        if container is None:
            return
        container.stop = number
        if container.has_started:
            with suppress(EngineError):  # it has ended
                self._engine.kill(container.id, number.name)

    def _signal_all(self, number: Signals) -> None:
        for ticket in tuple(self._containers):
            self._signal(ticket, number)

    # --- in the thread of a container

    def _live(self, container: _Container) -> None:
        try:
            container.id = self._engine.create(container.command.body)
            if container.stop is not None:
                raise EngineError(_STOPPED)  # noqa: TRY301  # as the engine's own refusals
            self._engine.start(container.id)
        except EngineError as error:
            self._clear(container)
            self._inbox.put(partial(self._failed, container, str(error)))
            return
        self._inbox.put(partial(self._started, container))
        code, reason = self._end_of(container)
        self._clear(container)
        self._inbox.put(partial(self._ended, container, code, reason))

    def _end_of(self, container: _Container) -> tuple[int | None, str | None]:
        try:
            self._engine.copy_log(container.id, container.command.output)
            code, is_out_of_memory = self._engine.wait(container.id)
        except EngineError as error:
            return None, f"CannotInspectContainerError: {error}"
        return code, OUT_OF_MEMORY if is_out_of_memory else None

    def _clear(self, container: _Container) -> None:
        """Remove what was made for it; the last container of a task takes its volumes."""
        if not container.id:
            return
        with suppress(EngineError):
            self._engine.remove(container.id)
        for name in volume_names(container.command.body):
            with suppress(EngineError):
                self._engine.remove_volume(name)
