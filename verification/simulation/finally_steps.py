"""Finally steps of simulated runs, and what must become of them."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.values import JobKey, Json
from verification.simulation.plan import QUEUE, Plan

SHARE = 0.3
"""How many pipelines have finally steps."""

AFTER_FAILURE = "${run.status} != SUCCEEDED"


def with_finally_steps(plan: Plan, rng: random.Random) -> Plan:
    """The same, but now and then with one to three finally steps."""
    if rng.random() >= SHARE:
        return plan
    steps: list[Step] = []
    fates = dict(plan.fates)
    for number in range(rng.randint(1, 3)):
        request: dict[str, Json] = {"jobQueue": QUEUE, "jobDefinition": "noop:1"}
        if rng.random() < 0.3:
            request["arrayProperties"] = {"size": rng.choice((2, 25_000))}
        names = [step.name for step in steps if step.when is None]
        needs = tuple(names[-1:]) if rng.random() < 0.5 else ()
        when = AFTER_FAILURE if rng.random() < 0.3 else None
        step = Step(name=f"Final{number}", needs=needs, request=request, when=when, is_finally=True)
        if rng.random() < 0.2:
            fates[step.label, 0] = rng.choice((JobOutcome.FAILED, None))
        steps.append(step)
    pipeline = replace(plan.pipeline, steps=(*steps, *plan.pipeline.steps))
    return replace(plan, pipeline=pipeline, fates=fates)


def check_begun(run: Run) -> None:
    """No finally step has begun while another one has not ended."""
    begun = [s.name for s in run.pipeline.steps if s.is_finally and s.name in run.steps]
    going_on = [name for name, state in _ordinary(run).items() if not state.is_terminal]
    if len(_ordinary(run)) < sum(not step.is_finally for step in run.pipeline.steps):
        going_on.append("a step that waits")
    assert not begun or not going_on or _are_waiting(run, begun), (begun, going_on)


def check_status_given(run: Run, key: JobKey, request: Mapping[str, Any]) -> None:
    """A job of a finally step has the status of the others in its environment, no other job has."""
    step = run.pipeline.step_of_label(key.label)
    assert step is not None, key
    environment = request["containerOverrides"]["environment"]
    values = [e["value"] for e in environment if e["name"] == "BATCHRELAY_RUN_STATUS"]
    assert values == ([_status(run)] if step.is_finally else []), (key, values)


def check_finally_steps(plan: Plan, run: Run, redriven: Collection[str]) -> None:
    """Each ran once for this end of the run, unless it was stopped, or had no reason to.

    Args:
        redriven: the steps that a redrive ran again; one that failed alone runs again alone.
    """
    if plan.room_bytes is not None:
        return
    for step in run.pipeline.order:
        if not step.is_finally:
            continue
        state = run.state(step.name)
        if state.status is StepStatus.CANCELLED:
            assert run.finally_stop is not None, step.name
            continue
        assert state.status is _expected(plan, run, step), (step.name, state)
        if state.status is StepStatus.SUCCEEDED:
            rounds = int(step.name in redriven)
            assert (state.round, state.succeeded) == (rounds, state.children), (step.name, state)


def _expected(plan: Plan, run: Run, step: Step) -> StepStatus:
    is_blocked = any(not run.state(need).lets_dependents_run for need in step.needs)
    if is_blocked or (step.when == AFTER_FAILURE and _status(run) == "SUCCEEDED"):
        return StepStatus.SKIPPED
    if step.name in plan.unprepared:
        return StepStatus.FAILED
    fates = {plan.fate(step.label, part) for part in range(plan.parts(step))}
    return StepStatus.SUCCEEDED if fates == {JobOutcome.SUCCEEDED} else StepStatus.FAILED


def _ordinary(run: Run) -> dict[str, StepStatus]:
    finally_names = {step.name for step in run.pipeline.steps if step.is_finally}
    return {n: state.status for n, state in run.steps.items() if n not in finally_names}


def _are_waiting(run: Run, names: list[str]) -> bool:
    """As a redrive leaves them."""
    return all(run.state(name).status is StepStatus.WAITING for name in names)


def _status(run: Run) -> str:
    """A run of the simulation has a timeout or is cancelled, never both."""
    statuses = set(_ordinary(run).values())
    if StepStatus.CANCELLED in statuses:
        return "CANCELLED" if run.pipeline.timeout_s is None else "FAILED"
    for status in (StepStatus.FAILED, StepStatus.PARTIAL):
        if status in statuses:
            return str(status)
    return "SUCCEEDED"
