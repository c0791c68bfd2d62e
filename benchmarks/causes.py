"""Where the time of a step of a chain goes: `python -m benchmarks.causes` prints a table.

A chain is played at two lengths, so that what a step more takes is known: its time, and the CPU of
each process. Three parts of it are measured alone: a process that starts and ends, the calls of
boto3 with their answers in memory, and such calls to the local cloud.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from benchmarks.batch import client
from benchmarks.hot_handler import cpu_of_an_event
from benchmarks.lines.local_runs import CHAIN, FEW
from benchmarks.loops import spawn_loop
from benchmarks.pipelines import chain

CALLS = 4
"""Of OnJobEvent for a step: GetItem, PutItem, SubmitJob, PutItem."""

ROUNDS, REPEATS = 3, 400


@dataclass(frozen=True, kw_only=True)
class Took:
    """Seconds."""

    wall: float
    cloud: float
    """CPU, as the others."""
    functions: float
    command: float


def played(steps: int) -> Took:
    """A chain on a cloud of its own."""
    with tempfile.TemporaryDirectory() as folder, _cloud(Path(folder)) as cloud:
        session = LocalRun.prepare(cloud, read(chain(Path(folder), steps)), Console(quiet=True))
        of_cloud, of_command, began = _cpu(cloud.process.pid), time.process_time(), time.monotonic()
        ended = session.play({}, reconcile=False)
        assert ended["status"] == "SUCCEEDED", ended["status"]
        return Took(
            wall=time.monotonic() - began,
            cloud=_cpu(cloud.process.pid) - of_cloud,
            functions=sum(_cpu(pid) for pid in _functions(cloud.process.pid)),
            command=time.process_time() - of_command,
        )


@contextmanager
def _cloud(folder: Path) -> Iterator[LocalCloud]:
    cloud = LocalCloud.start(directory=folder)
    try:
        yield cloud
    finally:
        cloud.stop()


def _cpu(pid: int) -> float:
    """Of a process that lives, without its children; in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _functions(cloud: int) -> list[int]:
    """The processes that handle the events of jobs."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:  # it has ended meanwhile
                continue
            if int(fields[1]) == cloud and b"OnJobEvent" in command:
                found.append(int(entry.name))
    return found


def a_call() -> float:
    """Seconds until a PutItem of 3 KiB is answered by the local cloud."""
    with tempfile.TemporaryDirectory() as folder, _cloud(Path(folder)) as cloud:
        dynamodb = client(cloud, "dynamodb")
        key = {"pk": {"S": "RUN#k"}, "sk": {"S": "RUN"}}
        item = {**key, "document": {"B": b"x" * 3_000}}
        table = cloud.outputs["TableName"]
        return _median(lambda: dynamodb.put_item(TableName=table, Item=item))


def _median(call: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def rows() -> list[tuple[str, float]]:
    """Milliseconds of a step, by cause."""
    few, many = ([played(steps) for _ in range(ROUNDS)] for steps in (FEW, CHAIN))

    def step(of: Callable[[Took], float]) -> float:
        return (median(map(of, many)) - median(map(of, few))) / (CHAIN - FEW) * 1000

    handled, bare = (seconds * 1000 for seconds in cpu_of_an_event())
    call = a_call() * 1000
    return [
        ("a step more of the chain, from end to end", step(lambda took: took.wall)),
        ("CPU of OnJobEvent", step(lambda took: took.functions)),
        ("— of which botocore, its four calls answered in memory", bare),
        ("— of which ours: read, advance, write, log, metrics (a run of 10 steps)", handled - bare),
        (
            "CPU of the local cloud: HTTP, DynamoDB, SQS, EventBridge, Batch",
            step(lambda t: t.cloud),
        ),
        (
            "CPU of `batchrelay run`: it looks at the run four times a second",
            step(lambda t: t.command),
        ),
        ("four calls of boto3 to the local cloud, until they are answered", CALLS * call),
        ("a process that starts and ends", spawn_loop(CHAIN, slots=1) / CHAIN * 1000),
    ]


def main() -> None:
    """Print the table."""
    print("| of a step | ms |")
    print("| --- | --- |")
    for what, milliseconds in rows():
        print(f"| {what} | {milliseconds:.1f} |")


if __name__ == "__main__":
    main()
