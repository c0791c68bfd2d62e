"""Runs with a budget: what their jobs cost is measured, and a person lets them go on."""

from __future__ import annotations

import math
from collections.abc import Callable

from batchrelay.domain.budget_events import BudgetRaised, CostMeasured, Measured
from batchrelay.domain.errors import NotResumable
from batchrelay.domain.held_submissions import is_measurement_pending, unmeasured_jobs
from batchrelay.domain.resume_check import check_resume
from batchrelay.domain.run import Run
from batchrelay.engine.engine import Engine
from batchrelay.engine.last_attempt import may_come_again, reason_of
from batchrelay.engine.outcome import Handled

CostMeasurer = Callable[[Run, Callable[[], float]], Measured]
"""Asks what ended jobs of a run cost: all that are in no sum yet, or as many as there is time for.
It is given how many seconds are left. Raises: Refused; NotDone."""


def resume(engine: Engine, run_id: str, usd: float) -> Handled:
    """Raise the budget of a run that is PAUSED, once, and make the submissions that were held back.

    Raises:
        NotResumable: nothing of the run has changed; with the reason.
        As `Engine.handle`.
    """
    run = engine.runs.load(run_id)
    check_resume(run, usd)
    pause = run.spending.pause
    assert pause is not None, run.id
    event = BudgetRaised(at=engine.clock.now(), pause=pause.number, usd=usd)
    handled = engine.handle(run_id, (event,))
    spending = handled.run.spending
    if (spending.raised_at, spending.budget_usd) != (event.at, usd):
        raise NotResumable(f"run {run_id} is {handled.run.status}: another request was faster")
    return handled


def measure_cost(
    engine: Engine,
    run_id: str,
    number: int,
    measure: CostMeasurer,
    *,
    is_last: bool = False,
    time_left: Callable[[], float] = lambda: math.inf,
) -> Handled:
    """Measure what ended jobs of a run cost, and go on: with what waited for it, or as PAUSED.

    Args:
        is_last: whether an error is recorded although another attempt may do without it.
    Raises: as `Engine.handle`, and what another attempt may do without.
    """
    run = engine.runs.load(run_id)
    if not is_measurement_pending(run, number):
        return Handled(run=run)
    try:
        measured = measure(run, time_left)
    except Exception as error:
        if may_come_again(error, is_last=is_last):
            raise
        job_ids = frozenset(job_id for _, job_id in unmeasured_jobs(run))
        measured = Measured(job_ids=job_ids, unknown=reason_of(error))
    event = CostMeasured(at=engine.clock.now(), number=number, measured=measured)
    return engine.handle_at_length(run, (event,))
