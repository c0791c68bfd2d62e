"""A few cells of the crash matrix; `make verify-crashes` does all of them."""

from __future__ import annotations

import random

import pytest

from verification.crash_matrix.machine import machine
from verification.crash_matrix.matrix import cells, check, undisturbed
from verification.crash_matrix.scenarios import Scenario

pytestmark = pytest.mark.cloud
SEED = 14
DRAWN = (Scenario.RECEIVED, Scenario.STOPPED, Scenario.CANARY, Scenario.FINALLY)
"""Scenarios whose calls every play reaches, one cell of each; the others need a whole run of the
matrix."""


def test_a_handler_that_is_killed_at_any_call_changes_nothing_in_the_end() -> None:
    chance = random.Random(SEED)
    with machine() as on:
        expected = undisturbed(on, DRAWN)
        drawn = [
            chance.choice([*cells({scenario: played})]) for scenario, played in expected.items()
        ]
        killed = [check(on, cell, expected, f"c{number}") for number, cell in enumerate(drawn)]
    assert any(killed), drawn
