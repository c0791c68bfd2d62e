"""SubmitJob as AWS has it: 0.15 s a call and 50 a second, and 1,000 steps that are ready at once.

    python -m verification.stress.slow_submit

It starts two runs of 500 steps on virtual time, and says how
long the starts took, how long the longest invocation, and when the last job was submitted. Its exit
code is 1 if a start outlasts API Gateway (29 s), an invocation its time-out, or the last submission
comes later than twice what the quota allows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrelay.adapters import batch
from batchrelay.domain.errors import Throttled
from batchrelay.domain.run import StartRequest
from batchrelay.domain.step_state import StepStatus
from tests.builders import T0, MemoryCloud, pipeline, step

CALL_S, QUOTA = 0.15, 50
API_S, HANDLER_S, RECONCILE_EVERY_S = 29, 900, 300
RUNS, STEPS = ("run1", "run2"), 500


@dataclass
class SlowBatch:
    """The submissions of a cloud in memory: each takes time, and more than 50 a second are 429."""

    cloud: MemoryCloud
    at_once: int = getattr(batch, "SUBMIT_THREADS", 1)
    tokens: float = QUOTA
    last: float = 0.0
    throttled: int = 0

    def submit(self, request: Mapping[str, Any]) -> str:
        self.cloud.clock.move(CALL_S / self.at_once)
        now = self.now()
        self.tokens = min(QUOTA, self.tokens + (now - self.last) * QUOTA)
        self.last = now
        if self.tokens < 1:
            self.throttled += 1
            self.cloud.clock.move(1 / QUOTA)  # as long as the adapter waits, with its jitter
            raise Throttled("429")
        self.tokens -= 1
        return type(self.cloud.jobs).submit(self.cloud.jobs, request)

    def now(self) -> float:
        return (self.cloud.clock.now() - T0).total_seconds()


@dataclass
class Invocation:
    """The time that an invocation has, on the virtual clock."""

    world: SlowBatch
    limit_s: float = HANDLER_S
    began: float = 0.0
    longest: float = 0.0
    late: list[str] = field(default_factory=list)

    def tries(self) -> Iterator[int]:
        return iter(range(20))

    def time_left(self) -> float:
        return self.began + self.limit_s - self.world.now()

    def do(self, what: str, limit_s: float, call: Any, *arguments: Any) -> float:
        self.began, self.limit_s = self.world.now(), limit_s
        call(*arguments)
        took = self.world.now() - self.began
        self.longest = max(self.longest, took)
        if took > limit_s:
            self.late.append(f"{what} took {took:.0f} s, and {limit_s} s are the most")
        return took


def play() -> tuple[list[float], Invocation, SlowBatch]:
    """Start the runs, hand over what they ask for, and reconcile every five minutes."""
    cloud = MemoryCloud(pipeline(*(step(f"s{number}") for number in range(STEPS))))
    world = SlowBatch(cloud)
    cloud.jobs.submit = world.submit  # type: ignore[method-assign]
    invocation = Invocation(world)
    object.__setattr__(cloud.engine, "backoff", invocation)
    orders = [StartRequest(run_id=run_id, pipeline="test", version=1) for run_id in RUNS]
    starts = [invocation.do("a start", API_S, cloud.engine.start, order) for order in orders]
    for _ in range(100):
        while cloud.preparations.requested:
            effect = cloud.preparations.requested.pop(0)
            go_on = cloud.engine.continue_run
            invocation.do("going on", HANDLER_S, go_on, effect.run_id)
        if all(_is_submitted(cloud, run_id) for run_id in RUNS):
            break
        cloud.clock.move(RECONCILE_EVERY_S)
        for run_id in RUNS:
            invocation.do("reconcile", RECONCILE_EVERY_S, cloud.engine.reconcile, run_id)
    return starts, invocation, world


def _is_submitted(cloud: MemoryCloud, run_id: str) -> bool:
    states = cloud.runs.load(run_id).steps.values()
    return all(state.status is StepStatus.ACTIVE for state in states)


def main() -> int:
    """Print what happened; 1 if the fault is there."""
    starts, invocation, world = play()
    wanted = len(RUNS) * STEPS / QUOTA
    print(f"starts took {', '.join(f'{seconds:.1f} s' for seconds in starts)}")
    print(f"the longest invocation took {invocation.longest:.1f} s")
    print(
        f"{len(world.cloud.jobs.jobs):,} jobs, {world.throttled:,} calls throttled; the last was "
        f"submitted after {world.last:.1f} s, the quota allows {wanted:.0f} s"
    )
    for line in invocation.late:
        print(line)
    return int(bool(invocation.late) or world.last > 2 * wanted)


if __name__ == "__main__":
    sys.exit(main())
