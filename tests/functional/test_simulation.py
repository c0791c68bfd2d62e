"""The simulation in its short form; `make verify-simulation` is the long one."""

from __future__ import annotations

from collections import Counter

from verification.simulation.coverage import UNREACHED, Coverage
from verification.simulation.play import play
from verification.simulation.triggers import play_triggers

RUNS = 400
FIRST_SEED = 10_000
"""Beyond those of the long simulation, which begins with 1 and plays what SEED and RUNS say."""

KNOWN_SEEDS = (*range(300), 329, 381, 417, 745, 1_084, 1_894, 20_101, 20_672, 30_202)
"""Enough to reach every row that the simulation can; the last were chosen of 3,000 and of 1,000
behind 20,000 for the rows that few runs reach."""


def test_random_runs_end_right_with_every_fault() -> None:
    counts: Counter[str] = Counter()
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        counts += play(seed)
    for name in ("crash", "save", "submit", "find", "describe", "publish", "request", "terminate"):
        assert counts[name], f"the simulation never reached {name}"


def test_known_seeds_end_right_and_reach_every_row() -> None:
    coverage = Coverage()
    for seed in KNOWN_SEEDS:
        play(seed, coverage)
    assert set(coverage.missing()) == UNREACHED


def test_uploads_with_every_fault_are_in_one_run_and_queued_runs_do_not_overlap() -> None:
    counts: Counter[str] = Counter()
    for seed in range(2 * RUNS):
        counts += play_triggers(seed)
    for name in ("crash", "create", "save_run_queue", "collect", "extend", "close", "send"):
        assert counts[name], f"the simulation never reached {name}"


def test_from_every_state_of_random_runs_a_cancellation_leads_to_the_end() -> None:
    """Also near the limit: a quarter of the runs has little room."""
    states, no_size_left = 0, 0
    for seed in range(60):
        counts = play(seed, fork=1.0)
        states += counts["cancelled beside"]
        no_size_left += counts["no room"]
    print(f"{states:,} states were cancelled; {no_size_left} steps had no room")
    assert states > 400
    assert no_size_left
