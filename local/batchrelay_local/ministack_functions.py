"""The functions of MiniStack's Lambda: how soon they begin, and are free again.

The hooks, held by tests as those of ministack_host.py:

10. `core.lambda_runtime.reset` ends every Lambda worker.
13. `services.lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS` is how long the thread that hands the messages
   of queues to functions sleeps after a look that was in vain, whatever arrives meanwhile.
14. `services.lambda_svc._functions` are the functions, by name. A worker of one is chosen by
   `core.lambda_runtime.acquire_worker`, given back by `release_worker`, and started by
   `ensure_spawned`; an invocation that comes meanwhile waits for it. It is for the account and the
   region of `core.responses.set_request_account_id` and `set_request_region`.
15. `core.lambda_runtime._PYTHON_WORKER_SCRIPT` is the program of a worker. It calls the handler in
   one place. `Worker._drain_stderr_bounded` says what an invocation has printed, from the lines in
   the worker's `_stderr_queue`: it waits until some milliseconds have passed without a line.
16. `services.lambda_svc.acquire_worker` is called for each invocation, in a thread that may wait.
   With `max_concurrency=1` it answers no worker while all are busy, and makes the first one.
17. `core.lambda_runtime.Worker._spawn` starts the process of a worker, and keeps it as `_proc`,
   whose standard error `_stderr_thread` reads. It does so too if the handler cannot be imported:
   then it raises, and the process is about to end.
18. It starts the process with `core.lambda_runtime.subprocess.Popen`, from the interpreter and the
   program alone if its runtime is Python.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from batch_local import ACCOUNT, REGION
from batchrelay_local import forked_processes
from batchrelay_local.forked_processes import ForkedProcess

PRINTED_S_MAX = 0.25
"""Seconds that the last line of an invocation may take to be read, after its answer."""

PATIENCE_S = 0.1
"""Seconds that an invocation waits for a busy worker: to start one takes three times as long."""

LOOK_S = 0.000_5
"""Seconds between two looks for a worker that is free."""

_END = "\0END"
"""What a worker writes behind what the handler has printed."""

_CALL = "            result = handler_fn(event, context)\n"

_CALL_WITH_END = f"""            try:
                result = handler_fn(event, context)
            finally:
                print({_END!r}, file=sys.__stderr__, flush=True)
"""


class MiniStackFunctions:
    """The functions of this process's AWS, and their workers.

    Args:
        forks: whether workers begin as forks, where there can be any. Without the stack there may
            be no function.
    """

    def __init__(self, *, forks: bool) -> None:
        self._is_stopping = False
        self._may_fork = forks and forked_processes.begin()

    def hasten(self) -> None:
        """A function gets a message at once, and is free for the next as soon as it has answered.

        The end of a batch is a look in vain. The event of a chain's next step comes while the last
        one is saved: it takes the same worker, milliseconds later.
        """
        from ministack.core import lambda_runtime
        from ministack.services import lambda_svc

        lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = 0  # noqa: SLF001  # hook 13
        lambda_svc.acquire_worker = _acquired  # hook 16
        lambda_runtime.Worker._spawn = _spawned(lambda_runtime.Worker._spawn)  # noqa: SLF001  # hook 17
        script = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(_CALL, _CALL_WITH_END)  # noqa: SLF001  # hook 15
        lambda_runtime._PYTHON_WORKER_SCRIPT = script  # noqa: SLF001  # hook 15
        lambda_runtime.Worker._drain_stderr_bounded = _printed  # noqa: SLF001  # hook 15
        if self._may_fork:
            lambda_runtime.subprocess = _Subprocess()  # hook 18

    def start_workers(self, prefixes: Sequence[str]) -> None:
        """Start a worker of each function whose name begins so, one after the other, meanwhile.

        An event need not wait then until Python has imported what its function does.
        """
        threading.Thread(target=self._start_workers, args=(prefixes,), daemon=True).start()

    def _start_workers(self, prefixes: Sequence[str]) -> None:
        from ministack.core import responses
        from ministack.core.lambda_runtime import acquire_worker, ensure_spawned, release_worker
        from ministack.services import lambda_svc

        responses.set_request_account_id(ACCOUNT)
        responses.set_request_region(REGION)
        functions = dict(lambda_svc._functions.items())  # noqa: SLF001  # hook 14
        for prefix in prefixes:
            name = next(name for name in functions if name.startswith(prefix))
            function = functions[name]
            worker, _ = acquire_worker(name, function["config"], function["code_zip"])
            release_worker(worker)
            if self._is_stopping:
                return
            with suppress(RuntimeError, OSError):  # what is wrong, its first invocation says
                ensure_spawned(worker)

    def end_workers(self) -> None:
        """End every worker."""
        from ministack.core import lambda_runtime

        self._is_stopping = True
        lambda_runtime.reset()


class _Subprocess:
    """The module, as MiniStack's workers use it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, command: Sequence[str], **options: Any) -> Any:  # noqa: N802  # its name
        if len(command) == 2 and command[0] == sys.executable:
            return ForkedProcess(command[1], options["cwd"], options["env"])
        return subprocess.Popen(command, **options)


def _printed(worker: Any, **_waits: float) -> str:
    """What the handler has printed, as soon as all of it was read."""
    lines: list[str] = []
    until = time.monotonic() + PRINTED_S_MAX
    with suppress(queue.Empty):  # the process has died, or the handler closed its standard error
        while True:
            line = worker._stderr_queue.get(timeout=max(0.0, until - time.monotonic()))  # noqa: SLF001  # hook 15
            text, end, _ = line.partition(_END)
            if text or not end:  # the handler may have printed no newline at last
                lines.append(text)
            if end:
                break
    return "\n".join(lines)


def _spawned(theirs: Callable[[Any], None]) -> Callable[[Any], None]:
    """Leave no process behind that could not import its handler: the next invocation starts another
    one, and says why again. What is started early fails unheard."""

    def spawned(worker: Any) -> None:
        try:
            theirs(worker)
        except BaseException:
            process, worker._proc = worker._proc, None  # noqa: SLF001  # hook 17
            if process is not None:
                process.kill()
                worker._stderr_thread.join()  # noqa: SLF001  # hook 17
                process.communicate()  # which closes its pipes
            raise

    return spawned


def _acquired(*arguments: Any, **options: Any) -> tuple[Any, str]:
    """A worker that is free, or will be soon; otherwise another one."""
    from ministack.core.lambda_runtime import acquire_worker

    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        worker, how = acquire_worker(*arguments, **{**options, "max_concurrency": 1})
        if worker is not None:
            return worker, how
        time.sleep(LOOK_S)
    worker, how = acquire_worker(*arguments, **options)
    return worker, how
