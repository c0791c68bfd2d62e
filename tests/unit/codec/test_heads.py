"""All of a run but the states of its steps: kept as it was read and written, never wrongly."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from batchrelay.codec import decode_run, encode_run, heads, run_pipeline
from batchrelay.codec.runs import run_text
from batchrelay.domain.end_report import EndReport
from batchrelay.domain.errors import CodecError
from batchrelay.domain.kept import RUN_CHARS_KEPT_MAX, RUNS_KEPT
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.run import DuplicateJob, Redrive, Run
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.spending import Spending
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.stops import Stop, StopCause
from tests.builders import T0, at
from tests.contract.suite import EVERYTHING, ended, run_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STOP = Stop(cause=StopCause.CANCEL, reason="enough", requested_at=T0, since=at(1))
CHANGED: dict[str, Any] = {
    "id": "two",
    "pipeline": replace(EVERYTHING, version=4),
    "params": {"source": "s3://other/"},
    "environment": {"bucket": "other"},
    "started_at": at(7),
    "trigger": {},
    "overlap": Overlap.PARALLEL,
    "dequeued_at": at(8),
    "stop": STOP,
    "finally_stop": STOP,
    "redrive": Redrive(number=1, at=at(9)),
    "duplicate_jobs": (DuplicateJob(job_id="job-2", since=at(9)),),
    "queues_since": at(10),
    "consumable_resources_since": at(11),
    "notices_since": at(12),
    "report": EndReport(since=at(13)),
    "cost": RunCost(usd=1.0, sums="vCPUs", date="2026-01-01"),
    "spending": Spending(budget_usd=2.0),
    "end_event_since": at(14),
    "continue_since": at(15),
}


def test_a_head_that_has_not_changed_is_the_same_objects_again() -> None:
    run = ended(run_of("one"))
    first, again = (decode_run(encode_run(run), EVERYTHING, version) for version in (1, 2))
    assert again.params is first.params
    assert (first.version, again.version) == (1, 2)
    head = run_text(first).partition(',"steps":')[0]
    assert run_text(again.with_step("Before", StepState(items=7))).startswith(f"{head},")


def test_a_kept_head_is_of_whatever_pipeline_its_run_is_read_with() -> None:
    document = encode_run(run_of("one"))
    other = replace(EVERYTHING, version=4)
    decode_run(document, EVERYTHING, 1)
    run = decode_run(document, other, 1)
    assert run.pipeline is other
    assert run_pipeline(json.loads(run_text(run))) == ("everything", 4)


@pytest.mark.parametrize("name", sorted({field.name for field in fields(Run)} - {"version"}))
def test_every_change_of_a_run_is_read_and_written(name: str) -> None:
    """Also when the run as it was is kept."""
    one, other = run_of("one"), ended(run_of("one"))
    changed = replace(one, **{name: CHANGED.get(name, getattr(other, name))})
    assert changed != one, f"{name}: write another value into CHANGED"
    for run in (one, changed, one):
        assert json.loads(run_text(run)) == encode_run(run)
        assert decode_run(encode_run(run), run.pipeline, run.version) == run


def test_a_long_head_is_not_kept() -> None:
    """Each of 64 could be as long as a run."""
    long = replace(run_of("long"), params={"x": "y" * RUN_CHARS_KEPT_MAX})
    first, again = (decode_run(encode_run(long), EVERYTHING, 1) for _ in range(2))
    assert again.params is not first.params
    assert run_text(long) == run_text(again)
    assert "long" not in heads._WRITTEN


def test_a_kept_head_stands_for_documents_of_its_own_types_only() -> None:
    document = encode_run(run_of("one"))
    decode_run({**document, "dequeuedAt": 1}, EVERYTHING, 1)
    with pytest.raises(CodecError, match="expected int, got True"):
        decode_run({**document, "dequeuedAt": True}, EVERYTHING, 1)


def test_steps_that_are_no_object_are_refused_beside_a_kept_head() -> None:
    document = encode_run(run_of("one"))
    decode_run(document, EVERYTHING, 1)
    with pytest.raises(CodecError, match=r"run\.steps: expected an object, got \[\]"):
        decode_run({**document, "steps": []}, EVERYTHING, 1)


def test_no_more_heads_are_kept_than_a_process_has_memory_for() -> None:
    for number in range(RUNS_KEPT + 5):
        run = run_of(f"run-{number}").with_step("Before", StepState(status=StepStatus.ACTIVE))
        run_text(decode_run(encode_run(run), EVERYTHING, 1))
    assert len(heads._READ) <= RUNS_KEPT
    assert len(heads._WRITTEN) <= RUNS_KEPT
