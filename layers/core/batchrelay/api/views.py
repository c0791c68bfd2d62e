"""Runs as people and programs see them: the answers of the API, and of the command line.

Times are ISO 8601 in UTC with milliseconds; a value that is not known is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from batchrelay.domain.canary import canary_parts
from batchrelay.domain.end_effects import report_uri
from batchrelay.domain.held_submissions import budget_usd, pause_reason
from batchrelay.domain.n_to_n import upstream_failures
from batchrelay.domain.one_item import item_request, manifest_of_item, place_of_item
from batchrelay.domain.pause_notice import resume_command
from batchrelay.domain.pending_effects import is_open
from batchrelay.domain.pipeline import Overlap, Step
from batchrelay.domain.requests import results_uri
from batchrelay.domain.run import Redrive, Run, RunStatus
from batchrelay.domain.run_cost import cost_document, usd_text
from batchrelay.domain.run_summary import RunSummary
from batchrelay.domain.step_state import Part, StepState, StepStatus
from batchrelay.domain.stops import EarlyStopCause
from batchrelay.domain.values import Json, time_text
from batchrelay.domain.variables import variables_of
from batchrelay.ports import Registered

Document = Mapping[str, Json]


def _time(time: datetime | None) -> str | None:
    return None if time is None else time_text(time)


def pipeline_document(registered: Registered) -> Document:
    """A pipeline that may be started."""
    return {
        "pipeline": registered.name,
        "version": registered.version,
        "registeredAt": _time(registered.at),
    }


def summary_document(summary: RunSummary) -> Document:
    """A run in a list."""
    return {
        "runId": summary.id,
        "pipeline": summary.pipeline,
        "status": str(summary.status),
        "startedAt": _time(summary.started_at),
        "cause": summary.cause or None,
        "costUsd": summary.cost_usd,
    }


def run_document(run: Run) -> Document:
    """A run with all of its steps, in topological order."""
    return {
        "runId": run.id,
        "pipeline": run.pipeline.name,
        "version": run.pipeline.version,
        "status": str(run.status),
        "startedAt": _time(run.started_at),
        "dequeuedAt": _time(run.dequeued_at),
        "endedAt": _time(run.ended_at),
        "deadline": _time(run.deadline),
        "params": dict(run.params),
        "cause": run.cause or None,
        "trigger": dict(run.trigger),
        "stopped": None if run.stop is None else run.stop.reason,
        "finallyStopped": None if run.finally_stop is None else run.finally_stop.reason,
        "report": report_uri(run),
        "reportProblem": (run.report and run.report.problem) or None,
        "cost": cost_document(run.cost),
        "budgetUsd": budget_usd(run),
        "paused": pause_reason(run),
        "resume": resume_command(run) if run.status is RunStatus.PAUSED else None,
        "isOpen": is_open(run),
        "asOf": _time(_run_counted_at(run)),
        "steps": [step_document(run, step) for step in run.pipeline.order],
    }


def step_document(run: Run, step: Step) -> Document:
    """A step; its counts are of children, and of ended parts exact."""
    state = run.state(step.name)
    return {
        "step": step.name,
        "status": str(state.status),
        "since": _time(state.since),
        "startedAt": _time(begun_at(state)),
        "needs": list(step.needs),
        "finally": step.is_finally,
        "round": state.round,
        "rounds": [_round(number, parts) for number, parts in state.every_round[:-1]],
        "level": _level(step, state),
        "items": state.items,
        "existing": state.existing,
        "children": state.children,
        "chunk": state.chunk if state.queue is None else None,
        "succeeded": state.succeeded,
        "failed": state.failed,
        "failedItems": state.failed_items,
        "upstreamItems": state.upstream_items,
        "stoppedItems": state.stopped_items,
        "upstream": upstream_failures(run, step),
        "stopped": state.stopped,
        "canary": sum(part.size for part in canary_parts(step, state)) or None,
        "running": sum(part.running for part in state.parts),
        "asOf": _time(counted_at(state)),
        "reason": state.reason_so_far or None,
        "blocked": state.blocked or None,
        "output": variables_of(run).get(f"steps.{step.name}.output"),
        "manifest": state.manifest,
        "results": None if state.items is None else results_uri(run, step.name, state.round),
        "failures": state.failures or None,
        "jobs": [_job(number, part) for number, parts in state.every_round for part in parts],
    }


def _level(step: Step, state: StepState) -> int | None:
    """Of an aggregate that has begun, from 1."""
    has_begun = step.aggregate is not None and state.status is not StepStatus.WAITING
    return state.level + 1 if has_begun else None


def begun_at(state: StepState) -> datetime | None:
    """When its first job was submitted, or a little before; None if it has none."""
    return min(
        (p.since for p in state.every_part if p.since is not None and p.job_id), default=None
    )


def counted_at(state: StepState) -> datetime | None:
    """When its counts were so; None if it has no job. Those of an ended step are final."""
    if state.status.is_terminal:
        return state.since
    return (state.counted_at or begun_at(state)) if any(p.is_active for p in state.parts) else None


def _run_counted_at(run: Run) -> datetime | None:
    """The oldest of its steps at work; None if none is."""
    at_work = (state for state in run.steps.values() if not state.status.is_terminal)
    return min(filter(None, map(counted_at, at_work)), default=None)


def _round(number: int, parts: tuple[Part, ...]) -> Document:
    """A round whose failed items ran again."""
    return {
        "round": number,
        "children": sum(part.size for part in parts),
        "succeeded": sum(part.succeeded for part in parts),
        "failed": sum(part.failed for part in parts),
        "jobIds": [part.job_id for part in parts if part.job_id is not None],
    }


def _job(round_number: int, part: Part) -> Document:
    status = part.outcome or ("SUBMITTED" if part.job_id is not None else None)
    return {
        "jobId": part.job_id,
        "round": round_number,
        "group": part.group,
        "children": part.size,
        "failed": part.failed,
        "outcome": status and str(status),
    }


def item_document(run: Run, step: Step, number: int) -> Document:
    """One item of a step: where it stands, and the request that does it alone.

    Raises: ItemNotFound.
    """
    state = run.state(step.name)
    place = place_of_item(run, step, number)
    part = state.first_parts[place.part]
    return {
        "runId": run.id,
        "step": step.name,
        "status": str(state.status),
        "number": number,
        "manifest": manifest_of_item(state, place),
        "row": place.row,
        "entry": place.entry,
        "round": place.round,
        "part": place.part,
        "index": place.index,
        "size": part.size,
        "jobId": part.job_id if state.queue is None else None,
        "request": item_request(run, step, place),
    }


def history(run: Run) -> list[Document]:
    """What happened, in order: as much as the run's state remembers."""
    moments = sorted(_moments(run), key=lambda moment: moment[:2])
    return [{"at": _time(at), "what": what} for at, _, what in moments]


_BEGUN, _ASKED, _ENDED, _OVER = range(4)
"""What comes first of what happened in the same millisecond."""

_Moment = tuple[datetime, int, str]


def _moments(run: Run) -> Iterator[_Moment]:
    which = f"{run.pipeline.name}, version {run.pipeline.version}"
    by = f" by {run.cause}" if run.cause else ""
    is_late = run.overlap is not Overlap.PARALLEL and run.dequeued_at != run.started_at
    yield run.started_at, _BEGUN, f"run {'QUEUED' if is_late else 'started'}{by}: {which}"
    if is_late and run.dequeued_at is not None:
        yield run.dequeued_at, _BEGUN, "the run began"
    for step in run.pipeline.order:
        yield from _step_moments(step, run.state(step.name))
    if run.redrive is not None:
        yield run.redrive.at, _ASKED, _redrive_text(run.redrive)
    if run.spending.pause is not None:
        yield run.spending.pause.at, _ENDED, f"run PAUSED: {run.spending.pause.reason}"
    if run.spending.raised_at is not None:
        budget = usd_text(run.spending.budget_usd or 0.0)
        yield run.spending.raised_at, _ASKED, f"resumed with a budget of {budget}"
    if run.stop is not None:
        yield run.stop.requested_at, _ASKED, f"stop asked for: {run.stop.reason}"
    if run.finally_stop is not None:
        what = f"stop of the finally steps asked for: {run.finally_stop.reason}"
        yield run.finally_stop.requested_at, _ASKED, what
    for duplicate in run.duplicate_jobs:
        yield duplicate.since, _ASKED, f"second job {duplicate.job_id} of a part is to be stopped"
    if run.ended_at is not None:
        yield from _end_moments(run, run.ended_at)


def _end_moments(run: Run, ended_at: datetime) -> Iterator[_Moment]:
    yield ended_at, _OVER, f"run {run.status}"
    if uri := report_uri(run):
        yield ended_at, _OVER, f"report written to {uri}"
    elif run.report is not None and run.report.problem:
        yield ended_at, _OVER, f"no report: {run.report.problem}"
    for rule, notice in run.notices.items():
        yield ended_at, _OVER, f"notice {rule} {notice}"
    if run.end_event is not None:
        yield ended_at, _OVER, f"event on EventBridge {run.end_event}"


def _redrive_text(redrive: Redrive) -> str:
    """`redrive 2 asked for: align, OutOfMemory, memory x2`."""
    what = [redrive.step or "every step that failed", *sorted(redrive.classes)]
    if redrive.memory_factor is not None:
        what.append(f"memory x{redrive.memory_factor:g}")
    if redrive.queue:
        what.append(f"job queue {redrive.queue}")
    return f"redrive {redrive.number} asked for: {', '.join(what)}"


def _submissions(step: Step, round_number: int, parts: tuple[Part, ...]) -> Iterator[_Moment]:
    again = f"round {round_number}, " if round_number else ""
    for number, part in enumerate(parts):
        if part.since is None or part.job_id is None:
            continue
        size = f"array of {part.size:,}" if part.size > 1 else "job"
        which = f" {number + 1} of {len(parts)}" if len(parts) > 1 else ""
        yield part.since, _BEGUN, f"{step.name}: {again}{size}{which} submitted as {part.job_id}"


def _step_moments(step: Step, state: StepState) -> Iterator[_Moment]:
    if state.early_stop is not None:
        rule = "its canary" if state.early_stop.cause is EarlyStopCause.CANARY else "failFast"
        yield state.early_stop.at, _ASKED, f"{step.name}: stopped by {rule}"
    for round_number, parts in state.every_round:
        yield from _submissions(step, round_number if state.is_retry else 0, parts)
    if state.since is None or state.status is StepStatus.SUBMITTING:
        return
    children = f", {state.children:,} children" if (state.children or 0) > 1 else ""
    why = state.reason or (f"blocked: {state.blocked}" if state.blocked else "")
    reason = f" ({why})" if why else ""
    yield state.since, _ENDED, f"{step.name}: {state.status}{children}{reason}"
