"""What an invocation may still begin, what it saves together, and what it postpones."""

from __future__ import annotations

import math
from collections import deque

import pytest

from batchrelay.adapters.memory import MemoryBackoff
from batchrelay.domain.effects import ContinueRun, Notify, Prepare
from batchrelay.domain.events import EffectsPostponed, JobSubmitted, RunContinued
from batchrelay.domain.limits import EFFECT_S_MAX, FRUITLESS_MAX
from batchrelay.engine.effects import Budget, Pending, postponed
from tests.builders import T0, key
from tests.unit.engine.performing import NOW, submission, termination


def budget(effects: float, seconds: float = math.inf) -> Budget:
    return Budget(backoff=MemoryBackoff(seconds=seconds), effects=effects)


@pytest.mark.parametrize(
    ("effects", "seconds", "is_left", "goes_on"),
    [
        (0, math.inf, False, False),
        (1, math.inf, True, False),
        (25, math.inf, True, False),
        (26, math.inf, True, True),
        (26, EFFECT_S_MAX, False, False),
        (26, EFFECT_S_MAX + 0.1, True, True),
    ],
)
def test_what_an_invocation_may_still_begin(
    effects: float, seconds: float, is_left: bool, goes_on: bool
) -> None:
    left = budget(effects, seconds)
    assert (left.is_left(), left.goes_on()) == (is_left, goes_on)


CONTINUE: Pending = (ContinueRun(since=T0, run_id="run1"), False)


def submissions(count: int) -> list[Pending]:
    return [(submission(f"s{number}"), False) for number in range(count)]


def terminations(count: int) -> list[Pending]:
    return [(termination(str(number)), False) for number in range(count)]


@pytest.mark.parametrize(
    ("pending", "effects", "size", "left"),
    [
        (submissions(30), 40, 25, 15),
        (submissions(30), 10, 10, 0),
        (submissions(30), 0, 1, -1),
        ([*submissions(2), CONTINUE], 40, 2, 38),
        ([CONTINUE, *submissions(2)], 40, 1, 40),
        ([], 40, 0, 40),
    ],
)
def test_effects_are_saved_in_batches(
    pending: list[Pending], effects: float, size: int, left: float
) -> None:
    rest = budget(effects)
    waiting = deque(pending)
    assert rest.next_batch(waiting) == pending[:size]
    assert (list(waiting), rest.effects) == (pending[size:], left)


def test_ten_terminations_count_as_one_effect() -> None:
    rest = budget(40)
    waiting = deque([*terminations(20), *submissions(30)])
    assert len(rest.next_batch(waiting)) in (43, 44)
    assert 14.5 < rest.effects < 15.5


def test_batches_of_which_nothing_comes_end_an_invocation() -> None:
    rest = budget(1_000)
    nothing = (EffectsPostponed(at=NOW, effects=()), RunContinued(at=NOW))
    for _ in range(FRUITLESS_MAX - 1):
        rest.note(nothing)
    rest.note((*nothing, JobSubmitted(at=NOW, key=key("a"), job_id="j")))
    assert (rest.fruitless, rest.effects) == (0, 1_000)
    for number in range(FRUITLESS_MAX - 1):
        rest.note(nothing)
        rest.note(())
        rest.note((RunContinued(at=NOW),))
        assert (rest.fruitless, rest.effects) == (number + 1, 1_000)
    rest.note(nothing)
    assert rest.effects == 0


def test_only_what_surely_was_not_made_is_postponed() -> None:
    notice: Pending = (Notify(since=T0, run_id="run1", rule=0), False)
    prepare = Prepare(since=T0, run_id="run1", step="a", round=0)
    again: Pending = (submission("b"), True)
    waiting = deque([(submission(), False), again, notice, (prepare, False), *terminations(1)])
    assert postponed(waiting, NOW) == (EffectsPostponed(at=NOW, effects=(submission(), prepare)),)
    assert list(waiting) == [notice]
    assert postponed(deque([again]), NOW) == ()
    assert postponed(deque(terminations(1)), NOW) == (EffectsPostponed(at=NOW, effects=()),)
