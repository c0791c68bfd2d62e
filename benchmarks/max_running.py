"""`maxRunning`: what a bound that does not bind costs, and a bound that does beside waves.

    python -m benchmarks.max_running

Waves are what one would do without consumable resources: an array of as many children as may run,
and the next one once all of it has ended.
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from batch_local.simulation import (
    ComputeEnvironment,
    ContainerSpec,
    Job,
    JobDefinition,
    JobQueue,
    JobSpec,
    RetryStrategy,
    Scheduler,
)
from batchrelay_local.launch import LocalCloud
from benchmarks.batch import client, make_queue

ROOT = Path(__file__).resolve().parent.parent
RATIO_MAX = 1.10
"""Of the seconds with a bound that does not bind to those without one."""

BOUND_REPEATS = 8
"""Of each of the two: the least of them is compared."""

CHILDREN, WIDTH, MEDIAN_S = 10_000, 200, 60.0
SPREADS = (0.0, 0.5, 1.0)
"""Of a lognormal distribution: all alike, as most programs, a few that take ten times as long."""


class Waiting:
    """Jobs on a virtual clock, of which each takes the seconds that are written for it."""

    def __init__(self, width: int) -> None:
        numbers = count(1)
        self.scheduler = Scheduler(new_id=lambda: f"id-{next(numbers)}", observe=lambda _: None)
        request = {"consumableResourceName": "width", "totalQuantity": width}
        self.scheduler.consumables.create(request, 0)
        environment = ComputeEnvironment(name="e", arn="e", max_vcpus=CHILDREN)
        self.queue = JobQueue(name="q", arn="q", environment=environment)
        self.now = 0

    def run(self, seconds: Sequence[float], *, bounded: bool) -> int:
        """Submit an array and wait for its end; the most of its children that ran at a time."""
        parent = self.scheduler.submit(self._spec(len(seconds), bounded=bounded), self.now)
        ends: list[tuple[int, int, Job]] = []
        most = 0
        while not parent.status.is_terminal:
            launches, self.scheduler.launches = self.scheduler.launches, []
            for launch in launches:
                self.scheduler.started(launch.job, launch.attempt, "", self.now)
                index = launch.job.index or 0
                heapq.heappush(ends, (self.now + round(seconds[index] * 1000), index, launch.job))
            most = max(most, len(ends))
            self.now, _, job = heapq.heappop(ends)
            self.scheduler.exited(job, job.attempts[-1], 0, self.now)
        return most

    def _spec(self, size: int, *, bounded: bool) -> JobSpec:
        return JobSpec(
            name="j",
            queue=self.queue,
            definition=JobDefinition(name="d", revision=1, arn="d", properties={}, directory=None),
            containers=(ContainerSpec(command=("true",)),),
            requirements={"VCPU": "1"},
            size=size,
            retry=RetryStrategy(),
            consumables={"width": 1} if bounded else {},
        )


def durations(spread: float) -> list[float]:
    """Seconds of each child, the same in every run."""
    rng = random.Random(1)  # noqa: S311  # no secret
    return [MEDIAN_S * rng.lognormvariate(0, spread) for _ in range(CHILDREN)]


def with_units(seconds: Sequence[float]) -> float:
    """Seconds of one array that a consumable resource holds to WIDTH."""
    waiting = Waiting(WIDTH)
    most = waiting.run(seconds, bounded=True)
    assert most == WIDTH, most
    return waiting.now / 1000


def in_waves(seconds: Sequence[float]) -> float:
    """Seconds of arrays of WIDTH one after the other, without those between two."""
    waiting = Waiting(WIDTH)
    for start in range(0, len(seconds), WIDTH):
        waiting.run(seconds[start : start + WIDTH], bounded=False)
    return waiting.now / 1000


def unbound_ratio(children: int, slots: int, repeats: int) -> float:
    """Seconds of an array of no-ops with a bound of all its children, to those without.

    Both on one cloud, one after the other, so that what else the machine does meets both.
    """
    cloud = LocalCloud.start(directory=ROOT, stack=False)
    try:
        batch = client(cloud, "batch")
        make_queue(batch, slots)
        batch.create_consumable_resource(consumableResourceName="width", totalQuantity=children)
        entry = {"consumableResource": "width", "quantity": 1}
        bound = {"consumableResourcePropertiesOverride": {"consumableResourceList": [entry]}}
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(repeats):
            for bounded in (False, True):
                seconds[bounded].append(_array(batch, children, bound if bounded else {}))
        return min(seconds[True]) / min(seconds[False])
    finally:
        cloud.stop()


def _array(batch: Any, children: int, more: dict[str, Any]) -> float:
    began = time.perf_counter()
    job_id = batch.submit_job(
        jobName="wide",
        jobQueue="q",
        jobDefinition="noop",
        arrayProperties={"size": children},
        **more,
    )["jobId"]
    while batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] != "SUCCEEDED":
        time.sleep(0.05)
    return time.perf_counter() - began


def main() -> None:
    """Print both tables."""
    print(f"{CHILDREN:,} children, {WIDTH} at a time, a median of {MEDIAN_S:.0f} s:")
    print("| spread | no child waits for nothing | consumable resource | waves | waves / it |")
    print("| --- | --- | --- | --- | --- |")
    for spread in SPREADS:
        seconds = durations(spread)
        ideal, units, waves = sum(seconds) / WIDTH, with_units(seconds), in_waves(seconds)
        print(f"| {spread} | {ideal:,.0f} s | {units:,.0f} s | {waves:,.0f} s "
              f"| {waves / units:.2f} |")  # fmt: skip
    ratio = unbound_ratio(2_000, 2, BOUND_REPEATS)
    print(f"a bound that does not bind: {ratio:.2f} of the seconds without (at most {RATIO_MAX})")


if __name__ == "__main__":
    main()
