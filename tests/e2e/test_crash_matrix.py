"""A few cells of the crash matrix; `make verify-crashes` does all of them."""

from __future__ import annotations

import random

import pytest

from verification.crash_matrix.machine import machine
from verification.crash_matrix.matrix import cells, check, undisturbed
from verification.crash_matrix.scenarios import Scenario

pytestmark = pytest.mark.cloud
CELLS, SEED = 4, 14
REACHED = (Scenario.RECEIVED, Scenario.STOPPED)
"""Scenarios whose calls every play reaches; the others need a whole run of the matrix."""


def test_a_handler_that_is_killed_at_any_call_changes_nothing_in_the_end() -> None:
    with machine() as on:
        expected = undisturbed(on, REACHED)
        drawn = random.Random(SEED).sample([*cells(expected)], CELLS)
        killed = [check(on, cell, expected, f"c{number}") for number, cell in enumerate(drawn)]
    assert any(killed), drawn
