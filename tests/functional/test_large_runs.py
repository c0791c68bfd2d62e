"""Runs of as many steps as a pipeline may have."""

from __future__ import annotations

from tests.builders import run_of, step
from tests.unit.domain.test_n_to_n import after, submitted, succeeded


def test_a_run_of_500_steps_ends() -> None:
    steps = [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, 500))]
    run = run_of(*steps)
    for one in steps:
        run = after(run, submitted(one.name), succeeded(one.name))
    assert run.status.is_terminal
