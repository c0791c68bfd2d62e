"""A write that meets rivals is tried again, with growing random waits, as long as there is time."""

from __future__ import annotations

import time

import pytest

from batchrelay.adapters.backoff import FIRST_WAIT_S, RESERVE_S, WAIT_S_MAX, JitteredBackoff


def test_waits_grow_at_random_and_stay_bounded() -> None:
    waits: list[float] = []
    backoff = JitteredBackoff(sleep=waits.append)
    backoff.begin(10_000)
    for number in backoff.tries():
        if number == 200:
            break
    assert len(waits) == 200
    assert all(0 <= wait <= WAIT_S_MAX for wait in waits)
    assert max(waits[:2]) <= 4 * FIRST_WAIT_S
    assert max(waits[20:]) > WAIT_S_MAX / 2
    assert len(set(waits)) == 200, "two writers that collided wait for different times"


@pytest.mark.parametrize("seconds", [0, RESERVE_S])
def test_without_time_left_there_is_one_try(seconds: float) -> None:
    backoff = JitteredBackoff(sleep=lambda _: None)
    backoff.begin(seconds)
    assert list(backoff.tries()) == [0]


def test_no_wait_takes_the_time_that_a_save_and_its_effects_need() -> None:
    backoff = JitteredBackoff()
    began = time.monotonic()
    backoff.begin(RESERVE_S + 0.3)
    tries = list(backoff.tries())
    assert len(tries) > 1
    assert time.monotonic() - began < 0.4


def test_outside_of_an_invocation_no_try_is_the_last() -> None:
    backoff = JitteredBackoff(sleep=lambda _: None)
    tries = backoff.tries()
    assert [next(tries) for _ in range(100)] == list(range(100))
