"""Whether a run that has grown to its limit can still be stopped.

Run it by `python -m verification.stress.never_saved`.

60 steps of 1,000,000 items each are prepared side by side and submitted, on the real store in front
of a table with DynamoDB's own limit of an item. Then the run is cancelled, reconciled and ended.
"""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from batchrelay.adapters.dynamodb import DynamoStore
from batchrelay.adapters.memory import MemoryJobs
from batchrelay.domain.errors import BatchrelayError
from batchrelay.domain.events import Prepared
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.step_state import JobOutcome
from tests.builders import MemoryCloud, pipeline, step

STEPS, ITEMS = 60, 1_000_000
ITEM_BYTES_MAX = 409_600
TRIES = 3


class Table:
    """One DynamoDB table, as much of it as runs need."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.largest = 0

    def get_item(self, *, Key: Any, **_: Any) -> Any:  # noqa: N803  # DynamoDB's own name
        item = self.items.get((Key["pk"]["S"], Key["sk"]["S"]))
        return {} if item is None else {"Item": item}

    def put_item(self, *, Item: Any, **_: Any) -> None:  # noqa: N803
        size = sum(len(name) + sum(map(len, value.values())) for name, value in Item.items())
        if size > ITEM_BYTES_MAX:
            message = "Item size has exceeded"
            raise ClientError(
                {"Error": {"Code": "ValidationException", "Message": message}}, "PutItem"
            )
        self.largest = max(self.largest, size)
        self.items[Item["pk"]["S"], Item["sk"]["S"]] = Item


@dataclass
class Jobs(MemoryJobs):
    """AWS Batch, whose job ids are random: they do not deflate."""

    number: int = field(default=0)

    def submit(self, request: Any) -> str:
        plain = super().submit(request)
        self.number += 1
        digits = "".join(f"{zlib.crc32(b'%d %d' % (self.number, i)):08x}" for i in range(4))
        job = self.jobs.pop(plain)
        bounds = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
        job.job_id = "-".join(digits[a:b] for a, b in bounds)
        self.jobs[job.job_id] = job
        return job.job_id

    @property
    def active(self) -> int:
        return sum(job.outcome is None for job in self.jobs.values())


def begun(steps: int) -> tuple[MemoryCloud, Table]:
    """A cloud with a run of so many wide steps, on the real store."""
    wide = (step(f"step-{i:02}", file=f"s3://b/{i}.json") for i in range(steps))
    cloud = MemoryCloud(pipeline(*wide, timeout_s=86_400))
    table, jobs = Table(), Jobs()
    store = DynamoStore(table="t", run_ttl_days=1, make_client=lambda _: table)
    store.put_pipeline(cloud.pipelines.get_pipeline("test", 1))
    cloud.runs, cloud.jobs = store, jobs  # type: ignore[assignment]
    cloud.engine = cloud.process().engine
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    return cloud, table


def prepare(cloud: MemoryCloud, number: int, items: int) -> None:
    """One step's items are counted, and its arrays submitted."""
    name = f"step-{number:02}"
    manifest = f"s3://the-bucket/runs/run1/{name}/r0/20260101t000000{number:06}/"
    event = Prepared(
        at=cloud.clock.now(),
        step=name,
        round=0,
        items=items,
        children=(items,),
        manifest=manifest,
    )
    cloud.engine.handle("run1", [event])
    for effect in cloud.preparations.requested:
        if not hasattr(effect, "step"):  # submissions that the handler left to another invocation
            cloud.engine.continue_run("run1")
    cloud.preparations.requested.clear()


def tried(calls: dict[str, Callable[[], Any]]) -> Counter[str]:
    """What the calls raised, by name and kind."""
    raised: Counter[str] = Counter()
    for name, call in calls.items():
        try:
            call()
        except (BatchrelayError, ClientError) as error:
            raised[f"{name}: {type(error).__name__}: {error}"] += 1
    return raised


def stop(cloud: MemoryCloud) -> Counter[str]:
    """Cancel and reconcile, a few times, days later; what was raised."""
    raised: Counter[str] = Counter()
    for _ in range(TRIES):
        raised += tried(
            {
                "cancel": lambda: cloud.engine.cancel("run1", "enough"),
                "reconcile": lambda: cloud.engine.reconcile("run1"),
            }
        )
        cloud.clock.move(100_000)
    return raised


def ended(cloud: MemoryCloud) -> Run:
    """The run after everything has had its time."""
    for _ in range(20):
        cloud.clock.move(5_000)
        with suppress(BatchrelayError, ClientError):
            cloud.engine.reconcile("run1")
    return cloud.engine.runs.load("run1")


def main(steps: int = STEPS, items: int = ITEMS) -> int:
    cloud, table = begun(steps)
    raised: Counter[str] = Counter()
    for number in range(steps):
        raised += tried({"prepare": lambda n=number: prepare(cloud, n, items)})  # type: ignore[misc]
    run = cloud.engine.runs.load("run1")
    counts = Counter(str(run.state(each.name).status) for each in run.pipeline.steps)
    jobs: Any = cloud.jobs
    print(f"{steps} steps of {items:,} items: {dict(counts)}, {len(jobs.jobs):,} arrays submitted")
    for state in run.steps.values():
        if state.reason:
            print(f"first reason: {state.reason}")
            break
    raised += stop(cloud)
    run = ended(cloud)
    for problem, count in raised.most_common(4):
        print(f"raised {count} times: {problem}")
    print(f"after cancel: run {run.status}, {jobs.active:,} arrays run on")
    print(f"largest item: {table.largest:,} bytes of {ITEM_BYTES_MAX:,}")
    left = [job for job in jobs.jobs.values() if job.outcome is not JobOutcome.FAILED]
    return int(bool(raised) or bool(left) or not run.status.is_terminal)


if __name__ == "__main__":
    sys.exit(main())
