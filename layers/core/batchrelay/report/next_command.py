"""The one command that a person who looks at a run wants next, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchrelay.domain.failures import FailureClass
from batchrelay.domain.run import RunStatus
from batchrelay.report.facts import Document

_OF_THE_HOST = {
    FailureClass.SPOT: "their hosts were taken away",
    FailureClass.LOST: "AWS Batch lost their jobs",
    FailureClass.IMAGE: "their image could not be pulled",
}
"""Classes of failures that the work itself did not cause."""

MEMORY_SHARE_LOW = 0.5
"""A step of which 99 % of the children used less than this of their memory may be made smaller."""


def next_command(run: Document, steps: Sequence[Document]) -> Document | None:
    """None if there is nothing to do."""
    status = RunStatus(run["status"])
    if not status.is_terminal:
        return _command(f"batchrelay status {run['id']} --watch", "The run goes on.")
    counts = Counter(_failures(steps))
    if status is RunStatus.SUCCEEDED or (status is RunStatus.PARTIAL and not counts):
        return _smaller(run, steps)
    if not counts:
        return _without_causes(run, status)
    failed = {key: many for key, many in counts.items() if key[1] != FailureClass.STOPPED}
    stopped = counts.total() - sum(failed.values())
    if not failed:
        why = f"{stopped:,} never begun or stopped. It runs them."
        return _command(f"batchrelay redrive {run['id']}", why)
    step, named = max(failed, key=lambda key: failed[key])
    entry = _of_cause(run, step, named, failed)
    if stopped:
        entry["why"] += f" Beside them, {stopped:,} were never begun or stopped."
    return entry


def _of_cause(
    run: Document, step: str, named: str, counts: Mapping[tuple[str, str], int]
) -> dict[str, Any]:
    count, total = counts[step, named], sum(counts.values())
    share = f"{count:,} of {total:,} failures" if count < total else f"All {total:,} failures"
    share = "The only failure" if total == 1 else share
    if named == FailureClass.OUT_OF_MEMORY:
        command = f"batchrelay redrive {run['id']} --class {named} --memory x2"
        return _command(command, f"{share}: out of memory. It runs those again with twice as much.")
    if named in _OF_THE_HOST:
        why = _OF_THE_HOST[FailureClass(named)]
        return _command(f"batchrelay redrive {run['id']}", f"{share}: {why}. It runs them again.")
    why = f"{share}: {named}. See why, then run them again with batchrelay redrive {run['id']}."
    return _command(f"batchrelay failures {run['id']}/{step}", why)


def _failures(steps: Sequence[Document]) -> Iterator[tuple[str, str]]:
    """Failures, and what was stopped, that did not run again: each as its step and its class."""
    for step in steps:
        for cause in step["causes"]:
            left = max(0, cause["count"] - cause["again"])
            if cause["class"] != FailureClass.UPSTREAM:
                yield from [(step["step"], cause["class"])] * left


def _without_causes(run: Document, status: RunStatus) -> Document:
    if status is RunStatus.CANCELLED:
        why = "The run was stopped. It runs what was stopped again."
        return _command(f"batchrelay redrive {run['id']}", why)
    return _command(f"batchrelay failures {run['id']}", "It shows why the run failed.")


def _smaller(run: Document, steps: Sequence[Document]) -> Document | None:
    """Of a run that went well: a step whose children use the least of the memory they ask for."""
    low = [
        (resource["memoryShare"], step["step"])
        for step in steps
        for resource in step["resources"]
        if resource["memoryShare"] is not None and resource["children"] > 1
    ]
    share, name = min(low, default=(1.0, ""))
    if share >= MEMORY_SHARE_LOW:
        return None
    why = f"99 % of the children of {name} used at most {share:.0%} of their memory."
    return _command(f"batchrelay tune {run['id']}/{name}", why)


def _command(command: str, why: str) -> dict[str, Any]:
    return {"command": command, "why": why}
