"""The end of a run as programs read it: `batchrelay Run State Change`, and a notice's attribute.

The document has no parameters: they may be secrets, and a rule of EventBridge hands on what it has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from batchrelay.domain.end_effects import report_uri
from batchrelay.domain.limits import STATE_CHANGE_BYTES_MAX
from batchrelay.domain.n_to_n import upstream_failures
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.run_cost import cost_document
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import Json, counted, printable, time_text
from batchrelay.domain.variables import variables_of

SOURCE, DETAIL_TYPE = "batchrelay", "batchrelay Run State Change"

WITH_FAILURES = (StepStatus.FAILED, StepStatus.PARTIAL)
"""The steps of which something can be looked at, and run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """What EventBridge is given at the end of a run."""

    time: datetime
    """When the run ended."""
    detail: str
    """JSON in ASCII. `runId` and `redrive` are the same in every copy, and of no other end."""


def state_change_of(run: Run) -> StateChange:
    """The event of a run that has ended."""
    return StateChange(time=run.ended_at or run.started_at, detail=compact(end_document(run)))


def compact(document: Mapping[str, Json]) -> str:
    """One line of ASCII, whatever the texts in it hold."""
    return json.dumps(document, separators=(",", ":"))


def summary_of(run: Run) -> str:
    """One line: what became of which pipeline, and how much of it failed. Names and numbers only,
    so that it can stand in any text."""
    what = f"{run.pipeline.name} {run.status}"
    steps = [step for step in run.pipeline.order if run.state(step.name).status in WITH_FAILURES]
    if not steps:
        return what
    if len(steps) == 1:
        return f"{what}: {_failed_of(run, steps[0])}"
    failed, total = (
        sum(numbers) for numbers in zip(*(_counts(run, s)[:2] for s in steps), strict=True)
    )
    return f"{what}: {failed:,} of {counted(total, 'items')} failed in {len(steps)} steps"


def _failed_of(run: Run, step: Step) -> str:
    failed, total, what = _counts(run, step)
    if total <= 1:
        return f"step {step.name} failed"
    return f"{failed:,} of {total:,} {what} failed in {step.name}"


def _counts(run: Run, step: Step) -> tuple[int, int, str]:
    """What failed of its own, out of how many, and what they are. A step that collects its failures
    counts items; AWS Batch counts children."""
    state = run.state(step.name)
    if state.is_collected and state.items is not None:
        return state.failed_items, state.items, "items"
    own = max(0, state.failed - upstream_failures(run, step))
    return own, state.children or 0, "children"


def end_document(run: Run) -> dict[str, Json]:
    """As much of a run as STATE_CHANGE_BYTES_MAX holds: steps with failures are the last to go."""
    ended = run.ended_at or run.started_at
    document: dict[str, Json] = {
        "runId": run.id,
        "redrive": run.redrive_number,
        "pipeline": run.pipeline.name,
        "version": run.pipeline.version,
        "status": str(run.status),
        "startedAt": time_text(run.started_at),
        "endedAt": time_text(ended),
        "summary": summary_of(run),
        "stopped": None if run.stop is None else printable(run.stop.reason),
        "report": report_uri(run),
        "cost": cost_document(run.cost),
    }
    variables = variables_of(run)
    steps = {step.name: _step_document(run, step) for step in run.pipeline.order}
    outputs = {
        step.name: printable(variables[f"steps.{step.name}.output"])
        for step in run.pipeline.order
        if step.output is not None
    }
    sizes = {
        name: len(compact({"step": entry, name: outputs.get(name)}))
        for name, entry in steps.items()
    }
    kept = _kept(run, sizes, STATE_CHANGE_BYTES_MAX - len(compact(document)))
    document["steps"] = [entry for name, entry in steps.items() if name in kept]
    document["outputs"] = {name: uri for name, uri in outputs.items() if name in kept}
    document["stepsLeftOut"] = len(steps) - len(kept)
    return document


def _kept(run: Run, sizes: Mapping[str, int], bytes_left: int) -> set[str]:
    kept: set[str] = set()
    for name in sorted(sizes, key=lambda name: run.state(name).status not in WITH_FAILURES):
        bytes_left -= sizes[name]
        if bytes_left < 0:
            break
        kept.add(name)
    return kept


def _step_document(run: Run, step: Step) -> dict[str, Json]:
    state = run.state(step.name)
    return {
        "step": step.name,
        "status": str(state.status),
        "items": state.items,
        "children": state.children,
        "succeeded": state.succeeded,
        "failed": state.failed,
        "upstream": upstream_failures(run, step),
        "stopped": state.stopped,
        "reason": printable(state.reason) or None,
    }
