"""One example with injected faults; `make verify-faults` plays all of them over 200 seeds."""

from __future__ import annotations

import pytest

from verification.fault_injection.faults import check, play

pytestmark = pytest.mark.cloud
EXAMPLE, SEED = "checkpoint", 14


def test_an_example_ends_right_with_injected_faults() -> None:
    check(play(EXAMPLE, None), play(EXAMPLE, SEED))
