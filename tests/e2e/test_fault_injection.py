"""One example under fault injection, drawn by chance; `make verify-faults` plays 200 seeds."""

from __future__ import annotations

import random

import pytest

from verification.fault_injection.faults import check, play

pytestmark = pytest.mark.cloud
QUICK = ("array-workflow", "checkpoint", "incremental")


def test_an_example_ends_right_under_fault_injection() -> None:
    seed = random.SystemRandom().randrange(10**9)
    example = random.Random(seed).choice(QUICK)
    print(f"{example}, seed {seed}")
    check(play(example, None), play(example, seed))
