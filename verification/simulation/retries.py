"""Steps whose failed items run again: what each item does, and what the step must come to.

The oracle is a loop over rounds in plain sets. It knows nothing of manifests, events or parts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from batchrelay.domain.failures import FailureClass, RetryFailed, Tolerate
from batchrelay.domain.n_to_n_chains import continues
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import StepStatus

ALWAYS = 99
"""Tries of an item that never succeeds."""

WIDE = 100
"""Items from which a step is wide: few of them fail."""

ITEMS_MAX = 30_000

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
        rng = random.Random(f"{self.seed} {number}")
        return rng.choice(self.tries) if rng.random() < self.share else 0

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

    A step behind such a one (N_TO_N) has items that always fail, or never: what it comes to does not
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
    if step.aggregate is not None or step.workers is not None or step.sequential:
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
    tolerate = rng.choice((Tolerate(count=1), Tolerate(percent=50), Tolerate(percent=100)))
    return replace(
        step,
        retry_failed=retry if kind < 0.8 else None,
        tolerate=tolerate if kind >= 0.8 or rng.random() < 0.6 else None,
    )


@dataclass(kw_only=True)
class Outcome:
    """What a step comes to."""

    status: StepStatus
    own: set[int] = field(default_factory=set)
    """Items that failed of their own for good."""
    upstream: set[int] = field(default_factory=set)


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
    for round_number in range(1, ALWAYS):
        failed = dict(_failed_of_round(step, fates, waiting, tries))
        again = {n: g for n, g in failed.items() if _takes(step, fates, failed, n, round_number)}
        if not _is_tolerated(step, len(own) + len(failed) - len(again), count):
            again = {}
        own |= failed.keys() - again.keys()
        if not again:
            break
        waiting = {}
        for number, group in again.items():
            waiting.setdefault(group, []).append(number)
    if not own and not upstream:
        return Outcome(status=StepStatus.SUCCEEDED)
    good = _is_tolerated(step, len(own), count)
    status = StepStatus.PARTIAL if good else StepStatus.FAILED
    return Outcome(status=status, own=own, upstream=upstream)


def _failed_of_round(
    step: Step, fates: ItemFates, waiting: dict[int, list[int]], tries: dict[int, int]
) -> Iterator[tuple[int, int]]:
    """(item, group of the next round) of every item whose child fails: of a chunk, all of them."""
    assert step.chunk is not None, step
    grows = step.retry_failed is not None and step.retry_failed.memory_factor is not None
    for group, numbers in sorted(waiting.items()):
        for start in range(0, len(numbers), step.chunk):
            chunk = numbers[start : start + step.chunk]
            bad = [n for n in chunk if tries.get(n, 0) < fates.failing_tries(n)]
            for number in chunk:
                tries[number] = tries.get(number, 0) + 1
            if bad:
                is_short = fates.named(bad[0]) is FailureClass.OUT_OF_MEMORY
                after = group + (len(step.groups) + 1) * (grows and is_short)
                yield from ((number, after) for number in chunk)


def _takes(
    step: Step, fates: ItemFates, failed: dict[int, int], number: int, round_number: int
) -> bool:
    retry = step.retry_failed
    if retry is None or round_number > retry.rounds + bool(step.n_to_n_needs):
        return False
    named = fates.named(number)
    return retry.takes(named, REASONS[named][0])


def _is_tolerated(step: Step, failed: int, items: int) -> bool:
    return failed == 0 if step.tolerate is None else step.tolerate.covers(failed, items)


def is_pair(step: Step) -> bool:
    """Whether its children are those of the step before it."""
    return continues(step)
