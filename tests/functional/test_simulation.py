"""The simulation in its short form; `make verify-simulation` is the long one."""

from __future__ import annotations

from collections import Counter

from verification.simulation.coverage import UNREACHED, Coverage
from verification.simulation.play import play
from verification.simulation.triggers import play_triggers

RUNS = 400
FIRST_SEED = 10_000
"""Beyond those of the long simulation, which begins with 1 and plays what SEED and RUNS say."""

KNOWN_SEEDS = (
    68, 103, 133, 153, 189, 193, 195, 204, 227, 236, 268, 282, 286, 304, 313, 323, 329, 336,
    371, 376, 402, 405, 417, 421, 512, 527, 599, 622, 745, 765, 766, 807, 880, 925, 942, 1034,
    1294, 1328, 1347, 1358, 1408, 1459, 1467, 1729, 1879, 1929, 1937, 1958, 2072, 2114, 2226,
    2253, 2336, 2477, 2593, 2635, 2944, 20080, 20247, 20414, 20434, 20672, 20797, 20908,
    30041, 30202, 30437, 30449, 30580, 30687, 40554, 40083,
)  # fmt: skip
"""Enough to reach every row that the simulation can, most of them five times: chosen of 5,000, and of
more for a row that few runs reach, by verification/simulation/known_seeds.py."""


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
