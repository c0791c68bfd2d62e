"""A run with a budget: its jobs are measured when they have ended, and once they have cost the
budget, nothing further is submitted until a person raises it.

1. A job that has ended is measured before its round is taken for ended. So what a run has cost is
   known of every round before the next one, of every step before the next, and of the whole run at
   its end.
2. While an ended job is not measured yet, or has no price, or the budget is reached, no submission
   becomes pending. One that is under way goes on: it may have been made.
3. Nothing is killed. A stop reaches a run that is PAUSED as any other, and finally steps are not
   held back: they clean up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from batchrelay.domain.budget_events import BudgetRaised, CostMeasured, Measured
from batchrelay.domain.copies import replace
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.limits import MEASUREMENT_REQUESTS_MAX
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_cost import about_usd, usd_text, with_added
from batchrelay.domain.spending import Pause
from batchrelay.domain.step_state import StepState
from batchrelay.domain.values import short

UNANSWERED = (
    f"its cost was asked for {MEASUREMENT_REQUESTS_MAX} times, and each attempt died: out of "
    "memory or of time"
)


def budget_usd(run: Run) -> float | None:
    """The budget as it is now; None if the run has none."""
    if run.pipeline.budget is None:
        return None
    raised = run.spending.budget_usd
    return run.pipeline.budget.usd if raised is None else raised


def unmeasured_jobs(run: Run) -> Iterator[tuple[Step, str]]:
    """The jobs that have ended and are in no sum yet, with their steps."""
    if run.pipeline.budget is None:
        return
    for step in run.pipeline.order:
        for part in run.state(step.name).parts:
            if part.is_unmeasured and part.job_id is not None:
                yield step, part.job_id


def awaits_measurement(run: Run, state: StepState) -> bool:
    """Whether a job of a step's round has ended and is in no sum yet."""
    has_budget = run.pipeline.budget is not None
    return has_budget and any(part.is_unmeasured for part in state.parts)


def is_held(run: Run, step: Step) -> bool:
    """Whether no submission of a step may become pending now."""
    if run.pipeline.budget is None or step.is_finally or stop_of(run, step) is not None:
        return False
    return bool(reason_to_hold(run)) or any(True for _ in unmeasured_jobs(run))


def reason_to_hold(run: Run) -> str:
    """Why a person has to decide; empty if nothing is to be decided."""
    budget = budget_usd(run)
    if budget is None:
        return ""
    if run.spending.unknown:
        return short(f"cost unknown: {run.spending.unknown}")
    if run.cost is None or run.cost.usd < budget:
        return ""
    return f"what has ended cost {about_usd(run.cost.usd)}, its budget is {usd_text(budget)}"


def pause_reason(run: Run) -> str | None:
    """Why a run waits for a person; None if it does not."""
    pause = run.spending.pause
    return pause.reason if run.status is RunStatus.PAUSED and pause is not None else None


def with_pending_measurement(run: Run, at: datetime) -> Run:
    """A measurement becomes pending with the first job that is in no sum yet."""
    if run.pipeline.budget is None or run.spending.since is not None:
        return run
    if not any(True for _ in unmeasured_jobs(run)):
        return run
    return replace(run, spending=replace(run.spending, since=at, requests=0))


def paused(run: Run, at: datetime) -> Run:
    """PAUSED from now on; a notice asks for a decision."""
    number = 1 if run.spending.pause is None else run.spending.pause.number + 1
    pause = Pause(number=number, at=at, reason=reason_to_hold(run), notices_since=at)
    return replace(run, status=RunStatus.PAUSED, spending=replace(run.spending, pause=pause))


def unpaused(run: Run, _at: datetime) -> Run:
    """RUNNING: what was held back will never be submitted."""
    return replace(run, status=RunStatus.RUNNING)


def is_of_this_pause(run: Run, event: BudgetRaised) -> bool:
    """its budget is above what it has cost"""
    pause = run.spending.pause
    is_enough = run.cost is None or event.usd > run.cost.usd
    return pause is not None and pause.number == event.pause and is_enough


def budget_raised(run: Run, event: BudgetRaised) -> Run:
    """RUNNING from now on; what was held back follows from the state."""
    spending = replace(run.spending, budget_usd=event.usd, raised_at=event.at, unknown="")
    return replace(run, status=RunStatus.RUNNING, spending=spending)


def is_measurement_pending(run: Run, number: int) -> bool:
    """Whether the measurement of that number is still to be made."""
    return run.spending.since is not None and run.spending.measurements == number


def cost_measured(run: Run, event: CostMeasured) -> Run:
    """Each job is in the sum once. A measurement that comes late changes nothing."""
    if not is_measurement_pending(run, event.number):
        return run
    measured, steps = event.measured, {}
    for name, state in run.steps.items():
        parts = tuple(
            replace(part, is_measured=True)
            if part.is_unmeasured and part.job_id in measured.job_ids
            else part
            for part in state.parts
        )
        steps[name] = replace(state, parts=parts) if parts != state.parts else state
    spending = replace(
        run.spending,
        since=None,
        requests=0,
        measurements=event.number + 1,
        unknown=run.spending.unknown or short(measured.unknown),
    )
    return replace(run, steps=steps, spending=spending, cost=with_added(run.cost, measured.cost))


def measurement_taken_over(run: Run, now: datetime) -> Run:
    """It is asked for again, but not for ever: then a person decides."""
    spending = run.spending
    if spending.requests + 1 < MEASUREMENT_REQUESTS_MAX:
        return replace(run, spending=replace(spending, since=now, requests=spending.requests + 1))
    job_ids = frozenset(job_id for _, job_id in unmeasured_jobs(run))
    unanswered = Measured(job_ids=job_ids, unknown=UNANSWERED)
    return cost_measured(
        run, CostMeasured(at=now, number=spending.measurements, measured=unanswered)
    )
