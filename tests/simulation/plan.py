"""What a simulated run must come to: a random pipeline, and the fate of each of its jobs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from batchrelay.domain.pipeline import ForEach, NoticeRule, Pipeline, Step
from batchrelay.domain.run import JobOutcome, RunStatus, StepStatus
from batchrelay.domain.sizes import split

BUCKET = "bucket"
QUEUE = "queue"
TOPIC = "arn:aws:sns:us-east-1:000000000000:topic"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A pipeline and its fate: whatever the world does, a run must end like this."""

    pipeline: Pipeline
    items: dict[str, int | None]
    """Items of each forEach step; None is a file that is no JSON."""
    fates: dict[tuple[str, int], JobOutcome | None] = field(default_factory=dict)
    """By step label and part; None is a submission that AWS Batch refuses."""

    def fate(self, label: str, part: int) -> JobOutcome | None:
        return self.fates.get((label, part), JobOutcome.SUCCEEDED)

    def children(self, step: Step) -> int | None:
        return self.items[step.name] if step.for_each else step.fixed_children

    def expected_steps(self) -> dict[str, StepStatus]:
        """The oracle: how each step must end, by plain graph reasoning."""
        expected: dict[str, StepStatus] = {}
        for step in self.pipeline.order:
            expected[step.name] = self._expected(step, expected)
        return expected

    def _expected(self, step: Step, so_far: dict[str, StepStatus]) -> StepStatus:
        if not all(self._lets_run(need, so_far) for need in step.needs):
            return StepStatus.SKIPPED
        children = self.children(step)
        if children is None:
            return StepStatus.FAILED
        if children == 0:
            return StepStatus.SKIPPED
        fates = [self.fate(step.label, part) for part in range(len(split(children)))]
        all_well = all(fate is JobOutcome.SUCCEEDED for fate in fates)
        return StepStatus.SUCCEEDED if all_well else StepStatus.FAILED

    def _lets_run(self, need: str, so_far: dict[str, StepStatus]) -> bool:
        if so_far[need] is StepStatus.SUCCEEDED:
            return True
        step = self.pipeline.step(need)
        nothing_to_do = self.children(step) == 0 and all(
            self._lets_run(upstream, so_far) for upstream in step.needs
        )
        return so_far[need] is StepStatus.SKIPPED and nothing_to_do

    def expected_run(self) -> RunStatus:
        failed = StepStatus.FAILED in self.expected_steps().values()
        return RunStatus.FAILED if failed else RunStatus.SUCCEEDED


def random_plan(rng: random.Random) -> Plan:
    """A graph of 1 to 8 steps, now and then of 40, with failures sprinkled in."""
    count = rng.choice((1, 2, 3, 3, 4, 5, 6, 8)) if rng.random() < 0.97 else 40
    failing = rng.random() < 0.5
    steps: list[Step] = []
    items: dict[str, int | None] = {}
    fates: dict[tuple[str, int], JobOutcome | None] = {}
    for number in range(count):
        step = _random_step(rng, number, [earlier.name for earlier in steps])
        steps.append(step)
        if step.for_each:
            items[step.name] = _random_items(rng, failing)
        for part in range(3):
            if failing and rng.random() < 0.1:
                fates[step.label, part] = rng.choice((JobOutcome.FAILED, None))
    rules = (
        NoticeRule(topic=TOPIC, on=frozenset({"SUCCEEDED", "FAILED"})),
        NoticeRule(topic=TOPIC, on=frozenset({"FAILED"})),
    )
    pipeline = Pipeline(
        name="sim", version=1, steps=tuple(steps), notify=rules[: rng.randint(0, 2)]
    )
    return Plan(pipeline=pipeline, items=items, fates=fates)


def _random_step(rng: random.Random, number: int, earlier: list[str]) -> Step:
    needs = tuple(rng.sample(earlier, k=rng.randint(0, min(3, len(earlier)))))
    request: dict[str, object] = {"jobQueue": QUEUE, "jobDefinition": "noop:1"}
    for_each = None
    if rng.random() < 0.4:
        for_each = ForEach(file=f"s3://{BUCKET}/items-{number}.json", items="Items")
    elif rng.random() < 0.5:
        request["arrayProperties"] = {"size": rng.choice((2, 10, 10_000, 25_000))}
    return Step(name=f"Step{number}", needs=needs, request=request, for_each=for_each)


def _random_items(rng: random.Random, failing: bool) -> int | None:
    if failing and rng.random() < 0.1:
        return None
    return rng.choice((0, 1, 2, 3, 7))
