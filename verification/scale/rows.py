"""What came of one scenario, and what bounded it first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from batchrelay.domain.pipeline import Pipeline
from batchrelay_cli.simulate.agenda import START_MS
from verification.scale.limits import PARTITION_WRITES_PER_S, SUBMITS_PER_S
from verification.scale.world import HANDLERS, VCPUS, World

DEFINITION = {
    "jobDefinitionName": "d",
    "type": "container",
    "containerProperties": {
        "image": "i",
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": "64"},
        ],
    },
}

REMEDIES = {
    "SubmitJob": "nothing, it is not raisable: another account or Region, items in arrays",
    "a partition of DynamoDB": "nothing, it is not raisable: several runs instead of one",
    "starts of runs": "`MaximumConcurrency` of StartRun's queue in `template.yaml`, 5",
    "handlers": "`HandlerConcurrency`",
    "vCPUs": "`maxvCpus` of the compute environment, and the account's quota of vCPUs",
    "–": "nothing",
}
"""What to raise, by what is first."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Runs of one pipeline that are asked for at some moments."""

    name: str
    pipeline: Pipeline
    delays_ms: Sequence[int]
    child_ms: int = 60_000
    vcpus: int = VCPUS
    listed: int = 0

    def world(self, delays_ms: Sequence[int]) -> World:
        """An account in which that was played."""
        world = World(
            self.pipeline,
            [DEFINITION],
            child_ms=self.child_ms,
            vcpus=self.vcpus,
            listed=self.listed,
        )
        for number, delay_ms in enumerate(delays_ms):
            world.start_after(delay_ms, f"r{number}")
        world.play()
        assert len(world.seconds()) == len(delays_ms), "every run has ended"
        return world


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one scenario."""

    name: str
    runs: int
    jobs: int
    children: int
    alone_s: float
    """What one run takes alone."""
    median_s: float
    longest_s: float
    children_a_second: float
    busiest: float
    """SubmitJob calls of the busiest ten seconds, as a share of the quota."""
    throttled: int
    handlers: float
    """Most handlers at a time, as a share of those that may be."""
    starts_held_up: int
    events_held_up: int
    """Those that waited because all invocations were at work."""
    wait_s: float
    """Of an event in its queue, at the 99th percentile."""
    saves: int
    conflicts: int
    """Saves that another one was faster than, which are tried again."""
    partition: float
    """Write units of the busiest second of the busiest partition, as a share of what it has."""
    store_throttled: int
    lacks_vcpus: bool
    is_list: bool
    prepared_s: float
    submitted_s: float
    """When the first and the last submission were accepted, from the start."""
    dollars: float

    @property
    def first(self) -> str:
        """What bounds it first."""
        bounds = {
            "SubmitJob": self.throttled or self.busiest >= 1,
            "a partition of DynamoDB": self.store_throttled,
            "starts of runs": self.starts_held_up,
            "handlers": self.events_held_up,
            "vCPUs": self.lacks_vcpus,
        }
        return next((name for name, is_reached in bounds.items() if is_reached), "–")


def played(scenario: Scenario) -> Row:
    """Play a run alone, and then all of them."""
    delays_ms = scenario.delays_ms
    alone_s = scenario.world([0]).seconds()[0] if len(delays_ms) > 1 else None
    world = scenario.world(delays_ms)
    seconds, jobs = world.seconds(), world.batch.jobs
    children = sum(job.spec.size or 1 for job in jobs)
    waits = sorted(world.handlers.waits_ms)
    quota, runs = world.jobs.quota, world.runs
    return Row(
        name=scenario.name,
        runs=len(seconds),
        jobs=len(jobs),
        children=children,
        alone_s=seconds[0] if alone_s is None else alone_s,
        median_s=seconds[len(seconds) // 2],
        longest_s=seconds[-1],
        children_a_second=1_000 * children / (max(j.stopped_at or 0 for j in jobs) - START_MS),
        busiest=_busiest(world) / (10 * SUBMITS_PER_S),
        throttled=quota.throttled,
        handlers=world.handlers.most_at_once / HANDLERS,
        starts_held_up=world.starters.held_up,
        events_held_up=world.handlers.held_up,
        wait_s=waits[math.ceil(0.99 * len(waits)) - 1] / 1_000,
        saves=runs.saves,
        conflicts=runs.conflicts,
        partition=runs.writes.of_partitions.busiest / PARTITION_WRITES_PER_S,
        store_throttled=runs.writes.throttled + runs.reads.throttled,
        lacks_vcpus=world.batch.counted.waited,
        is_list=scenario.listed > 0,
        prepared_s=float(min(quota.seconds)),
        submitted_s=float(max(quota.seconds) + 1),
        dollars=world.dollars(),
    )


def _busiest(world: World) -> int:
    """SubmitJob calls of any ten seconds in a row."""
    seconds = world.jobs.quota.seconds
    return max(sum(seconds[start + n] for n in range(10)) for start in tuple(seconds))


def runs_table(rows: Sequence[Row]) -> str:
    """How long it takes, what is first, what to raise."""
    head = (
        "scenario", "runs", "jobs", "children", "a run alone", "median", "longest",
        "children a second", "first bound", "to raise", "orchestration, USD",
    )  # fmt: skip
    return _table(
        head,
        [
            (
                row.name,
                f"{row.runs:,}",
                f"{row.jobs:,}",
                f"{row.children:,}",
                f"{row.alone_s:,.0f} s",
                f"{row.median_s:,.0f} s",
                f"{row.longest_s:,.0f} s",
                f"{row.children_a_second:,.1f}",
                row.first,
                REMEDIES[row.first],
                f"{row.dollars:.4f}",
            )
            for row in rows
        ],
    )


def quotas_table(rows: Sequence[Row]) -> str:
    """How near it comes to what bounds it."""
    head = (
        "scenario", "busiest 10 s of SubmitJob", "submissions throttled", "handlers at once",
        "an event waits (99 %)", "saves", "conflicts", "busiest partition", "throttled there",
    )  # fmt: skip
    return _table(
        head,
        [
            (
                row.name,
                f"{row.busiest:.0%}",
                f"{row.throttled:,}",
                f"{row.handlers:.0%}",
                f"{row.wait_s:.1f} s",
                f"{row.saves:,}",
                f"{row.conflicts:,}",
                f"{row.partition:.1%}",
                f"{row.store_throttled:,}",
            )
            for row in rows
        ],
    )


def lists_table(rows: Sequence[Row]) -> str:
    """When a long list was prepared, when its jobs were submitted, and when they had ended."""
    head = ("scenario", "parts", "children", "listed and prepared", "all submitted", "ended")
    return _table(
        head,
        [
            (
                row.name,
                f"{row.jobs:,}",
                f"{row.children:,}",
                f"{row.prepared_s:,.0f} s",
                f"{row.submitted_s:,.0f} s",
                f"{row.longest_s:,.0f} s",
            )
            for row in rows
            if row.is_list
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
