"""A step whose items' peaks are known gets what they need, within 5 %."""

from __future__ import annotations

import random
from typing import Any

import pytest

from batchrelay.domain.sizing import MIB, Size, Used, advise, split_by_size

NOW = Size(vcpus=4, memory_mib=16_384)


def used(peak: float | None, seconds: float = 10, cpu: float | None = None, **more: Any) -> Used:
    return Used(seconds=seconds, peak_mib=peak, cpu_s=cpu, **more)


def items_from(low: int, high: int, count: int = 1_000) -> list[Used]:
    """Peaks spread evenly: the 99th percentile is known."""
    step = (high - low) / (count - 1)
    peaks = [low + place * step for place in range(count)]
    random.Random(1).shuffle(peaks)
    return [used(peak) for peak in peaks]


@pytest.mark.parametrize("headroom", [1.0, 1.2, 1.5])
@pytest.mark.parametrize(("low", "high"), [(1_000, 2_000), (3_000, 3_000), (200, 12_000)])
def test_memory_is_within_5_percent_of_what_known_peaks_need(
    low: int, high: int, headroom: float
) -> None:
    need = (low + 0.99 * (high - low)) * headroom
    advice = advise(items_from(low, high), now=NOW, is_fargate=False, headroom=headroom)
    assert advice is not None
    assert need * 0.999 <= advice.size.memory_mib <= need * 1.05
    assert advice.items == 1_000
    killed = sum(low + n * (high - low) / 999 > advice.size.memory_mib for n in range(1_000))
    assert advice.killed == killed / 1_000 <= 0.01


@pytest.mark.parametrize(
    ("peak", "cpu", "size"),
    [
        (300, 2.0, Size(vcpus=0.25, memory_mib=512)),
        (500, 2.0, Size(vcpus=0.25, memory_mib=1_024)),
        (300, 3.0, Size(vcpus=0.25, memory_mib=512)),
        (300, 3.1, Size(vcpus=0.5, memory_mib=1_024)),
        (300, 10.4, Size(vcpus=1, memory_mib=2_048)),
        (1_800, 2.0, Size(vcpus=0.5, memory_mib=3_072)),
        (7_000, 2.0, Size(vcpus=2, memory_mib=9_216)),
        (30_000, 2.0, Size(vcpus=8, memory_mib=36_864)),
    ],
)
def test_fargate_has_pairs(peak: float, cpu: float, size: Size) -> None:
    advice = advise([used(peak, cpu=cpu)], now=NOW, is_fargate=True, headroom=1.2)
    assert advice is not None
    assert advice.size == size
    assert not advice.is_too_small


def test_more_than_fargate_has_is_reported() -> None:
    advice = advise([used(250_000)], now=NOW, is_fargate=True, headroom=1.2)
    assert advice is not None
    assert (advice.size, advice.killed) == (Size(vcpus=32, memory_mib=249_856), 1.0)
    assert advice.is_too_small


def test_vcpus_are_seconds_of_cpu_over_seconds_of_items_that_took_one_try() -> None:
    items = [used(100, 10, 15), used(100, 30, 45), used(100, 1_000, 1, tries=3)]
    advice = advise(items, now=NOW, is_fargate=False, headroom=1.2)
    assert advice is not None
    assert (advice.cpu_ratio, advice.size.vcpus) == (1.5, 2)
    again = advise([used(100, 10, 5, tries=2)], now=NOW, is_fargate=False, headroom=1.2)
    assert again is not None
    assert (again.cpu_ratio, again.size.vcpus) == (0.5, 1)


def test_without_seconds_of_cpu_the_vcpus_stay() -> None:
    advice = advise([used(100)], now=NOW, is_fargate=False, headroom=1.2)
    assert advice is not None
    assert (advice.cpu_ratio, advice.size) == (None, Size(vcpus=4, memory_mib=128))


def test_without_peaks_there_is_no_advice() -> None:
    assert advise([], now=NOW, is_fargate=False, headroom=1.2) is None
    assert advise([used(None, cpu=1)], now=NOW, is_fargate=False, headroom=1.2) is None


def test_an_item_that_ran_out_of_memory_needed_more_than_it_had() -> None:
    items = [used(None, is_out_of_memory=True), used(15_000, is_out_of_memory=True), used(100)]
    advice = advise(items, now=NOW, is_fargate=False, headroom=1.2)
    assert advice is not None
    assert (advice.peak_mib, advice.items) == (16_384, 3)


# --- by item.size


def sized(count: int, mib: int, peak: float) -> list[Used]:
    return [used(peak, size=mib * MIB) for _ in range(count)]


def test_two_sizes_of_items_with_two_peaks_are_two_groups() -> None:
    items = sized(900, 100, 400) + sized(100, 2_000, 8_000)
    split = split_by_size(items, now=NOW, is_fargate=False, headroom=1.2)
    assert split is not None
    assert 100 <= split.above_mib < 2_000
    assert (split.large.items, split.large.size.memory_mib) == (100, 9_600)
    assert (split.others.items, split.others.size.memory_mib) == (900, 512)
    assert split.saving == pytest.approx(1 - (100 * 9_600 + 900 * 512) / (1_000 * 9_600))


def test_peaks_that_grow_with_the_size_are_split_where_it_saves_most() -> None:
    items = [used(100 + n, size=n * MIB) for n in range(1_000)]
    split = split_by_size(items, now=NOW, is_fargate=False, headroom=1.0)
    assert split is not None
    assert 350 <= split.above_mib <= 650
    assert split.saving > 0.2


@pytest.mark.parametrize("seed", range(10))
def test_peaks_that_have_nothing_to_do_with_the_size_are_not_split(seed: int) -> None:
    chance = random.Random(seed)
    items = [used(chance.uniform(100, 8_000), size=n * MIB) for n in range(500)]
    assert split_by_size(items, now=NOW, is_fargate=False, headroom=1.2) is None


@pytest.mark.parametrize(
    "items",
    [
        sized(985, 100, 400) + sized(15, 2_000, 8_000),
        sized(19, 100, 400) + sized(19, 2_000, 8_000),
        sized(900, 100, 7_000) + sized(100, 2_000, 8_000),
        [*sized(900, 100, 400), *sized(100, 2_000, 8_000), used(100)],
        sized(1_000, 100, 400),
        [],
    ],
    ids=["few large", "few", "saves little", "one without a size", "one size", "none"],
)
def test_a_split_that_is_not_worth_it_is_not_advised(items: list[Used]) -> None:
    assert split_by_size(items, now=NOW, is_fargate=False, headroom=1.2) is None


def test_a_split_on_one_pair_of_fargate_saves_nothing() -> None:
    items = sized(500, 100, 100) + sized(500, 2_000, 400)
    assert split_by_size(items, now=NOW, is_fargate=True, headroom=1.2) is None


def test_what_the_other_containers_leave_of_a_pair_of_fargate_is_advised() -> None:
    beside = Size(vcpus=0.5, memory_mib=600)
    advice = advise([used(1_000, cpu=3.0)], now=NOW, is_fargate=True, headroom=1.2, beside=beside)
    assert advice is not None
    assert advice.size == Size(vcpus=0.5, memory_mib=2_048 - 600)
    on_ec2 = advise([used(1_000)], now=NOW, is_fargate=False, headroom=1.2, beside=beside)
    assert on_ec2 is not None
    assert on_ec2.size == Size(vcpus=4, memory_mib=1_216)
    largest = advise([used(260_000)], now=NOW, is_fargate=True, headroom=1, beside=beside)
    assert largest is not None
    assert (largest.size, largest.is_too_small) == (Size(vcpus=31.5, memory_mib=249_256), True)
