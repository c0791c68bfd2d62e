"""The trace that Perfetto opens."""

from __future__ import annotations

import json
from typing import Any

from batchrelay.report.document import report_document
from batchrelay.report.trace import trace
from verification.report.synthetic import variant_calls


def events_of(children: int = 60) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    document = report_document(variant_calls(children, fails=0.2).evidence())
    events: list[dict[str, Any]] = json.loads(json.dumps(trace(document)))["traceEvents"]
    return document, events


def test_every_child_that_ran_is_an_event_of_its_step() -> None:
    document, events = events_of()
    for pid, step in enumerate(document["steps"], 1):
        own = [e for e in events if e["ph"] == "X" and e["pid"] == pid and e["tid"]]
        assert len(own) == step["measured"]["count"]
        stops = step["columns"]["stoppedMs"]
        assert sorted(e["ts"] + e["dur"] for e in own) == sorted(stop * 1000 for stop in stops)
        [name] = [e for e in events if e["name"] == "process_name" and e["pid"] == pid]
        assert name["args"]["name"] == f"{step['step']} ({step['status']})"


def test_no_two_children_of_a_thread_run_at_the_same_time() -> None:
    _, events = events_of()
    ends: dict[tuple[int, int], int] = {}
    for event in events:
        if event["ph"] == "X" and event["tid"]:
            thread = (event["pid"], event["tid"])
            assert event["ts"] >= ends.get(thread, 0)
            ends[thread] = event["ts"] + event["dur"]
    align = {tid for pid, tid in ends if pid == 3}
    assert len(align) <= 15


def test_a_step_without_rows_has_its_curves() -> None:
    document, _ = events_of()
    for step in document["steps"]:
        step["columns"] = None
    events = trace(document)["traceEvents"]
    assert {event["ph"] for event in events} == {"M", "X", "C"}
    assert sum(event["ph"] == "X" for event in events) == len(document["steps"])


def test_a_run_of_which_nothing_is_known_has_a_trace() -> None:
    document, _ = events_of()
    for step in document["steps"]:
        step |= {"columns": None, "measured": None, "startedMs": None}
    assert {event["ph"] for event in trace(document)["traceEvents"]} == {"M"}
