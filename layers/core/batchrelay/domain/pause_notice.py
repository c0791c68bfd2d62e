"""What SNS is given when a run waits for a person: why, and the command that lets it go on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from batchrelay.domain.held_submissions import budget_usd
from batchrelay.domain.notices import Notice, notice
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_cost import cost_document, usd_text
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import Json, printable, time_text


def pause_notice_of(run: Run, rule_number: int) -> Notice:
    """The notice of one rule of a run that is PAUSED, or was a moment ago."""
    rule, pause = run.pipeline.notify[rule_number], run.spending.pause
    assert pause is not None, run.id
    summary = f"{run.pipeline.name} {RunStatus.PAUSED}: {pause.reason}"
    notice_id = f"{run.id}-{rule_number}-paused-{pause.number}"
    document = _document(run, summary)
    return notice(run, rule, notice_id, _message(run, summary), RunStatus.PAUSED, document)


def resume_command(run: Run) -> str:
    """The command to paste: with as much again as the pipeline's budget, above what was spent."""
    spent = 0.0 if run.cost is None else run.cost.usd
    own = run.pipeline.budget.usd if run.pipeline.budget is not None else 0.0
    unit = 1 if own >= 1 else 0.01
    usd = math.ceil((max(spent, budget_usd(run) or 0.0) + own) / unit) * unit
    return f"batchrelay resume {run.id} --budget {usd:.10g}"


def _message(run: Run, summary: str) -> Iterator[str]:
    yield summary
    yield f"Run {run.id}, version {run.pipeline.version}, submits nothing further until you decide."
    if run.cost is not None:
        cost = run.cost
        yield f"Cost so far, an estimate: {usd_text(cost.usd)} ({cost.sums}; prices: {cost.date})."
    if active := _active_jobs(run):
        yield f"{active:,} jobs are at work and go on to their end; what they cost is not in it."
    if (deadline := run.deadline) is not None:
        yield f"Its timeout still counts: it is stopped at {time_text(deadline)}."
    yield f"Let it go on: {resume_command(run)}"
    yield f"End it here: batchrelay cancel {run.id}"
    yield ""
    for step in run.pipeline.order:
        state = run.state(step.name)
        has_children = state.children and state.status is not StepStatus.SKIPPED
        children = f", {state.children:,} children" if has_children else ""
        yield f"  {step.name}: {state.status}{children}"


def _active_jobs(run: Run) -> int:
    return sum(part.is_active for state in run.steps.values() for part in state.parts)


def _document(run: Run, summary: str) -> Mapping[str, Json]:
    pause = run.spending.pause
    assert pause is not None, run.id
    return {
        "runId": run.id,
        "pipeline": run.pipeline.name,
        "version": run.pipeline.version,
        "status": str(RunStatus.PAUSED),
        "startedAt": time_text(run.started_at),
        "pausedAt": time_text(pause.at),
        "summary": printable(summary),
        "reason": printable(pause.reason),
        "pause": pause.number,
        "cost": cost_document(run.cost),
        "budgetUsd": budget_usd(run),
        "resume": resume_command(run),
    }
