"""Preparations that always die, lists that need too much memory, and globs that take for ever.

    python -m verification.stress.poison_preparation

Exits with 1 if a run is still open after thirty simulated days, if a small gzip file needs more
memory than the function has, or if a glob takes over a second for one key.
"""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

from batchrelay.domain.effects import Prepare
from batchrelay.domain.pipeline import ListFile, ListFormat
from batchrelay.domain.run import StartRequest
from batchrelay.preparation.items.glob import glob
from tests.builders import MemoryCloud, pipeline, step
from tests.handlers import CONTEXT, prepare
from verification.peak_memory import peak_bytes

DAYS = 30
RECONCILE_EVERY_S = 300
VISIBILITY_S, RECEIVES_MAX = 5_400, 3
"""Of the queue of preparations, as template.yaml has it."""

MEMORY_BYTES = 512 << 20
BOMB_BYTES = 600_000_000
SECONDS_MAX = 20
GLOBS = (("*a*a*a*a*a*a*a*a*b", "a" * 1_024), ("**/**/**/**/x", "a/" * 512))


class Killed(BaseException):
    """What Lambda does to a function: nothing is saved behind it."""


def main() -> int:
    """Every fault in a few lines; 1 if one is there."""
    if sys.argv[1:2] == ["line"]:
        return _read_line(sys.argv[2])
    if sys.argv[1:2] == ["glob"]:
        pattern, key = GLOBS[int(sys.argv[2])]
        return int(glob(pattern)(key))
    warnings.simplefilter("ignore")  # Powertools has no metrics to publish
    faults = [_always_dies()]
    faults += [_one_line(form) for form in ("lines", "json")]
    faults += [_slow_glob(number) for number in range(len(GLOBS))]
    return int(any(faults))


def _always_dies() -> bool:
    """A run whose list kills every attempt, for thirty days."""
    fan = step("a", for_each=ListFile(file="s3://b/f"))
    cloud = MemoryCloud(pipeline(fan, step("z", "a")))
    setattr(cloud.objects, "read", _kill)  # noqa: B010  # mypy has no word for it
    setattr(prepare, "lambda_engine", lambda: cloud.engine)  # noqa: B010
    began = cloud.clock.now()
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    requests, attempts = 0, 0
    under_way: list[tuple[float, int, str]] = []
    for now in range(0, DAYS * 86_400, RECONCILE_EVERY_S):
        for wanted in cloud.preparations.requested:
            assert isinstance(wanted, Prepare)
            body = {"run_id": wanted.run_id, "step": wanted.step, "round": wanted.round}
            under_way.append((now, 1, json.dumps(body)))
            requests += 1
        cloud.preparations.requested.clear()
        due = [message for message in under_way if message[0] <= now]
        under_way = [message for message in under_way if message[0] > now]
        for _, receives, body_text in due:
            attempts += 1
            if _is_killed(body_text, receives) and receives < RECEIVES_MAX:
                under_way.append((now + VISIBILITY_S, receives + 1, body_text))
        if not list(cloud.runs.open_runs()):
            break
        cloud.clock.move(RECONCILE_EVERY_S)
        cloud.engine.reconcile("run1")
    run = cloud.runs.load("run1")
    hours = (cloud.clock.now() - began).total_seconds() / 3_600
    print(
        f"a list that always kills: {requests:,} requests, {attempts:,} deliveries, run "
        f"{run.status}, step {run.state('a').status} after {hours:,.1f} h {run.state('a').reason}"
    )
    return not run.status.is_terminal


def _kill(_: str) -> Iterator[bytes]:
    raise Killed


def _is_killed(body: str, receives: int) -> bool:
    attributes = {"ApproximateReceiveCount": str(receives)}
    record = {"messageId": "m", "body": body, "attributes": attributes}
    try:
        prepare.handler({"Records": [record]}, CONTEXT)
    except Killed:
        return True
    return False


def _one_line(form: str) -> bool:
    """A small gzip file that holds one long line, or one long text beside the list."""
    done = _run("line", form)
    if done is None or done.returncode:
        print(f"one {form} text of 600 MB: killed")
        return True
    answer = json.loads(done.stdout)
    print(
        f"a gzip file of {answer['file']:,} bytes, one {form} text of 600 MB: {answer['mib']} MiB, "
        f"{answer['seconds']} s, {answer['status']}: {answer['reason']}"
    )
    return bool(answer["mib"] << 20 > MEMORY_BYTES)


def _read_line(form: str) -> int:
    """In a process of its own: prepare from it, and say what that needed."""
    resource.setrlimit(resource.RLIMIT_AS, (4 * MEMORY_BYTES, 4 * MEMORY_BYTES))
    is_json = form == "json"
    file = ListFile(
        file=f"s3://b/f.{form}.gz",
        format=ListFormat.JSON if is_json else ListFormat.LINES,
        items="Items" if is_json else "",
    )
    cloud = MemoryCloud(pipeline(step("a", for_each=file)))
    body = _packed(b'{"x": "' if is_json else b"")
    cloud.objects.objects[file.file] = body
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    began = time.monotonic()
    state = cloud.engine.prepare("run1", "a", 0).run.state("a")
    answer = {
        "file": len(body),
        "mib": peak_bytes() // 2**20,
        "seconds": round(time.monotonic() - began, 1),
        "status": state.status,
        "reason": state.reason,
    }
    print(json.dumps(answer))
    return 0


def _packed(begin: bytes) -> bytes:
    members = [gzip.compress(begin, mtime=0)] if begin else []
    members += [gzip.compress(b"a" * 1_000_000, mtime=0)] * (BOMB_BYTES // 1_000_000)
    return b"".join(members)


def _slow_glob(number: int) -> bool:
    began = time.monotonic()
    done = _run("glob", str(number))
    seconds = time.monotonic() - began
    took = f"over {SECONDS_MAX} s" if done is None else f"{seconds:.1f} s, Python's start included"
    print(f"glob {GLOBS[number][0]} on a key of 1,024 characters: {took}")
    return done is None or seconds > SECONDS_MAX / 2


def _run(*arguments: str) -> subprocess.CompletedProcess[Any] | None:
    """This program in a process of its own; None if it took too long."""
    command = [sys.executable, "-m", "verification.stress.poison_preparation", *arguments]
    limit = SECONDS_MAX if arguments[0] == "glob" else 6 * SECONDS_MAX
    try:
        return subprocess.run(command, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    sys.exit(main())
