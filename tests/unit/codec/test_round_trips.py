"""Runs and pipelines are the same again after they were written and read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batchrelay.codec import decode_pipeline, decode_run, encode_pipeline, encode_run, run_pipeline
from batchrelay.domain.events import JobSubmitted
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import (
    Aggregate,
    ForEach,
    Group,
    InlineItems,
    ListFile,
    ListFormat,
    Listing,
    Matrix,
    StepOutputs,
)
from batchrelay.domain.run import NoticeState
from batchrelay.domain.step_state import Attempts, JobOutcome, Part, StepState, StepStatus
from batchrelay.domain.transitions import advance
from tests.builders import at, key, pipeline, step
from tests.contract.suite import EVERYTHING, ended, run_of


def test_documents_survive_a_round_trip() -> None:
    for run in (run_of("one"), ended(run_of("one"))):
        assert decode_run(encode_run(run), EVERYTHING, run.version) == run
        assert run_pipeline(encode_run(run)) == ("everything", 3)
    assert decode_pipeline(encode_pipeline(EVERYTHING), 3) == EVERYTHING


@pytest.mark.parametrize("job_id", ["00000000-0000-4000-8000-00000000000", "another-"])
def test_rounds_of_failed_items_survive_a_round_trip(job_id: str) -> None:
    """Also with job ids that are no UUIDs, whose parts are stored one by one."""
    ids = iter(range(9))
    rounds = tuple(
        tuple(
            Part(
                size=10, group=group, since=at(1), job_id=f"{job_id}{next(ids)}",
                outcome=JobOutcome.FAILED, succeeded=7, failed=3,
            )
            for group in range(parts)
        )
        for parts in (1, 3)
    )  # fmt: skip
    state = StepState(
        status=StepStatus.PREPARING, since=at(2), round=2, items=10, children=10,
        earlier_rounds=rounds, failures="s3://b/f/", failed_items=2, upstream_items=1,
    )  # fmt: skip
    run = run_of("one").with_step("Wide", state)
    assert decode_run(encode_run(run), EVERYTHING, run.version) == run


@pytest.mark.parametrize("separator", ["", ";", "\t"])
def test_a_separator_is_stored_if_there_is_one(separator: str) -> None:
    """A pipeline that has none is stored as it was: the same content is the same version."""
    form = ListFormat.CSV if separator else ListFormat.TSV
    each = ListFile(file="s3://b/f", format=form, separator=separator)
    fan = pipeline(step("a", for_each=each))
    document: Any = encode_pipeline(fan)
    assert decode_pipeline(document, fan.version) == fan
    assert ("separator" in document["steps"][0]["forEach"]) == bool(separator)


@pytest.mark.parametrize(
    "each",
    [
        ListFile(file="s3://b/f"),
        ListFile(file="s3://b/f", format=ListFormat.CSV, items="a.b"),
        Listing(prefix="s3://b/", suffix=".fq", match="**/x"),
        Matrix(axes={"a": (1, "2"), "b": (None,)}),
        InlineItems(items=(1, {"a": "b"})),
        StepOutputs(step="first"),
    ],
)
@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_every_field_of_a_step_survives_a_round_trip(each: ForEach, chunk: int | None) -> None:
    first = step("first", size=4, sequential=True, when="params.x == 1")
    fan = step(
        "fan",
        "first",
        n_to_n_needs=frozenset({"first"}),
        for_each=each,
        chunk=chunk,
        skip_existing="s3://b/${item.key}",
        groups=(
            Group(when="item.size > 1", overrides={"jobQueue": "q"}),
            Group(when=None, overrides={}),
        ),
        workers=3,
        when="params.x == 2",
        output="s3://b/out",
        retry_failed=RetryFailed(
            rounds=2,
            when=frozenset({"OutOfMemory", "ExitCode:75"}),
            overrides={"jobQueue": "big"},
            memory_factor=1.5,
            memory_mib=2_048,
        ),
        tolerate=Tolerate(percent=2.5),
        unsafe_shell=True,
        max_running=7,
    )
    merge = step("merge", "fan", aggregate=Aggregate(of="fan", fan_in=9))
    last = step("last", retry_failed=RetryFailed(rounds=1), tolerate=Tolerate(count=0))
    definition = pipeline(first, fan, merge, last)
    assert decode_pipeline(encode_pipeline(definition), 1) == definition


def test_what_a_step_does_about_failures_is_a_document_of_its_own() -> None:
    retry = RetryFailed(rounds=1, when=frozenset({"Timeout", "Lost"}), memory_factor=2.0)
    document: Any = encode_pipeline(
        pipeline(
            step("a"),
            step("b", retry_failed=retry, tolerate=Tolerate(count=0)),
            step("c", retry_failed=RetryFailed(rounds=9), tolerate=Tolerate(percent=5.0)),
        )
    )
    flows = [
        {key: entry[key] for key in ("retryFailed", "tolerate") if key in entry}
        for entry in document["steps"]
    ]
    assert flows == [
        {},
        {
            "retryFailed": {"rounds": 1, "when": ["Lost", "Timeout"], "memoryFactor": 2.0},
            "tolerate": {"count": 0},
        },
        {"retryFailed": {"rounds": 9}, "tolerate": {"percent": 5.0}},
    ]


def test_every_field_of_a_state_survives_a_round_trip() -> None:
    run = run_of("one")
    state = run.steps["Wide"]
    parts = (
        replace(state.parts[0], job_id="j", running=4, blocked="no queue", missing_since=at(7)),
        replace(state.parts[1], outcome=JobOutcome.FAILED, succeeded=3, failed=2, group=1),
        replace(state.parts[2], job_id="k", is_given_up=True, missing_since=at(8)),
    )
    full = replace(
        state,
        since=at(1),
        round=2,
        items=25_000,
        existing=5,
        chunk=6,
        parts=parts,
        manifest="s3://b/m",
        queue="https://q",
        reason="why",
        counted_at=at(2),
        attempts=Attempts(requests=2, begun=1, is_underway=True),
        resume="u",
    )
    run = replace(
        run,
        steps={**run.steps, "Wide": full},
        ended_at=at(9),
        notices_since=at(3),
        end_event=NoticeState.SENT,
        end_event_since=at(10),
        queues_since=at(4),
        consumable_resources_since=at(6),
        continue_since=at(5),
    )
    assert decode_run(encode_run(run), EVERYTHING, run.version) == run


def test_a_second_job_of_a_part_survives_a_round_trip() -> None:
    run = run_of("one")
    for job_id in ("first", "second"):
        name = replace(key("list"), run_id=run.id)
        run = advance(run, JobSubmitted(at=at(1), key=name, job_id=job_id))
    document: Any = encode_run(run)
    assert "second" in str(document)
    assert decode_run(document, EVERYTHING, run.version) == run
