"""The report document: what is known is in it, what is not is null, and the schema says so."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from batchrelay.api.views import run_document
from batchrelay.domain.events import JobFailed, JobSubmitted
from batchrelay.report import children as children_module
from batchrelay.report.document import report_document
from batchrelay.report.facts import ChildFact, ChildState, Evidence, JobFact
from tests.builders import T0, at, fold, key, run_of, step
from tests.stack import ROOT
from verification.report.synthetic import StepPlan, Synthetic, variant_calls

SCHEMA = json.loads((ROOT / "docs/reference/run-report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
JOB = "00000000-0000-4000-8000-000000000001"


def report(evidence: Evidence) -> dict[str, Any]:
    """As a program reads it; whatever the evidence, it is what the schema says."""
    document: dict[str, Any] = json.loads(json.dumps(report_document(evidence)))
    VALIDATOR.validate(document)
    return document


def failed_run() -> dict[str, Any]:
    """A real run's document: an array of four, of which two failed."""
    run = fold(
        run_of(step("a", size=4), step("b", "a")),
        JobSubmitted(key=key("a"), job_id=JOB, at=at(1)),
        JobFailed(key=key("a"), job_id=JOB, at=at(60), reason="two failed", succeeded=2, failed=2),
    )
    return dict(run_document(run))


def child(number: int, state: ChildState = ChildState.SUCCEEDED, **changes: Any) -> ChildFact:
    fact = ChildFact(
        step="a", number=number, state=state,
        created_at=at(1), started_at=at(2), stopped_at=at(12),
    )  # fmt: skip
    return replace(fact, **changes)


def of(*facts: ChildFact, **changes: Any) -> dict[str, Any]:
    return report(Evidence(run=failed_run(), at=at(100), children=facts, **changes))


def collected(*causes: tuple[str, int | None, int]) -> dict[str, Any]:
    """Of step a: class, exit code and count of each cause."""
    entries = [
        {
            "class": named, "exitCode": code, "reason": None, "count": count, "again": 0,
            "sample": None,
        }
        for named, code, count in causes
    ]  # fmt: skip
    return {"steps": [{"step": "a", "causes": entries, "notes": []}]}


def test_a_run_of_which_only_its_document_is_known_has_a_report() -> None:
    document = of()
    a, b = document["steps"]
    assert (document["cost"], document["region"]) == (None, None)
    assert (document["run"]["ranMs"], document["run"]["wastedMs"]) == (None, None)
    assert document["run"]["wallMs"] == 60_000
    assert (a["measured"], a["columns"], a["causes"], a["costUsd"]) == (None, None, [], None)
    assert (a["startedMs"], a["endedMs"], a["failed"]) == (0, 60_000, 2)
    assert b["needs"] == ["a"]
    assert document["next"]["command"] == "batchrelay failures run1"


def test_the_children_are_counted_timed_and_ordered() -> None:
    document = of(
        child(1, ChildState.FAILED, exit_code=3, reason="exit 41", stopped_at=at(8)),
        child(0, attempts=2, earlier_s=0.5),
        child(2, peak_mib=812.4, cpu_s=7.06),
        child(3, ChildState.RUNNING, stopped_at=None),
    )
    measured, columns = document["steps"][0]["measured"], document["steps"][0]["columns"]
    assert measured["states"] == {"RUNNING": 1, "SUCCEEDED": 2, "FAILED": 1}
    assert measured["runMs"] | {"sum": 0} == {
        "count": 2, "min": 10_000, "p50": 10_000, "p95": 10_000, "p99": 10_000,
        "max": 10_000, "sum": 0,
    }  # fmt: skip
    assert measured["waitMs"]["min"] == 500
    assert columns == {
        "round": [0, 0, 0, 0],
        "number": [0, 1, 2, 3],
        "state": "SFSR",
        "group": None,
        "createdMs": [1_000] * 4,
        "startedMs": [2_000] * 4,
        "stoppedMs": [12_000, 8_000, 12_000, None],
        "attempts": [2, 1, 1, 1],
        "peakMiB": [None, None, 812, None],
        "cpuS": [None, None, 7.1, None],
        "cause": [None, 0, None, None],
    }
    assert document["run"]["wastedMs"] == 6_500
    assert document["run"]["ranMs"] == 10_500 + 6_000 + 10_000 + 58_000


def test_causes_that_were_not_collected_are_counted_from_the_children() -> None:
    out_of_memory = {"exit_code": 137, "reason": "OutOfMemoryError: killed"}
    document = of(
        child(0, ChildState.FAILED, **out_of_memory),
        child(1, ChildState.FAILED, **out_of_memory),
        child(2, ChildState.FAILED, exit_code=3, reason="item 41 is broken"),
        child(3, ChildState.UPSTREAM, started_at=None, stopped_at=None),
    )
    causes = document["steps"][0]["causes"]
    assert [(cause["class"], cause["reason"], cause["count"]) for cause in causes] == [
        ("OutOfMemory", "OutOfMemoryError: killed", 2),
        ("ExitCode", "item N is broken", 1),
        ("Upstream", None, 1),
    ]
    assert [cause["redrive"] for cause in causes] == [
        "batchrelay redrive run1/a --class OutOfMemory --memory x2",
        "batchrelay redrive run1/a --class ExitCode:3",
        None,
    ]
    assert document["next"]["command"] == "batchrelay redrive run1 --class OutOfMemory --memory x2"


def test_no_redrive_is_offered_while_the_run_goes_on() -> None:
    bad = child(0, ChildState.FAILED, exit_code=3, reason="broken")
    run = failed_run()
    for ended_at in (run["endedAt"], None):
        evidence = Evidence(run=run | {"endedAt": ended_at}, at=at(100), children=(bad,))
        [cause] = report(evidence)["steps"][0]["causes"]
        redrive = "batchrelay redrive run1/a --class ExitCode:3" if ended_at else None
        assert (cause["count"], cause["redrive"]) == (1, redrive)


def test_what_a_canary_saved_is_no_failure_and_is_not_offered_to_run() -> None:
    stopped, bad = ("Stopped", None, 190), ("ExitCode", 1, 4)
    document = of(failures=collected(stopped, bad))
    assert document["next"]["why"].startswith("All 4 failures: ExitCode. See why")
    assert document["next"]["why"].endswith("Beside them, 190 were never begun or stopped.")
    redrives = [cause["redrive"] for cause in document["steps"][0]["causes"]]
    assert redrives == [None, "batchrelay redrive run1/a --class ExitCode:1"]
    alone = of(failures=collected(stopped))
    assert alone["next"] == {
        "command": "batchrelay redrive run1",
        "why": "190 never begun or stopped. It runs them.",
    }


def test_collected_causes_keep_their_counts_and_the_children_point_at_them() -> None:
    synthetic = variant_calls(60, fails=0.4)
    document = report(synthetic.evidence())
    align = document["steps"][2]
    wanted = next(s for s in synthetic.failures()["steps"] if s["step"] == "align")["causes"]
    assert [{k: c[k] for k in wanted[0]} for c in align["causes"]] == wanted
    counts = [align["columns"]["cause"].count(place) for place in range(len(wanted))]
    assert counts == [cause["count"] for cause in wanted]


def test_a_step_keeps_a_limited_number_of_causes_apart() -> None:
    reasons = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(80)]
    document = of(
        *(child(n, ChildState.FAILED, exit_code=1, reason=r) for n, r in enumerate(reasons))
    )
    causes = document["steps"][0]["causes"]
    assert len(causes) == 51
    assert causes[-1]["count"] == 30
    assert causes[-1]["reason"] is None


def test_a_straggler_ran_more_than_five_times_as_long_as_the_median() -> None:
    slow = [child(n, stopped_at=at(2 + seconds)) for n, seconds in enumerate((10, 10, 50, 50.1))]
    measured = of(*slow)["steps"][0]["measured"]
    assert measured["stragglers"] == 1
    assert [entry["number"] for entry in measured["slowest"]] == [3, 2, 0, 1]


def test_the_curve_has_children_at_work_on_average_in_each_slot() -> None:
    facts = [child(0), child(1, started_at=at(32), stopped_at=at(42), attempts=2, earlier_s=10)]
    document = of(*facts)
    curve = document["steps"][0]["measured"]["curve"]
    slot_s = document["run"]["slotMs"] / 1000
    sums = {name: sum(curve[name]) * slot_s for name in ("running", "retried", "waiting")}
    assert sums == {
        "running": pytest.approx(10, abs=0.1),
        "retried": pytest.approx(20, abs=0.1),
        "waiting": pytest.approx(1 + 21, abs=0.1),
    }
    assert curve["from"] == int(1 / slot_s)


def test_what_was_requested_stands_beside_what_was_used() -> None:
    facts = [child(n, peak_mib=512 if n else 1024, cpu_s=10) for n in range(4)]
    jobs = {JOB: JobFact(queue="Main", vcpus=2, memory_mib=2048)}
    [resource] = of(*facts, jobs=jobs)["steps"][0]["resources"]
    assert (resource["queue"], resource["vcpus"], resource["memoryMiB"]) == ("Main", 2, 2048)
    assert resource["peakMiB"]["max"] == 1024
    assert (resource["memoryShare"], resource["cpuShare"]) == (0.5, 0.5)


def test_a_child_of_a_step_that_the_run_does_not_have_is_left_out() -> None:
    assert of(child(0, step="gone"))["steps"][0]["measured"] is None


def test_times_count_from_when_the_run_left_the_run_queue() -> None:
    run = failed_run() | {"dequeuedAt": "2026-01-01T00:00:02.000Z"}
    document = report(Evidence(run=run, at=at(100), children=[child(0)]))
    assert document["steps"][0]["columns"]["startedMs"] == [0]
    assert document["run"]["wallMs"] == 58_000


def test_a_run_at_work_lasts_until_the_report_is_made() -> None:
    run = dict(run_document(run_of(step("a", size=4))))
    document = report(Evidence(run=run, at=at(100)))
    assert document["run"]["wallMs"] == 100_000
    assert document["next"]["command"] == "batchrelay status run1 --watch"


def test_a_large_step_has_no_row_of_each_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children_module, "COLUMNS_MAX", 50)
    document = report(variant_calls(60, fails=0.2).evidence())
    align = document["steps"][2]
    assert align["columns"] is None
    assert align["measured"]["count"] >= 60
    assert document["steps"][0]["columns"] is not None


def test_the_largest_steps_lose_their_rows_until_the_others_are_few_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("batchrelay.report.document.COLUMNS_MAX", 260)
    document = report(variant_calls(60, fails=0).evidence())
    kept = [entry["step"] for entry in document["steps"] if entry["columns"] is not None]
    assert kept == ["list-samples", "index", "align", "contamination", "merge", "notify-lab"]


def test_a_million_children_are_a_document_of_less_than_a_megabyte() -> None:
    """Their reasons and items are as long as they may be; of those that failed, each."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    reason, item = "r" * 5_000, "i" * 5_000
    facts = (
        ChildFact(
            step="a", number=number, round=0, created_at=start, exit_code=number % 9,
            started_at=start + timedelta(seconds=number % 997), reason=reason, item=item,
            stopped_at=start + timedelta(seconds=number % 1_009 + 997), peak_mib=number % 4096,
            state=ChildState.FAILED if number % 9 else ChildState.SUCCEEDED, log_stream="l" * 90,
        )
        for number in range(60_000)
    )  # fmt: skip
    document = report(Evidence(run=failed_run(), at=T0 + timedelta(hours=1), children=facts))
    assert len(json.dumps(document)) < 1_000_000
    assert document["steps"][0]["measured"]["count"] == 60_000


def test_a_synthetic_run_has_the_fields_of_a_real_one() -> None:
    real, synthetic = failed_run(), variant_calls(60).run()
    assert real.keys() == synthetic.keys()
    finally_is_to_come = {"finally"}
    assert real["steps"][0].keys() | finally_is_to_come == synthetic["steps"][0].keys()
    assert real["steps"][0]["jobs"][0].keys() == synthetic["steps"][0]["jobs"][0].keys()


def test_of_a_run_that_went_well_the_step_that_asks_for_too_much_memory_is_named() -> None:
    plan = StepPlan(name="a", children=40, memory_mib=8192)
    evidence = Synthetic(plan).evidence()
    facts = [replace(fact, peak_mib=1024) for fact in evidence.children]
    document = report(replace(evidence, children=facts))
    assert document["next"] == {
        "command": "batchrelay tune kb50389d0b38db26e794e46fa/a",
        "why": "99 % of the children of a used at most 12% of their memory.",
    }
    assert report(replace(evidence, children=()))["next"] is None
