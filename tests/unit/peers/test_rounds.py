"""Which runs `make bench-peers` makes, and what its tables say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.machine import describe
from benchmarks.peers.environments import LOCKS, version_of
from benchmarks.peers.page import faster_than_ours, page, tables
from benchmarks.peers.results import Measurement, Outcome, Results, dumps, load, summary
from benchmarks.peers.rounds import Plan, Session
from benchmarks.peers.runners import OURS, RUNNERS, SPAWN_LOOP, Runner
from benchmarks.peers.work import Kind, Work
from tests.stack import ROOT
from verification.audit import hashes

FEW, MANY = (Work(kind=Kind.FAN_OUT, size=size) for size in (10, 100))
SLOW = "slow"


def runner(name: str) -> Runner:
    return Runner(name=name, form=f"form of {name}", command=lambda _, folder: [str(folder)])


def results(*measurements: Measurement) -> Results:
    machine = dict.fromkeys(describe(), "x")
    return Results(
        machine=machine,
        versions={},
        forms={name: f"form of {name}" for name in (SPAWN_LOOP, OURS, SLOW)},
        absent={"gone": "no such version"},
        limit_s=100,
        measurements=measurements,
    )


def measured(plays: dict[tuple[str, int], list[tuple[Outcome, float, str]]]) -> list[Measurement]:
    """Three rounds of two sizes, of which each run ends as listed."""

    def play(runner: Runner, work: Work, _: float) -> tuple[Outcome, float, str]:
        return plays[runner.name, work.size].pop(0)

    plan = Plan(rounds=3, long_s=15, limit_s=100)
    session = Session(plan=plan, play=play, report=lambda _: None)
    for work in (FEW, MANY):
        session.measure([runner(name) for name in (SPAWN_LOOP, OURS, SLOW)], work)
    assert not any(plays.values()), "every play that was expected was made"
    return session.measurements


def seconds(*values: float) -> list[tuple[Outcome, float, str]]:
    return [(Outcome.VERIFIED, value, "") for value in values]


def three_runners() -> Results:
    plays = {
        (SPAWN_LOOP, 10): seconds(1, 2, 1),
        (OURS, 10): seconds(4, 4, 3),
        (SLOW, 10): seconds(20),
        (SPAWN_LOOP, 100): seconds(10, 11, 12),
        (OURS, 100): seconds(14, 15, 13),
    }
    return results(*measured(plays))


def test_a_long_runner_runs_once_and_not_at_all_where_the_limit_would_end_it() -> None:
    runs = three_runners()
    assert [m.round for m in runs.of(SLOW, FEW)] == [1]
    [run] = runs.of(SLOW, MANY)
    assert (run.outcome, run.seconds) == (Outcome.NOT_STARTED, 200)
    assert [m.round for m in runs.of(OURS, MANY)] == [1, 2, 3]


def test_the_ratio_is_to_the_spawn_loop_of_the_same_round() -> None:
    measured = summary(three_runners(), OURS, FEW, SPAWN_LOOP)
    assert measured is not None
    assert (measured.least_s, measured.median_s, measured.most_s) == (3, 4, 4)
    assert measured.ratio == 3, "of 4/1, 4/2 and 3/1"


def test_a_runner_of_which_one_round_failed_has_no_figure() -> None:
    plays = {
        (SPAWN_LOOP, 10): seconds(1, 1, 1),
        (OURS, 10): [*seconds(2), (Outcome.FAILED, 1.0, "exit 1: `no`\nspace"), *seconds(2)],
        (SLOW, 10): [(Outcome.LIMIT, 100.0, "ended at 100 s")],
        (SPAWN_LOOP, 100): seconds(1, 1, 1),
        (OURS, 100): seconds(2, 2, 2),
    }
    runs = results(*measured(plays))
    assert summary(runs, OURS, FEW, SPAWN_LOOP) is None
    assert f"| {OURS} | failed | | | 2.0 (2.0–2.0) | 2.0 | 20.0 | |" in tables(runs)
    assert f"| {SLOW} | > 100 | | | > 100, not started | | | |" in tables(runs)
    text = page(runs, "x.json")
    assert f"- {OURS}, fan-out 10, round 2: `exit 1: 'no' space`\n" in text
    assert "- gone is absent: `no such version`\n" in text


def test_the_table_has_growth_and_the_page_says_who_is_faster() -> None:
    runs = three_runners()
    assert f"| {OURS} | 4.0 (3.0–4.0) | 3.0 | 400.0 | 14.0 (13.0–15.0) | 1.4 | 140.0 | 0.35 |" in (
        tables(runs)
    )
    quick = [
        Measurement(runner=SLOW, work=FEW, round=n, outcome=Outcome.VERIFIED, seconds=0.5)
        for n in (1, 2)
    ]
    others = [m for m in runs.measurements if m.runner != SLOW]
    assert faster_than_ours(results(*quick, *others), FEW) == [SLOW]
    assert faster_than_ours(runs, FEW) == []


def test_what_is_kept_is_what_was_measured(tmp_path: Path) -> None:
    file = tmp_path / "peers.json"
    file.write_text(dumps(three_runners()))
    assert load(file) == three_runners()


def test_the_page_is_made_of_the_newest_results() -> None:
    newest = max((ROOT / "benchmarks/results").glob("peers-*.json"))
    made = page(load(newest), newest.relative_to(ROOT).as_posix())
    assert (ROOT / "docs/reference/peers.md").read_text() == made


@pytest.mark.parametrize("peer", [r for r in RUNNERS if r.lock], ids=lambda peer: peer.name)
def test_a_lock_pins_the_peer_and_has_the_hash_of_every_package(peer: Runner) -> None:
    lock = LOCKS / f"{peer.lock}.lock"
    assert hashes.problems(lock) == []
    assert f"{peer.package}=={version_of(peer)}\n" == lock.with_suffix(".in").read_text()
