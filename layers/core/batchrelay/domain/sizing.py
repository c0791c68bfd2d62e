"""How much memory and how many vCPUs the items of a step need, by what items used.

Memory is the 99th percentile (nearest rank) of the items' peaks × a headroom, rounded up to what
there is. An item that ran out of memory needed more than it had: it counts with what it had, or
with its peak. vCPUs are the seconds of CPU over the seconds of the items that took one try (a wait
between tries uses none), rounded up; 5 % of a vCPU more are no reason for the next size.

Two sizes by `item.size` are advised if they save a fifth of the memory × seconds, and if each part
has 20 items and a twentieth of all. Where the size does not explain the peak, both parts need
about the same, and nothing is saved: so no correlation is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

FARGATE_MIB: Mapping[str, tuple[int, ...]] = {
    "0.25": (512, 1_024, 2_048),
    "0.5": tuple(range(1_024, 4_097, 1_024)),
    "1": tuple(range(2_048, 8_193, 1_024)),
    "2": tuple(range(4_096, 16_385, 1_024)),
    "4": tuple(range(8_192, 30_721, 1_024)),
    "8": tuple(range(16_384, 61_441, 4_096)),
    "16": tuple(range(32_768, 122_881, 8_192)),
    "32": (61_440, 122_880, 249_856),
}
"""MiB of memory for each amount of vCPUs. Source: ResourceRequirement, value."""

PERCENTILE = 0.99
VCPU_SLACK = 0.05
EC2_STEP_MIB = 64
"""EC2 takes any MiB; a rounder number reads better, and costs 32 MiB on average."""

SPLIT_SAVING_MIN = 0.2
SPLIT_ITEMS_MIN = 20
SPLIT_PART_MIN = 0.05
SPLIT_CUTS = 19
"""Sizes that are tried: every twentieth of the items."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What an item used."""

    seconds: float
    peak_mib: float | None
    cpu_s: float | None
    tries: int = 1
    is_out_of_memory: bool = False
    size: int | None = None
    """Bytes, of `item.size`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a job asks for."""

    vcpus: float
    memory_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A size, and why."""

    size: Size
    peak_mib: float
    """The percentile that it was made of."""
    cpu_ratio: float | None
    """vCPUs that items kept busy; None if no item's seconds of CPU are known."""
    killed: float
    """Share of the items that had not fitted: 0 to 1."""
    items: int
    is_too_small: bool = False
    """There is nothing as large on Fargate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A size for large items, and one for the others."""

    above_mib: int
    large: Advice
    others: Advice
    saving: float
    """Share of the memory × seconds."""


NOTHING = Size(vcpus=0, memory_mib=0)


def advise(
    items: Sequence[Used], *, now: Size, is_fargate: bool, headroom: float, beside: Size = NOTHING
) -> Advice | None:
    """What items should have; None if no peak is known.

    Args:
        beside: what the other containers of the job have: on Fargate all are one pair together.
    """
    peaks = sorted(peak for item in items if (peak := _peak(item, now)) is not None)
    if not peaks:
        return None
    peak = peaks[math.ceil(PERCENTILE * len(peaks)) - 1]
    ratio = _cpu_ratio(items)
    vcpus = now.vcpus if ratio is None else ratio
    need = math.ceil(peak * headroom)
    size = _fargate_size(vcpus, need, beside) if is_fargate else _ec2_size(vcpus, need)
    return Advice(
        size=size,
        peak_mib=peak,
        cpu_ratio=ratio,
        killed=sum(one > size.memory_mib for one in peaks) / len(peaks),
        items=len(peaks),
        is_too_small=size.memory_mib < need,
    )


def split_by_size(
    items: Sequence[Used], *, now: Size, is_fargate: bool, headroom: float, beside: Size = NOTHING
) -> Split | None:
    """The split that saves most; None if none saves enough."""
    known = sorted((item for item in items if item.size is not None), key=lambda one: one.size or 0)

    def advice(part: Sequence[Used]) -> Advice | None:
        return advise(part, now=now, is_fargate=is_fargate, headroom=headroom, beside=beside)

    whole = advice(known)
    if whole is None or len(known) < len(items):
        return None
    cuts = {_cut(known, place / (SPLIT_CUTS + 1)) for place in range(1, SPLIT_CUTS + 1)}
    splits = [split for cut in sorted(cuts) if (split := _split(known, cut, whole, advice))]
    best = max(splits, key=lambda split: split.saving, default=None)
    return best if best is not None and best.saving >= SPLIT_SAVING_MIN else None


def _split(
    items: Sequence[Used],
    above_mib: int,
    whole: Advice,
    advice: Callable[[Sequence[Used]], Advice | None],
) -> Split | None:
    large = [item for item in items if (item.size or 0) > above_mib * MIB]
    others = [item for item in items if (item.size or 0) <= above_mib * MIB]
    least = max(SPLIT_ITEMS_MIN, SPLIT_PART_MIN * len(items))
    of_large, of_others = advice(large), advice(others)
    if min(len(large), len(others)) < least or of_large is None or of_others is None:
        return None
    split = _held(large, of_large) + _held(others, of_others)
    saving = 1 - split / max(_held(items, whole), 1e-9)
    return Split(above_mib=above_mib, large=of_large, others=of_others, saving=saving)


def _held(items: Sequence[Used], advice: Advice) -> float:
    """MiB × seconds that items of this size hold."""
    return advice.size.memory_mib * sum(item.seconds for item in items)


def _cut(items: Sequence[Used], share: float) -> int:
    """MiB below which so large a share of the items is, to two digits."""
    size = math.ceil((items[int(share * len(items))].size or 0) / MIB)
    step: int = 10 ** max(0, len(str(size)) - 2)
    return math.ceil(size / step) * step


def _peak(item: Used, now: Size) -> float | None:
    if item.is_out_of_memory:
        return max(item.peak_mib or 0, now.memory_mib)
    return item.peak_mib


def _cpu_ratio(items: Sequence[Used]) -> float | None:
    timed = [item for item in items if item.cpu_s is not None and item.seconds > 0]
    once = [item for item in timed if item.tries == 1] or timed
    if not once:
        return None
    return sum(item.cpu_s or 0 for item in once) / sum(item.seconds for item in once)


def _fargate_size(vcpus: float, need: int, beside: Size) -> Size:
    """What the smallest pair that has both leaves to it; of the largest pair if none has."""
    vcpus, need = vcpus + beside.vcpus, need + beside.memory_mib
    for text, choices in FARGATE_MIB.items():
        memory = next((choice for choice in choices if choice >= need), None)
        if float(text) >= vcpus - VCPU_SLACK and memory is not None:
            break
    else:
        text, memory = "32", FARGATE_MIB["32"][-1]
    return Size(vcpus=float(text) - beside.vcpus, memory_mib=memory - beside.memory_mib)


def _ec2_size(vcpus: float, need: int) -> Size:
    memory = math.ceil(need / EC2_STEP_MIB) * EC2_STEP_MIB
    return Size(vcpus=max(1, math.ceil(vcpus - VCPU_SLACK)), memory_mib=memory)
