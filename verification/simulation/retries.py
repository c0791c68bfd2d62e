"""Steps whose failed items run again: what each item does, and what the step must come to.

The oracle is a loop over rounds in plain sets. It knows nothing of manifests, events or parts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from batchrelay.adapters.memory import MemoryJob
from batchrelay.domain.failures import ChildFailure, FailureClass, RetryFailed, Tolerate
from batchrelay.domain.pipeline import Step
from batchrelay.domain.step_state import StepStatus

ALWAYS = 99
"""Tries of an item that never succeeds."""

WIDE = 100
"""Items from which a step is wide: few of them fail."""

ITEMS_MAX = 30_000

LEVEL = 1_000_000
"""Between the numbers of two levels' nodes."""

WHEN: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset({"ExitCode"}),
    frozenset({"OutOfMemory", "SpotInterruption"}),
    frozenset({"ExitCode:1", "OutOfMemory"}),
)


@dataclass(frozen=True, kw_only=True)
class ItemFates:
    """How often each item of a step fails before it succeeds, and for what."""

    seed: str
    share: float
    """How many of the items fail at all."""
    tries: tuple[int, ...]

    def failing_tries(self, number: int) -> int:
        """How many of an item's first tries fail."""
        if not self.share:
            return 0
        rng = random.Random(f"{self.seed} {number}")
        return rng.choice(self.tries) if rng.random() < self.share else 0

    def worker_fails(self, index: int) -> bool:
        """Whether a worker of a queue fails behind its last item."""
        return bool(self.share) and random.Random(f"{self.seed} worker {index}").random() < 0.3

    @staticmethod
    def named(number: int) -> FailureClass:
        """The class of an item's failures."""
        if number % 5 == 0:
            return FailureClass.OUT_OF_MEMORY
        return FailureClass.SPOT if number % 7 == 0 else FailureClass.EXIT_CODE


REASONS = {
    FailureClass.OUT_OF_MEMORY: (137, "OutOfMemoryError: Container killed due to memory usage"),
    FailureClass.SPOT: (None, "Host EC2 (instance i-0123456789abcdef0) terminated."),
    FailureClass.EXIT_CODE: (1, "Essential container in task exited"),
}


def with_retries(
    steps: tuple[Step, ...], rng: random.Random
) -> tuple[tuple[Step, ...], dict[str, ItemFates]]:
    """The same steps, some of which retry or tolerate; and what their items do.

    A step behind such a one (N_TO_N) has items that always fail, or never: its end does not
    depend on when it began.
    """
    fates: dict[str, ItemFates] = {}
    changed: list[Step] = []
    for step in steps:
        behind = bool(step.n_to_n_needs & fates.keys())
        has_pairs = any(step.name in other.n_to_n_needs for other in steps)
        if not behind and (rng.random() < 0.5 or not _may_retry(step, has_pairs=has_pairs)):
            changed.append(step)
            continue
        wide = step.array_size is not None and int(step.array_size) > WIDE
        fates[step.name] = ItemFates(
            seed=f"{rng.random()} {step.name}",
            share=rng.choice((0, 0.001) if wide else (0, 0.1, 0.5)),
            tries=(ALWAYS,) if step.n_to_n_needs else (1, 1, 2, ALWAYS),
        )
        changed.append(_retrying(step, rng, is_optional=behind))
    return tuple(changed), fates


def _may_retry(step: Step, *, has_pairs: bool) -> bool:
    if step.sequential:
        return False
    if step.n_to_n_needs or (has_pairs and step.chunk != 1):
        return False
    return step.array_size is None or int(step.array_size) <= ITEMS_MAX


def _retrying(step: Step, rng: random.Random, *, is_optional: bool) -> Step:
    kind = rng.random()
    if is_optional and kind < 0.3:
        return step
    retry = RetryFailed(
        rounds=rng.choice((1, 2)),
        when=rng.choice(WHEN),
        memory_factor=rng.choice((None, 2.0)),
        memory_mib=1_024,
    )
    if step.workers is not None:  # any of them may have the item that needs more
        retry = replace(retry, memory_factor=None)
    tolerate = rng.choice((Tolerate(count=1), Tolerate(percent=50), Tolerate(percent=100)))
    if step.aggregate is not None:
        return replace(step, retry_failed=retry)
    return replace(
        step,
        retry_failed=retry if kind < 0.8 else None,
        tolerate=tolerate if kind >= 0.8 or rng.random() < 0.6 else None,
    )


@dataclass(kw_only=True)
class Outcome:
    """What a step comes to."""

    status: StepStatus
    items: int
    """All of them; of an aggregate, the nodes of every level."""
    own: set[int] = field(default_factory=set)
    """Items that failed of their own for good."""
    upstream: set[int] = field(default_factory=set)
    never_begun: set[int] = field(default_factory=set)
    """The rest behind a canary that failed."""


def outcome_of(
    step: Step, fates: ItemFates, groups: tuple[range, ...], blocked: set[int]
) -> Outcome:
    """By rounds over sets.

    Args:
        groups: the numbers of each group's items.
        blocked: items whose item in a step before failed for good.
    """
    tries: dict[int, int] = {}
    upstream = {number for group in groups for number in group} & blocked
    waiting = {g: sorted(set(group) - blocked) for g, group in enumerate(groups)}
    own: set[int] = set()
    count = sum(len(group) for group in groups)
    stopped = _stopped_by_canary(step, fates, waiting, count)
    if stopped is not None:
        return stopped
    for round_number in range(1, ALWAYS):
        failed = dict(_failed_of_round(step, fates, waiting, tries))
        again = {n: g for n, (named, g) in failed.items() if _takes(step, named, round_number)}
        if not _is_tolerated(step, len(own) + len(failed) - len(again), count):
            again = {}
        own |= failed.keys() - again.keys()
        if not again:
            break
        waiting = {}
        for number, group in again.items():
            waiting.setdefault(group, []).append(number)
    if not own and not upstream:
        return Outcome(status=StepStatus.SUCCEEDED, items=count)
    good = _is_tolerated(step, len(own), count)
    status = StepStatus.PARTIAL if good else StepStatus.FAILED
    return Outcome(status=status, items=count, own=own, upstream=upstream)


def outcome_of_levels(step: Step, fates: ItemFates, nodes: int) -> Outcome:
    """Of an aggregate: the first level that does not succeed decides."""
    assert step.aggregate is not None, step
    total, level = 0, 0
    while True:
        first = level * LEVEL
        outcome = outcome_of(step, fates, (range(first, first + nodes),), set())
        total += nodes
        if nodes <= 1 or outcome.status is not StepStatus.SUCCEEDED:
            return replace(outcome, items=total)
        nodes, level = -(-nodes // step.aggregate.fan_in), level + 1


def _stopped_by_canary(
    step: Step, fates: ItemFates, waiting: dict[int, list[int]], count: int
) -> Outcome | None:
    """What it comes to if its canary fails, and something is left to run; a failed chunk is counted
    as if it were full."""
    if step.canary is None or step.chunk is None:
        return None
    lead = -(-step.canary // step.chunk) * step.chunk
    first = {group: numbers[:lead] for group, numbers in waiting.items()}
    rest = {number for numbers in waiting.values() for number in numbers[lead:]}
    chunks = [n[i : i + step.chunk] for n in first.values() for i in range(0, len(n), step.chunk)]
    bad = [chunk for chunk in chunks if any(map(fates.failing_tries, chunk))]
    items = min(len(chunks) * step.chunk, count)
    if not rest or _is_tolerated(step, min(len(bad) * step.chunk, items), items):
        return None
    own = {number for chunk in bad for number in chunk}
    return Outcome(status=StepStatus.FAILED, items=count, own=own, never_begun=rest)


def _failed_of_round(
    step: Step, fates: ItemFates, waiting: dict[int, list[int]], tries: dict[int, int]
) -> Iterator[tuple[int, tuple[FailureClass, int]]]:
    """Every item whose child fails (of a chunk, all of them; of a queue, it alone): its class, and
    its next group."""
    assert step.chunk is not None, step
    together = step.chunk if step.workers is None else 1
    grows = step.retry_failed is not None and step.retry_failed.memory_factor is not None
    for group, numbers in sorted(waiting.items()):
        for start in range(0, len(numbers), together):
            chunk = numbers[start : start + together]
            bad = [n for n in chunk if tries.get(n, 0) < fates.failing_tries(n)]
            for number in chunk:
                tries[number] = tries.get(number, 0) + 1
            if bad:
                named = fates.named(bad[0])
                is_short = named is FailureClass.OUT_OF_MEMORY
                after = group + (len(step.groups) + 1) * (grows and is_short)
                yield from ((number, (named, after)) for number in chunk)


def _takes(step: Step, named: FailureClass, round_number: int) -> bool:
    retry = step.retry_failed
    if retry is None or round_number > retry.rounds + bool(step.n_to_n_needs):
        return False
    return retry.takes(named, REASONS[named][0])


def _is_tolerated(step: Step, failed: int, items: int) -> bool:
    return failed == 0 if step.tolerate is None else step.tolerate.covers(failed, items)


# --- what the jobs of such a step do


@dataclass(kw_only=True)
class ItemRuns:
    """Which items ran in which round, as the containers saw it: by their requests alone."""

    objects: MutableMapping[str, bytes]
    messages: Mapping[str, list[str]]
    """Of every work queue, by its URL."""
    rounds: dict[tuple[str, int], set[int]] = field(default_factory=dict)
    """The rounds in which an item ran."""
    may_repeat: bool = False
    """Whether a part may have had a second job, whose success its step does not know."""
    succeeded: dict[tuple[str, int], int] = field(default_factory=dict)
    """The round in which it succeeded."""
    levels: set[tuple[str, int]] = field(default_factory=set)
    """The rounds of an aggregate that had all nodes of a level."""

    def failures(
        self, job: MemoryJob, step: Step, fates: ItemFates, failed_upstream: set[int]
    ) -> list[ChildFailure]:
        """The children of a job that fail; what they did is recorded.

        Args:
            failed_upstream: children whose child in the step before failed in this round.
        """
        environment = _environment(job)
        if step.workers is not None:
            return list(self._failed_workers(job, step, fates, environment))
        round_number = int(environment["BATCHRELAY_ROUND"])
        first = self._first_node(step, environment)
        found = []
        for index in range(job.size):
            child = f"{job.job_id}:{index}" if job.size > 1 else job.job_id
            if index in failed_upstream:
                found.append(ChildFailure(index=index, job_id=child, reason="Dependent Job failed"))
                continue
            numbers = [first + number for number in self._numbers(environment, index)]
            bad = [n for n in numbers if self._fails(step, fates, n, round_number)]
            for number in numbers:
                self._record(step.name, number, round_number, has_succeeded=not bad)
            if bad:
                code, reason = REASONS[fates.named(bad[0])]
                found.append(ChildFailure(index=index, job_id=child, exit_code=code, reason=reason))
        return found

    def _failed_workers(
        self, job: MemoryJob, step: Step, fates: ItemFates, environment: Mapping[str, str]
    ) -> Iterator[ChildFailure]:
        """Workers with an item that fails; what each did is in its record. A worker whose host is
        reclaimed records neither that item nor its own end."""
        round_number = int(environment["BATCHRELAY_ROUND"])
        rows = [int(body) for body in self.messages.get(environment["BATCHRELAY_QUEUE"], ())]
        for index in range(job.size):
            entries: list[dict[str, object]] = []
            bad: dict[int, FailureClass] = {}
            for row in rows[index :: job.size]:
                for number in self._numbers_of_row(environment, row):
                    has_failed = self._fails(step, fates, number, round_number)
                    self._record(step.name, number, round_number, has_succeeded=not has_failed)
                    named = fates.named(number)
                    if has_failed:
                        bad[number] = named
                    if not (has_failed and named is FailureClass.SPOT):
                        is_short = named is FailureClass.OUT_OF_MEMORY
                        code = (REASONS[named][0] or 0) * has_failed
                        entries.append(
                            {"n": number, "ok": not has_failed, "code": code, "oom": is_short}
                        )
            is_lost = FailureClass.SPOT in bad.values()
            document = {"done": not is_lost, "items": entries}
            uri = f"{environment['BATCHRELAY_RESULTS']}{index:07d}.json"
            self.objects[uri] = json.dumps(document).encode()
            if bad or fates.worker_fails(index):
                named = FailureClass.SPOT if is_lost else FailureClass.EXIT_CODE
                code_of_worker, reason = REASONS[named]
                child = f"{job.job_id}:{index}" if job.size > 1 else job.job_id
                yield ChildFailure(
                    index=index, job_id=child, exit_code=code_of_worker, reason=reason
                )

    def failing(self, job: MemoryJob, step: Step, fates: ItemFates) -> int:
        """How many children of a job at work will have failed."""
        environment = _environment(job)
        round_number = int(environment["BATCHRELAY_ROUND"])
        return sum(
            any(self._fails(step, fates, n, round_number) for n in self._numbers(environment, i))
            for i in range(job.size)
        )

    def forget(self, step: str) -> None:
        """The step runs anew, all of its items."""
        self.levels = {level for level in self.levels if level[0] != step}
        for records in (self.rounds, self.succeeded):
            for key in [key for key in records if key[0] == step]:
                del records[key]

    def _first_node(self, step: Step, environment: Mapping[str, str]) -> int:
        """What the numbers of a round begin with: an aggregate's nodes are counted level by level.

        A job of an earlier level may run again, as a duplicate.
        """
        if step.aggregate is None:
            return 0
        round_number = int(environment["BATCHRELAY_ROUND"])
        if "BATCHRELAY_ITEM_NUMBERS" not in environment:
            self.levels.add((step.name, round_number))
        begun = [n for name, n in self.levels if name == step.name and n <= round_number]
        return (len(begun) - 1) * LEVEL

    def _fails(self, step: Step, fates: ItemFates, number: int, round_number: int) -> bool:
        earlier = self.rounds.get((step.name, number), set()) - {round_number}
        return len(earlier) < fates.failing_tries(number)

    def _record(self, step: str, number: int, round_number: int, *, has_succeeded: bool) -> None:
        before = self.succeeded.get((step, number), round_number)
        assert self.may_repeat or before >= round_number, (
            f"{step}: item {number} ran after it had succeeded"
        )
        self.rounds.setdefault((step, number), set()).add(round_number)
        if has_succeeded:
            self.succeeded[step, number] = round_number

    def _numbers(self, environment: Mapping[str, str], index: int) -> list[int]:
        """The numbers of a child's items."""
        child = int(environment.get("BATCHRELAY_OFFSET", "0")) + index
        chunk = int(environment.get("BATCHRELAY_CHUNK", "1"))
        row = child - int(environment.get("BATCHRELAY_GROUP_OFFSET", "0"))
        if "BATCHRELAY_ITEM_NUMBERS" in environment or "BATCHRELAY_MANIFEST" in environment:
            return self._numbers_of_row(environment, row, (child - row) * chunk)
        return [child]

    def _numbers_of_row(
        self, environment: Mapping[str, str], row: int, group_start: int = 0
    ) -> list[int]:
        """The numbers of the items of a row of the manifest."""
        chunk = int(environment["BATCHRELAY_CHUNK"]) if "BATCHRELAY_CHUNK" in environment else 1
        start = row * chunk
        if "BATCHRELAY_ITEM_NUMBERS" in environment:
            lines = self._lines(environment["BATCHRELAY_ITEM_NUMBERS"])
            return [int(line) for line in lines[start : start + chunk]]
        count = len(self._lines(environment["BATCHRELAY_MANIFEST"])[start : start + chunk])
        return list(range(group_start + start, group_start + start + count))

    def _lines(self, uri: str) -> list[bytes]:
        return self.objects[uri].splitlines()


def _environment(job: MemoryJob) -> dict[str, str]:
    overrides: Any = job.request["containerOverrides"]
    return {entry["name"]: entry["value"] for entry in overrides["environment"]}
