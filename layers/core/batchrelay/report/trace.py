"""A run as Chrome's trace format, which Perfetto and speedscope open.

Source: Trace Event Format, "Complete Events", "Counter Events", "Metadata Events".
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any

from batchrelay.report.facts import Document

_STATES = {
    "W": "WAITING", "R": "RUNNING", "S": "SUCCEEDED",
    "F": "FAILED", "U": "UPSTREAM", "X": "STOPPED",
}  # fmt: skip


def trace(document: Document) -> dict[str, Any]:
    """A process for each step, with a thread for each child that runs at the same time.

    A step whose children have no rows has its curves only.
    """
    events: list[dict[str, Any]] = []
    for number, step in enumerate(document["steps"], 1):
        events += _step(document["run"], step, number)
    return {"displayTimeUnit": "ms", "traceEvents": events}


def _step(run: Document, step: Document, number: int) -> Iterator[dict[str, Any]]:
    name = {"name": f"{step['step']} ({step['status']})"}
    yield {"ph": "M", "name": "process_name", "pid": number, "tid": 0, "args": name}
    order = {"sort_index": number}
    yield {"ph": "M", "name": "process_sort_index", "pid": number, "tid": 0, "args": order}
    if step["startedMs"] is not None:
        end_ms = run["wallMs"] if step["endedMs"] is None else step["endedMs"]
        whole = {"ts": _us(step["startedMs"]), "dur": _us(max(0, end_ms - step["startedMs"]))}
        yield {"ph": "X", "name": step["step"], "pid": number, "tid": 0, **whole}
    if step["columns"] is not None:
        yield from _children(run, step["columns"], number)
    curve = (step["measured"] or {}).get("curve")
    if curve is not None:
        yield from _counters(run["slotMs"], curve, number)


def _children(run: Document, columns: Document, pid: int) -> Iterator[dict[str, Any]]:
    starts, stops = columns["startedMs"], columns["stoppedMs"]
    if starts is None:
        return
    begun = sorted((start, row) for row, start in enumerate(starts) if start is not None)
    busy: list[tuple[int, int]] = []
    """Threads at work, each with the time of its end."""
    idle: list[int] = []
    for start, row in begun:
        while busy and busy[0][0] <= start:
            heappush(idle, heappop(busy)[1])
        stop = run["wallMs"] if stops is None or stops[row] is None else stops[row]
        thread = heappop(idle) if idle else len(busy) + 1
        heappush(busy, (max(start, stop), thread))
        yield {
            "ph": "X",
            "name": f"{columns['number'][row]}",
            "cat": _STATES[columns["state"][row]],
            "pid": pid,
            "tid": thread,
            "ts": _us(start),
            "dur": _us(max(0, stop - start)),
            "args": _facts(columns, row),
        }


def _facts(columns: Document, row: int) -> dict[str, Any]:
    facts = {"state": _STATES[columns["state"][row]]}
    for name in ("round", "attempts", "peakMiB", "cpuS"):
        values = columns[name]
        if values is not None and values[row] is not None:
            facts[name] = values[row]
    return facts


def _counters(slot_ms: float, curve: Document, pid: int) -> Iterator[dict[str, Any]]:
    names = ("running", "retried", "waiting")
    size = len(curve["running"])
    for place in range(size + 1):
        values = {name: curve[name][place] if place < size else 0 for name in names}
        at_us = _us((curve["from"] + place) * slot_ms)
        yield {"ph": "C", "name": "children", "pid": pid, "ts": at_us, "args": values}


def _us(ms: float) -> int:
    return round(ms * 1000)
