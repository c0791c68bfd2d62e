"""What a simulated run must come to: a random pipeline, and the fate of each of its jobs."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from batchrelay.domain.array_split import parts_of_groups, split
from batchrelay.domain.canary import canary_children
from batchrelay.domain.n_to_n_chains import continues, heads
from batchrelay.domain.pipeline import (
    Aggregate,
    Group,
    ListFile,
    ListFormat,
    NoticeRule,
    Pipeline,
    Step,
)
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import WAITING_STEP, JobOutcome, StepStatus
from batchrelay.domain.values import Json
from verification.simulation.retries import (
    ItemFates,
    Outcome,
    outcome_of,
    outcome_of_levels,
    with_retries,
)

BUCKET = "bucket"
QUEUE = "queue"
TOPIC = "arn:aws:sns:us-east-1:000000000000:topic"

SUCCEEDED, PARTIAL, FAILED, SKIPPED, CANCELLED = (
    StepStatus.SUCCEEDED,
    StepStatus.PARTIAL,
    StepStatus.FAILED,
    StepStatus.SKIPPED,
    StepStatus.CANCELLED,
)
CHILDREN_MAX = 1_000_000
SIZES = (2, 2, 2, 10, 10, 10, 10_000, 10_000, 25_000, 25_000, CHILDREN_MAX + 1)

LITTLE_ROOM_BYTES = (0, 40, 60, 110, 170, 300)
"""For no job, for one, for two, and for a few."""

WIDER: Mapping[object, int] = {2: 40_000, 10: 90_000}
"""Sizes that are several parts instead of one; equal ones stay equal."""


ANY_END = frozenset({SUCCEEDED, PARTIAL, FAILED, SKIPPED})
"""Of a step behind one whose preparation the faults of the world killed."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A pipeline and its fate: whatever the world does, a run must end like this."""

    pipeline: Pipeline
    items: dict[str, int | None]
    """Items of each forEach step; None is a file that is no JSON."""
    there: dict[str, int] = field(default_factory=dict)
    """How many of a step's items `skipExisting` leaves out, the first of them: their outputs, and
    those of the steps that continue them, are there."""
    fates: dict[tuple[str, int], JobOutcome | None] = field(default_factory=dict)
    """By step label and part; None is a submission that AWS Batch refuses."""
    item_fates: dict[str, ItemFates] = field(default_factory=dict)
    """Of the steps that retry or tolerate failed items, and of those behind them (N_TO_N)."""
    poison: frozenset[str] = frozenset()
    """Steps whose list kills, or breaks, every attempt to read it."""
    unprepared: frozenset[str] = frozenset()
    """Steps that so many attempts were killed to prepare that they failed; known at the end."""
    is_stopped: bool = False
    """Whether the run may be cancelled on the way, or has a deadline."""
    room_bytes: int | None = None
    """By how much its state may grow; None is as much as it needs."""

    def fate(self, label: str, part: int) -> JobOutcome | None:
        return self.fates.get((label, part), JobOutcome.SUCCEEDED)

    def children(self, step: Step) -> tuple[int, ...] | None:
        """Of each group, as the first round has them; None if they cannot be counted."""
        if step.name in self.poison | self.unprepared:
            return None
        if step.aggregate is not None:
            count = self._outputs(self.pipeline.step(step.aggregate.of))
            return (-(-count // step.aggregate.fan_in),)
        if step.for_each is not None:
            return self._of_items(step, self.items[step.name], self.left_out(step))
        if step.n_to_n_needs and step.array_size is None:
            return self.children(self.pipeline.step(min(step.n_to_n_needs)))
        if any(
            sum(self.children(self.pipeline.step(upstream)) or (1,)) == 0
            for upstream in step.n_to_n_needs
        ):
            return (0,)
        return (int(step.array_size or 1),)

    def left_out(self, step: Step) -> int:
        """Of the step's items, or of those that it continues."""
        if continues(step):
            return self.left_out(self.pipeline.step(min(step.n_to_n_needs)))
        return min(self.there.get(step.name, 0), self.items.get(step.name) or 0)

    def _of_items(self, step: Step, listed: int | None, there: int) -> tuple[int, ...] | None:
        if listed is None:
            return None
        items = listed - there
        assert step.chunk is not None, step
        if step.workers is not None:
            return (min(step.workers, -(-items // step.chunk)),)
        if step.groups:  # the one group takes items below 2
            few = max(0, min(listed, 2) - there)
            return (-(-few // step.chunk), -(-(items - few) // step.chunk))
        return (-(-items // step.chunk),)

    def _outputs(self, step: Step) -> int:
        outcome = self.outcome(step)
        failed = 0 if outcome is None else len(outcome.own | outcome.upstream)
        return self._listed(step) - failed

    def _listed(self, step: Step) -> int:
        if continues(step):
            return self._listed(self.pipeline.step(min(step.n_to_n_needs)))
        items = self.items.get(step.name)
        return sum(self.children(step) or ()) if items is None else items

    def outcome(self, step: Step) -> Outcome | None:
        """What becomes of the items of a step that retries or tolerates; None of any other."""
        fates, children = self.item_fates.get(step.name), self.children(step)
        if fates is None or children is None:
            return None
        blocked: set[int] = set()
        for need in step.n_to_n_needs:
            before = self.outcome(self.pipeline.step(need))
            blocked |= set() if before is None else before.own | before.upstream
        if step.aggregate is not None:
            return outcome_of_levels(step, fates, sum(children))
        return outcome_of(step, fates, self._numbers(step, children), blocked)

    def _numbers(self, step: Step, children: tuple[int, ...]) -> tuple[range, ...]:
        """The numbers of each group's items."""
        if continues(step):
            lead = self.pipeline.step(min(step.n_to_n_needs))
            return self._numbers(lead, children)
        listed, there = self.items.get(step.name), self.left_out(step)
        if listed is None:
            return tuple(range(count) for count in children)
        if not step.groups:
            return (range(listed - there),)
        assert step.chunk is not None, step
        few = max(0, min(listed, 2) - there)
        start = children[0] * step.chunk
        return (range(few), range(start, start + listed - there - few))

    def _sizes(self, name: str) -> list[int]:
        step = self.pipeline.step(name)
        if continues(step):
            return self._sizes(min(step.n_to_n_needs))
        canary = canary_children(step, WAITING_STEP, step.chunk or 1)
        return [part.size for part in parts_of_groups(self.children(step) or (), canary)]

    def parts(self, step: Step) -> int:
        return sum(len(split(count)) for count in self.children(step) or () if count)

    def is_refused(self) -> bool:
        """Whether no such run may start: what its file says can never be done."""
        skipped: set[str] = set()
        for step in self.pipeline.order:
            if step.when == "1 == 2" or not skipped.isdisjoint(step.needs):
                skipped.add(step.name)
                continue
            size = self._written_size(step)
            n_to_n_needs = {
                self._written_size(self.pipeline.step(name)) for name in step.n_to_n_needs
            }
            if size is not None and (size > CHILDREN_MAX or n_to_n_needs - {None, size}):
                return True
        return False

    def _written_size(self, step: Step) -> int | None:
        """Children that the pipeline itself says; None if they are counted in a run."""
        if step.for_each is not None or step.aggregate is not None:
            return None
        if step.array_size is not None:
            return int(step.array_size)
        return (
            self._written_size(self.pipeline.step(min(step.n_to_n_needs)))
            if step.n_to_n_needs
            else 1
        )

    def expected_steps(self) -> dict[str, frozenset[StepStatus]]:
        """The oracle: how each step may end, by plain graph reasoning."""
        expected: dict[str, frozenset[StepStatus]] = {}
        for step in self.pipeline.order:
            expected[step.name] = self._expected(step, expected)
        also = {CANCELLED} if self.is_stopped else set()
        also |= set() if self.room_bytes is None else {FAILED, SKIPPED}
        for step in self.pipeline.steps:
            if step.is_finally and step.when is not None:  # by what the others came to
                expected[step.name] |= {SKIPPED}
        return {name: statuses | also for name, statuses in expected.items()}

    def _expected(
        self, step: Step, so_far: dict[str, frozenset[StepStatus]]
    ) -> frozenset[StepStatus]:
        if any(so_far[need] == ANY_END for need in step.needs):
            return ANY_END
        if any(need in self.unprepared for need in step.n_to_n_needs):
            # too late to begin, in time, or in a redrive, with failures of its own alone
            return ANY_END
        events = [need for need in step.needs if need not in step.n_to_n_needs]
        if not all(self._lets_run(need, so_far) for need in events):
            return frozenset({SKIPPED})
        if any(not self._lets_run(upstream, so_far) for upstream in step.n_to_n_needs):
            # in time, and its N_TO_N dependencies fail; or too late to begin
            started = all(self._may_start(upstream, so_far) for upstream in step.n_to_n_needs)
            return frozenset({SKIPPED, FAILED}) if started else frozenset({SKIPPED})
        if step.when == "1 == 2":
            return frozenset({SKIPPED})
        children = self.children(step)
        if children is None or sum(children) > CHILDREN_MAX:
            return frozenset({FAILED})
        has_n_to_n_needs = any(self._sizes(upstream) for upstream in step.n_to_n_needs)
        if not sum(children) and not has_n_to_n_needs:
            return frozenset({SKIPPED})
        if any(
            self._sizes(upstream) not in ([], self._sizes(step.name))
            for upstream in step.n_to_n_needs
        ):
            return frozenset({FAILED})
        outcome = self.outcome(step)
        if outcome is not None:
            return frozenset({outcome.status})
        fates = [self.fate(step.label, part) for part in range(self.parts(step))]
        all_well = all(fate is JobOutcome.SUCCEEDED for fate in fates)
        return frozenset({SUCCEEDED if all_well else FAILED})

    def _may_start(self, upstream: str, so_far: dict[str, frozenset[StepStatus]]) -> bool:
        """Whether the upstream step ever had parts."""
        is_counted = self.children(self.pipeline.step(upstream)) is not None
        return FAILED in so_far[upstream] and (is_counted or upstream in self.item_fates)

    def _lets_run(self, need: str, so_far: dict[str, frozenset[StepStatus]]) -> bool:
        if so_far[need] <= {SUCCEEDED, PARTIAL}:
            return True
        step = self.pipeline.step(need)
        children = self.children(step)
        nothing_to_do = (
            children is not None
            and not sum(children)
            and step.when != "1 == 2"
            and all(self._lets_run(upstream, so_far) for upstream in step.needs)
        )
        return so_far[need] == {SKIPPED} and nothing_to_do

    def expected_run(self, run: Run) -> RunStatus:
        """What a run comes to whose steps have ended like this one's."""
        statuses = {state.status for state in run.steps.values()}
        if CANCELLED in statuses:
            return RunStatus.FAILED if self.pipeline.timeout_s else RunStatus.CANCELLED
        if FAILED in statuses:
            return RunStatus.FAILED
        return RunStatus.PARTIAL if PARTIAL in statuses else RunStatus.SUCCEEDED


def random_plan(rng: random.Random) -> Plan:
    """A graph of 1 to 8 steps, now and then of 40 or 200, with failures sprinkled in."""
    kind = rng.random()
    if kind < 0.01:
        return _corner(rng)
    count = rng.choice((1, 2, 3, 3, 4, 5, 6, 8)) if kind < 0.97 else 40 if kind < 0.998 else 200
    failing = rng.random() < 0.5
    steps: list[Step] = []
    items: dict[str, int | None] = {}
    there: dict[str, int] = {}
    fates: dict[tuple[str, int], JobOutcome | None] = {}
    for number in range(count):
        step = _random_step(rng, number, steps)
        steps.append(step)
        if step.for_each:
            items[step.name] = _random_items(rng, failing)
        if step.skip_existing:
            there[step.name] = rng.choice((0, 1, 2, 7))
        for part in range(3):
            if failing and rng.random() < 0.1:
                fates[step.label, part] = rng.choice((JobOutcome.FAILED, None))
    rules = (
        NoticeRule(
            topic=TOPIC,
            on=frozenset({"SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"}),
            link=f"s3://{BUCKET}/result",
            presign_s=3_600,
        ),
        NoticeRule(topic=TOPIC, on=frozenset({"FAILED"})),
    )
    stop = rng.random()
    pipeline = Pipeline(
        name="sim",
        version=1,
        steps=tuple(steps),
        notify=rules[: rng.randint(0, 2)],
        timeout_s=rng.choice((60, 3_600, 20_000)) if stop < 0.1 else None,
    )
    return Plan(
        pipeline=pipeline,
        items=items,
        there=there,
        fates=fates,
        poison=frozenset(name for name in items if failing and rng.random() < 0.1),
        is_stopped=stop < 0.3,
    )


def with_little_room(plan: Plan, rng: random.Random) -> Plan:
    """The same, but now and then with wider arrays, and a state that may grow by little only."""
    if rng.random() >= 0.25:
        return plan
    steps = tuple(map(_wider, plan.pipeline.steps))
    pipeline = replace(plan.pipeline, steps=steps)
    return replace(plan, pipeline=pipeline, room_bytes=rng.choice(LITTLE_ROOM_BYTES))


def with_failed_items(plan: Plan, rng: random.Random) -> Plan:
    """The same, but now and then its steps retry and tolerate failed items."""
    if rng.random() >= 0.4:
        return plan
    steps, item_fates = with_retries(plan.pipeline.steps, rng)
    labels = {step.label for step in steps if step.name in item_fates}
    return replace(
        plan,
        pipeline=replace(plan.pipeline, steps=steps),
        item_fates=item_fates,
        fates={key: fate for key, fate in plan.fates.items() if key[0] not in labels},
    )


def with_report(plan: Plan, rng: random.Random) -> Plan:
    """The same, but now and then it leaves a report when it ends."""
    return replace(plan, pipeline=replace(plan.pipeline, report=rng.random() < 0.3))


def _wider(step: Step) -> Step:
    size = WIDER.get(step.array_size)
    return (
        step
        if size is None
        else replace(step, request={**step.request, "arrayProperties": {"size": size}})
    )


def _corner(rng: random.Random) -> Plan:
    """What chance alone reaches once in a million: a sequence whose first submission is refused,
    while the run is cancelled."""
    request: dict[str, Json] = {"jobQueue": QUEUE, "jobDefinition": "noop:1"}
    request["arrayProperties"] = {"size": 25_000}
    step = Step(name="Step0", request=request, sequential=True)
    pipeline = Pipeline(name="sim", version=1, steps=(step,))
    fates: dict[tuple[str, int], JobOutcome | None] = {(step.label, rng.choice((0, 1))): None}
    return Plan(pipeline=pipeline, items={}, fates=fates, is_stopped=True)


def _random_step(rng: random.Random, number: int, earlier: list[Step]) -> Step:
    names = [step.name for step in earlier]
    needs = tuple(rng.sample(names, k=rng.randint(0, min(3, len(names)))))
    request: dict[str, object] = {"jobQueue": QUEUE, "jobDefinition": "noop:1"}
    flow: dict[str, object] = {"when": rng.choice((None,) * 8 + ("1 == 1", "1 == 2"))}
    kind = rng.random()
    arrays = [s for s in earlier if s.name in needs and _may_have_n_to_n(s)]
    if arrays and kind < 0.4:
        upstream, own = rng.choice(arrays), rng.random()
        flow["n_to_n_needs"] = frozenset({upstream.name})
        if _skips(upstream, earlier):
            flow |= {"output": f"s3://{BUCKET}/{number}/${{item}}.json", "when": None}
        elif own > 0.9:  # equal to its upstream's by chance only
            request["arrayProperties"] = {"size": rng.choice((2, 10))}
        elif own < 0.2:
            file = f"s3://{BUCKET}/items-{number}.json"
            flow["for_each"] = ListFile(file=file, format=ListFormat.JSON, items="Items")
    elif kind < 0.6:
        flow |= _random_items_flow(rng, number)
    elif kind < 0.75:
        request["arrayProperties"] = {"size": rng.choice(SIZES)}
        flow["sequential"] = rng.random() < 0.3
    elif kind < 0.85 and (sources := [s for s in earlier if s.output and _is_small(s)]):
        of = rng.choice(sources).name
        flow["aggregate"] = Aggregate(of=of, fan_in=2)
        flow["output"] = f"s3://{BUCKET}/{number}/all.json"
        needs = (*needs, *({of} - set(needs)))
    return Step(name=f"Step{number}", needs=needs, request=request, **flow)  # type: ignore[arg-type]


def _random_items_flow(rng: random.Random, number: int) -> dict[str, object]:
    """A fan-out: plain, in chunks, in groups, or from a queue."""
    file = f"s3://{BUCKET}/items-{number}.json"
    flow: dict[str, object] = {
        "for_each": ListFile(file=file, format=ListFormat.JSON, items="Items"),
        "output": f"s3://{BUCKET}/{number}/${{item}}.json",
        "chunk": rng.choice((1, 1, 2, 3)),
    }
    more = rng.random()
    if more < 0.2:
        flow["workers"] = rng.choice((1, 2, 5))
    elif more < 0.4:
        flow["groups"] = (Group(when="item < 2", overrides={"jobQueue": QUEUE}),)
    if rng.random() < 0.3:
        flow["skip_existing"] = flow["output"]
    return flow


def _skips(upstream: Step, earlier: list[Step]) -> bool:
    """Whether items of an N_TO_N upstream may be left out."""
    steps = {step.name: step for step in earlier}
    return any(steps[name].skip_existing for name in heads(steps, upstream.name))


def _may_have_n_to_n(step: Step) -> bool:
    is_array = step.for_each is not None or step.array_size is not None or bool(step.n_to_n_needs)
    return is_array and step.workers is None


def _is_small(step: Step) -> bool:
    return step.for_each is not None or continues(step)


def _random_items(rng: random.Random, failing: bool) -> int | None:
    if failing and rng.random() < 0.1:
        return None
    return rng.choice((0, 1, 2, 3, 7))
