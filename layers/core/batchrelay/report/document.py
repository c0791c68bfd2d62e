"""The report document of a run, `run.json`: docs/reference/run-report.md describes every field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import time_text
from batchrelay.report.causes import CauseTable
from batchrelay.report.children import COLUMNS_MAX, Axis, StepChildren
from batchrelay.report.facts import Cost, Document, Evidence, JobFact
from batchrelay.report.next_command import next_command
from batchrelay.report.values import rounded

REPORT_VERSION = 1
"""Of the document's form."""


def report_document(evidence: Evidence) -> dict[str, Any]:
    """The report of a run, as JSON. Times in `Ms` count from the run's start.

    A child of a step that the run does not have is left out.
    """
    run = evidence.run
    axis = _axis(evidence)
    children = _children(evidence, axis)
    _forget_rows(children)
    steps = [_step(evidence, step, children[step["step"]], axis) for step in run["steps"]]
    head = _run(run, axis, list(children.values()))
    return {
        "reportVersion": REPORT_VERSION,
        "madeAt": time_text(evidence.at),
        "region": evidence.region,
        "run": head,
        "steps": steps,
        "cost": _cost(evidence.cost),
        "next": next_command(head, steps),
    }


def _axis(evidence: Evidence) -> Axis:
    """From the run's start, or from its dequeue: what it waited for another run is not its own."""
    run = evidence.run
    start = _time(run["dequeuedAt"]) or _time(run["startedAt"]) or evidence.at
    return Axis(start=start, end=max(start, _time(run["endedAt"]) or evidence.at))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _children(evidence: Evidence, axis: Axis) -> dict[str, StepChildren]:
    run = evidence.run
    children = {
        step["step"]: StepChildren(
            axis=axis, causes=CauseTable.of(run, step["step"], evidence.failures)
        )
        for step in run["steps"]
    }
    for fact in evidence.children:
        if fact.step in children:
            children[fact.step].add(fact)
    return children


def _forget_rows(children: Mapping[str, StepChildren]) -> None:
    """The largest steps lose their rows until the others' are few enough."""
    kept = sum(len(step.rows or ()) for step in children.values())
    for step in sorted(children.values(), key=lambda step: -len(step.rows or ())):
        if kept <= COLUMNS_MAX:
            return
        kept -= len(step.rows or ())
        step.rows = None


# --- the run


def _run(run: Document, axis: Axis, children: Sequence[StepChildren]) -> dict[str, Any]:
    is_timed = any(step.ran_ms for step in children)
    return {
        "id": run["runId"],
        **{name: run[name] for name in ("pipeline", "version", "status", "startedAt")},
        **{name: run[name] for name in ("dequeuedAt", "endedAt", "deadline")},
        "wallMs": axis.at(axis.end),
        "slotMs": rounded(axis.slot_ms),
        "ranMs": rounded(sum(step.ran_ms for step in children)) if is_timed else None,
        "wastedMs": rounded(sum(step.wasted_ms for step in children)) if is_timed else None,
        **{name: run[name] for name in ("params", "cause", "trigger", "stopped", "isOpen")},
    }


def fill_cost(document: dict[str, Any], cost: Cost | None) -> None:
    """Give a report a cost that is known when its children are."""
    document["cost"] = _cost(cost)
    for step in document["steps"]:
        step["costUsd"] = None if cost is None else cost.steps.get(step["step"])


def _cost(cost: Cost | None) -> Document | None:
    if cost is None:
        return None
    return {
        "usd": cost.usd,
        "wastedUsd": cost.wasted_usd,
        "isEstimate": True,
        "sums": cost.sums,
        "source": cost.source,
        "date": cost.date,
    }


# --- a step

_COPIED = (
    *("step", "status", "needs", "round", "items", "existing", "children", "chunk", "succeeded"),
    *("failed", "failedItems", "upstreamItems", "stoppedItems", "upstream", "stopped", "running"),
    *("reason", "blocked", "output", "manifest", "failures", "rounds"),
)


def _step(evidence: Evidence, step: Document, children: StepChildren, axis: Axis) -> dict[str, Any]:
    name = step["step"]
    is_over = StepStatus(step["status"]).is_terminal
    jobs = [_job(job, evidence.jobs) for job in step["jobs"]]
    cost = evidence.cost
    measured, columns = children.document(), children.columns()
    return {
        **{copied: step[copied] for copied in _COPIED},
        "finally": bool(step.get("finally")),
        "startedMs": axis.at(_time(step["startedAt"])),
        "endedMs": axis.at(_time(step["since"])) if is_over else None,
        "costUsd": None if cost is None else cost.steps.get(name),
        "jobs": jobs,
        "causes": children.causes.documents(),
        "notes": [*_notes(evidence.failures, name), *evidence.notes.get(name, ())],
        "resources": children.resources(_requested(step["jobs"], evidence.jobs)),
        "measured": measured,
        "columns": columns,
    }


def _job(job: Document, facts: Mapping[str, JobFact]) -> Document:
    fact = facts.get(job["jobId"] or "", JobFact())
    return {
        **{name: job[name] for name in ("jobId", "round", "group", "children", "failed")},
        "outcome": job["outcome"],
        "queue": fact.queue,
        "vcpus": fact.vcpus,
        "memoryMiB": fact.memory_mib,
    }


def _requested(
    jobs: Sequence[Document], facts: Mapping[str, JobFact]
) -> dict[tuple[int, int], JobFact]:
    """By round and group: the parts of a group ask for the same, so the first that is known."""
    by_place: defaultdict[tuple[int, int], list[JobFact]] = defaultdict(list)
    for job in jobs:
        if job["jobId"] in facts:
            by_place[job["round"], job["group"]].append(facts[job["jobId"]])
    return {place: entries[0] for place, entries in by_place.items()}


def _notes(failures: Document | None, step: str) -> list[str]:
    documents = (failures or {}).get("steps", ())
    notes = (entry["notes"] for entry in documents if entry["step"] == step)
    return list(chain.from_iterable(notes))
