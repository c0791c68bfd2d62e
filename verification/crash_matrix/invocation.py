"""One invocation of a handler, in a process of its own that dies at a given AWS call."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from batchrelay.adapters import batch
from batchrelay.aws_lambda import wiring as bootstrap
from tests.stack import ROOT
from verification.permissions.recorder import FOLDER, record


@dataclass(frozen=True, kw_only=True)
class CrashPoint:
    """Where a process dies: at the call of that number (from 0), before it or after its answer."""

    call: int
    after: bool


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How an invocation ended."""

    calls: tuple[str, ...]
    """`service.Operation`, in order."""
    answer: str | None
    """What it returned, as text; None if it was killed or raised."""
    killed: bool


class _Context:
    function_name = "crash"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:crash"
    aws_request_id = "crash"

    def __init__(self, left_s: int) -> None:
        self._left_s = left_s

    def get_remaining_time_in_millis(self) -> int:
        return self._left_s * 1000


def invoke(
    handler: str,
    event: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    later_s: float = 0,
    left_s: int = 900,
    crash: CrashPoint | None = None,
) -> Ended:
    """Run `functions/HANDLER/app.py` on an event, so many seconds later than it is.

    Args:
        left_s: seconds that the invocation may take.
    """
    calls_r, calls_w = os.pipe()
    answer_r, answer_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(calls_r)
        os.close(answer_r)
        context = _Context(left_s)
        _be_the_process(handler, event, environment, later_s, crash, calls_w, answer_w, context)
    os.close(calls_w)
    os.close(answer_w)
    calls, answer = _whole(calls_r), _whole(answer_r)
    _, status = os.waitpid(pid, 0)
    return Ended(
        calls=tuple(calls.split()),
        answer=answer or None,
        killed=os.WIFSIGNALED(status),
    )


def _whole(descriptor: int) -> str:
    with os.fdopen(descriptor) as pipe:
        return pipe.read()


def _be_the_process(
    handler: str,
    event: Mapping[str, Any],
    environment: Mapping[str, str],
    later_s: float,
    crash: CrashPoint | None,
    calls: int,
    answer: int,
    context: _Context,
) -> None:
    code = 1
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        os.environ.update(environment)
        if folder := os.environ.get(FOLDER):
            record(handler, folder)
        _watch_calls(calls, crash)
        _be_later(later_s)
        sys.path.insert(0, str(ROOT / "functions"))
        module = importlib.import_module(f"{handler}.app")
        os.write(answer, repr(module.handler(event, context)).encode())
        code = 0
    finally:
        os._exit(code)


def _watch_calls(calls: int, crash: CrashPoint | None) -> None:
    made = 0

    def die(*, after: bool) -> None:
        if crash is not None and crash.after is after and crash.call == made - 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(event_name: str, **_: Any) -> None:
        nonlocal made
        os.write(calls, f"{event_name.removeprefix('before-send.')} ".encode())
        made += 1
        die(after=False)

    boto3.setup_default_session()
    session: Any = boto3.DEFAULT_SESSION
    session.events.register("before-send", before)
    session.events.register("response-received", lambda **_: die(after=True))


def _be_later(seconds: float) -> None:
    class LaterClock:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=seconds)

    batch.SUBMIT_THREADS = 1  # calls in an order, so that the call of a number is the same again
    bootstrap.SystemClock = LaterClock  # type: ignore[misc, assignment]
    bootstrap.lambda_engine.cache_clear()
