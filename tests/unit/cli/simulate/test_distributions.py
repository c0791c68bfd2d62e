"""Distributions: how they are written, and what is drawn from them."""

from __future__ import annotations

import math
import re
import statistics
from random import Random

import pytest

from batchrelay_cli.simulate.distributions import parse_distribution

DRAWS = 20_000


def draws(text: str) -> list[float]:
    rng = Random(7)
    return [parse_distribution(text).draw_s(rng) for _ in range(DRAWS)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("1.5m", 90),
        ("200ms", 0.2),
        ("2h", 7_200),
        ("1d", 86_400),
        ("0s", 0),
        ("constant(30s)", 30),
        ("constant( value = 30s )", 30),
        ("uniform(5s, 5s)", 5),
        ("exponential(0s)", 0),
        ("lognormal(median=60s, sigma=0)", 60),
        ("lognormal(60s, 0)", 60),
        ("lognormal(sigma=0, median=1m)", 60),
    ],
)
def test_what_is_written_is_what_it_takes(text: str, seconds: float) -> None:
    assert parse_distribution(text).draw_s(Random(1)) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("60", "'60' is no duration: write a number with its unit (ms, s, m, h, d), such as 60s"),
        ("", "'' is no duration"),
        ("-1s", "'-1s' is no duration"),
        ("31d", "31d is longer than 30 days"),
        ("gauss(60s, 5s)", "there is no distribution gauss: write one of constant(30s), uniform"),
        ("constant()", "'' is no duration"),
        ("uniform(10s)", "uniform(10s): it has min, max: write uniform(10s, 60s)"),
        ("uniform(60s, 10s)", "uniform: its min, 60 s, is more than its max, 10 s"),
        ("uniform(1s, 2s, 3s)", "uniform(1s, 2s, 3s): write uniform(10s, 60s)"),
        ("uniform(min=1s, 2s)", "uniform(min=1s, 2s): write uniform(10s, 60s)"),
        ("uniform(1s, min=2s)", "'min' is not wanted here"),
        ("exponential(rate=2)", "'rate' is not wanted here: write exponential(mean=60s)"),
        ("lognormal(median=0s, sigma=1)", "lognormal: its median is more than 0"),
        ("lognormal(median=60s, sigma=5s)", "sigma is a number from 0 to 5 without a unit"),
        ("lognormal(median=60s, sigma=6)", "sigma is a number from 0 to 5 without a unit"),
    ],
)
def test_what_is_written_otherwise_is_refused_with_what_to_write(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parse_distribution(text)


def test_what_is_drawn_has_the_shape_that_is_named() -> None:
    uniform, exponential = draws("uniform(10s, 60s)"), draws("exponential(mean=60s)")
    lognormal = draws("lognormal(median=60s, sigma=0.5)")
    assert min(uniform) >= 10
    assert max(uniform) <= 60
    assert statistics.mean(uniform) == pytest.approx(35, rel=0.02)
    assert statistics.mean(exponential) == pytest.approx(60, rel=0.03)
    assert statistics.median(exponential) == pytest.approx(60 * math.log(2), rel=0.03)
    assert statistics.median(lognormal) == pytest.approx(60, rel=0.02)
    assert statistics.stdev(map(math.log, lognormal)) == pytest.approx(0.5, rel=0.02)


def test_a_draw_is_in_milliseconds_and_never_longer_than_a_month() -> None:
    assert parse_distribution("1.5s").draw_ms(Random(1)) == 1_500
    rng = Random(1)
    long = parse_distribution("lognormal(median=20d, sigma=5)")
    assert max(long.draw_ms(rng) for _ in range(100)) == 30 * 86_400_000
