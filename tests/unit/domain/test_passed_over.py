"""Steps that have ended or wait are passed over: the table would not have changed them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from batchrelay.domain import derived_transitions
from batchrelay.domain.derived_transitions import STEP_TABLE
from batchrelay.domain.pipeline import Step
from batchrelay.domain.step_state import Part, StepState, StepStatus
from batchrelay.domain.stops import Stop, StopCause
from batchrelay.domain.table import Situation, first_match, grouped
from tests.builders import at, run_of, step

SIZE = {"arrayProperties": {"size": "${params.n}"}}
STOP = Stop(cause=StopCause.CANCEL, reason="enough", requested_at=at(5), since=at(5))
STATES = tuple(
    StepState(status=status, parts=(Part(size=2),), children=children)
    for status in StepStatus
    for children in (0, 2, None)
)


@pytest.mark.parametrize("seed", range(20))
def test_no_row_matches_a_step_that_is_passed_over(seed: int) -> None:
    """`_may_change` must agree with the table that it saves from being read."""
    print("seed", seed)
    random = Random(seed)
    steps: list[Step] = []
    for number in range(12):
        needs = random.sample([s.name for s in steps], k=min(len(steps), random.randrange(4)))
        steps.append(step(f"s{number}", *needs, request=random.choice(({}, SIZE))))
    run = run_of(*steps, params={"n": "2"})
    states = {s.name: random.choice(STATES) for s in steps if random.random() < 0.7}
    run = replace(run, steps=states, stop=random.choice((None, None, STOP)))
    passed_over = 0
    for one in run.pipeline.order:
        if derived_transitions._may_change(run, one):
            continue
        passed_over += 1
        state = run.state(one.name)
        here: Situation[None] = Situation(run=run, step=one, state=state, event=None, at=at(9))
        rows = (row for row in STEP_TABLE if row.source is state.status)
        assert first_match(grouped(rows), here) is None, (one.name, state)
    assert passed_over
