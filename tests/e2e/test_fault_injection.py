"""One example in bad weather, drawn by chance; `make chaos` plays all of them over 200 seeds."""

from __future__ import annotations

import random

import pytest

from verification.fault_injection.faults import check, play

pytestmark = pytest.mark.cloud
QUICK = ("array-workflow", "checkpoint", "incremental")


def test_an_example_ends_right_in_bad_weather() -> None:
    seed = random.SystemRandom().randrange(10**9)
    example = random.Random(seed).choice(QUICK)
    print(f"{example}, seed {seed}")
    check(play(example, None), play(example, seed))
