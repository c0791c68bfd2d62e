"""The cloud's own process: MiniStack with our AWS Batch beside it, and the stack deployed.

It reads one line of JSON from standard input (`CloudOrder`), prints one line of JSON when it is up
({"endpoint", "access_key", "secret", "outputs"} or {"error"}), and ends when its standard input is
closed, so that it never outlives the process that started it. SIGTERM ends it too, and SIGQUIT at
once.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from batch_local import Faults
from batch_local.embedding import (
    DOCUMENTED,
    AccessControl,
    Asgi,
    Assumptions,
    BatchService,
    guarded,
    origins,
)
from batchrelay_local.calls import CallCounter
from batchrelay_local.credentials import CloudCredentials, process_environment
from batchrelay_local.launch import CloudOrder
from batchrelay_local.ministack_functions import MiniStackFunctions
from batchrelay_local.ministack_host import MiniStackHost, routed_service, services
from batchrelay_local.reach import HINTS, Reach
from batchrelay_local.stack import STACK_NAME, StackSource, deploy

OF_EVERY_RUN = ("AnswerApi", "OnJobEvent")
"""The functions that a run from `batchrelay run` needs, in their order."""


class Cloud:
    """Everything that runs in this process."""

    def __init__(self, order: CloudOrder) -> None:
        self._folder = Path(order.folder)
        self._with_stack = order.stack
        self._built_stack = order.built_stack
        self._credentials = CloudCredentials.new()
        self._functions = MiniStackFunctions(forks=order.stack)
        self._services = None if order.open else services(order.services)
        self._host = MiniStackHost(order.port, self._folder, self._services)
        self._counter = CallCounter(self._credentials)
        self._allowed_origins = origins(order.allowed_origins)
        logs = self._folder / "logs"
        logs.mkdir()
        self._batch = BatchService(
            folder=logs,
            environment={**order.job_environment, **self._aws(self._credentials.jobs)},
            publish=self._host.publish,
            is_wanted=self._host.is_wanted,
            faults=Faults.parse(order.chaos) if order.chaos else None,
            assumptions=Assumptions.parse(order.assume) if order.assume else DOCUMENTED,
        )

    def start(self) -> dict[str, Any]:
        """The answer to the starter."""
        os.environ.update(self._aws(self._credentials.user))
        self._host.install_batch(self._batch.handle)
        self._host.install_logs(self._batch.logs)
        self._host.install_schedules()
        self._functions.hasten()
        self._host.start(self._wrap)
        outputs = deploy(self._stack_source()) if self._with_stack else {}
        if self._with_stack:
            self._functions.start_workers([f"{STACK_NAME}-{name}" for name in OF_EVERY_RUN])
        self._host.begin_schedules()
        gc.freeze()  # MiniStack's 100,000 objects stay: to look at them again takes 50 ms
        return {
            "endpoint": self._host.endpoint,
            "access_key": self._credentials.user,
            "secret": self._credentials.secret,
            "outputs": outputs,
        }

    def _stack_source(self) -> StackSource:
        folder = self._built_stack
        return StackSource.built(Path(folder)) if folder else StackSource.find()

    def stop(self, *, immediately: bool) -> None:
        """End every process, close the port, remove every file."""
        self._batch.stop(immediately=immediately)
        if not immediately:
            self._host.stop()
        self._functions.end_workers()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wrap(self, app: Asgi) -> Asgi:
        counter = self._counter.wrap(app)
        if self._services is None:
            return counter
        control = AccessControl(
            lambda key: self._credentials.secret_of(key) or self._host.session_secret(key),
            refusal=Reach(self._services, routed_service).refusal,
            hints=HINTS,
            allowed_origins=self._allowed_origins,
        )
        return control.wrap(counter)

    def _aws(self, access_key: str) -> dict[str, str]:
        return process_environment(self._host.endpoint, access_key, self._credentials.secret)


class _StopRequests:
    """Requests to stop: by signals, or by the end of standard input."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self.immediately = threading.Event()
        # the terminal's Ctrl-C is the starter's; jobs would inherit SIG_IGN, but no handler
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        signal.signal(signal.SIGQUIT, self._at_once)

    def _at_once(self, *_: object) -> None:
        self.immediately.set()
        self._stop.set()

    def thread_died(self, arguments: threading.ExceptHookArgs) -> None:
        """A cloud whose server or runner is dead would hang every run: it ends instead."""
        threading.__excepthook__(arguments)
        if arguments.thread is not None and arguments.thread.name in ("ministack", "batch-runner"):
            self._at_once()

    def watch_starter(self) -> None:
        """Stop when the process that started this one has ended."""
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self) -> None:
        """In short naps: a signal is only seen by a main thread that is not asleep in a lock."""
        while not self._stop.wait(timeout=0.2):
            pass

    def _listen(self) -> None:
        sys.stdin.read()
        self._stop.set()


def main() -> None:
    """Run until a request to stop."""
    order = CloudOrder.from_json(sys.stdin.readline())
    guard = guarded()
    stop_requests = _StopRequests()
    threading.excepthook = stop_requests.thread_died
    try:
        os.chdir(order.directory)
        cloud = Cloud(order)
        answer = cloud.start()
    except (OSError, RuntimeError, ValueError) as error:
        print(json.dumps({"error": str(error)}), flush=True)  # noqa: T201  # the protocol
        guard.kill()
        os._exit(1)
    print(json.dumps(answer), flush=True)  # noqa: T201  # the protocol
    stop_requests.watch_starter()
    stop_requests.wait()
    _stop(cloud, stop_requests)
    guard.kill()
    os._exit(0)


def _stop(cloud: Cloud, stop_requests: _StopRequests) -> None:
    stopping = threading.Thread(target=cloud.stop, kwargs={"immediately": False}, daemon=True)
    if not stop_requests.immediately.is_set():
        stopping.start()
    while stopping.is_alive() and not stop_requests.immediately.wait(timeout=0.05):
        pass
    if stop_requests.immediately.is_set():
        cloud.stop(immediately=True)
