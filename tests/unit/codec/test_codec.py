"""Documents that are not what we write are refused with their path."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batchrelay.aws_lambda.settings import Settings
from batchrelay.codec import (
    decode_pipeline,
    decode_run,
    decode_start_request,
    encode_pipeline,
    encode_run,
    run_pipeline,
    step_states,
)
from batchrelay.codec.job_detail import end_of, progress_of, report_of
from batchrelay.codec.reader import Reader
from batchrelay.codec.runs import run_text
from batchrelay.codec.upgrades import SCHEMA
from batchrelay.domain.errors import BatchrelayError, CodecError, InvalidDocument
from batchrelay.domain.events import JobFailed, JobProgressed, JobSubmitted, JobSucceeded
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.pipeline import (
    Aggregate,
    ForEach,
    Group,
    InlineItems,
    ListFile,
    ListFormat,
    Listing,
    Matrix,
    Overlap,
    StepOutputs,
)
from batchrelay.domain.run import NoticeState, StartRequest
from batchrelay.domain.step_state import Attempts, JobOutcome, Part, StepState, StepStatus
from batchrelay.domain.transitions import advance
from tests.builders import T0, at, key, pipeline, step
from tests.contract.suite import EVERYTHING, ended, run_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
T0_MS = 1_767_225_600_000


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


def test_states_that_have_not_changed_are_the_same_objects_again() -> None:
    """An event changes one of perhaps 500, and only that one is read and written anew."""
    run = run_of("one").with_step("Before", StepState(status=StepStatus.SUCCEEDED, items=1))
    first, again = (decode_run(encode_run(run), EVERYTHING, 1) for _ in range(2))
    assert again.state("Before") is first.state("Before")
    changed_run = again.with_step("Before", replace(again.state("Before"), items=2))
    assert run_text(first) == run_text(run)
    assert decode_run(json.loads(run_text(changed_run)), EVERYTHING, 1) == changed_run


def test_a_state_of_many_parts_is_not_kept() -> None:
    """Each of its events makes another one of it, and a function's memory has an end."""
    parts = tuple(Part(size=1, group=number) for number in range(20))
    wide = StepState(status=StepStatus.ACTIVE, parts=parts)
    run = run_of("one").with_step("Before", wide)
    first, again = (decode_run(encode_run(run), EVERYTHING, run.version) for _ in range(2))
    assert again.state("Before") is not first.state("Before")
    assert again == first == run
    assert run_text(run) == run_text(again)
    assert not [key for key in step_states._TEXTS if key == ("Before", id(wide))]


def test_a_kept_state_stands_for_documents_of_its_own_types_only() -> None:
    document = encode_run(run_of("one").with_step("Before", StepState(status=StepStatus.ACTIVE)))
    decode_run(changed(document, "steps.Before.i", 1), EVERYTHING, 1)
    with pytest.raises(CodecError, match="expected int, got True"):
        decode_run(changed(document, "steps.Before.i", True), EVERYTHING, 1)


def test_a_text_is_kept_for_its_own_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another state may be where a state was that is gone: then they have the same id."""
    state, gone = StepState(status=StepStatus.FAILED), StepState(status=StepStatus.ACTIVE)
    monkeypatch.setattr(step_states, "_TEXTS", {("a", id(state)): (gone, "of the other")})
    assert step_states.member_text("a", state) == '"a":{"s":"FAILED","n":null}'


@pytest.mark.parametrize("separator", ["", ";", "\t"])
def test_a_separator_is_stored_if_there_is_one(separator: str) -> None:
    """A pipeline that has none is stored as it was: the same content is the same version."""
    form = ListFormat.CSV if separator else ListFormat.TSV
    each = ListFile(file="s3://b/f", format=form, separator=separator)
    fan = pipeline(step("a", for_each=each))
    document: Any = encode_pipeline(fan)
    assert decode_pipeline(document, fan.version) == fan
    assert ("separator" in document["steps"][0]["forEach"]) == bool(separator)


def changed(document: Any, path: str, value: object) -> Any:
    *parents, last = path.split(".")
    inner = document
    for parent in parents:
        inner = inner[int(parent)] if parent.isdecimal() else inner[parent]
    inner[int(last) if last.isdecimal() else last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("status", "DONE", "run.status: unknown RunStatus 'DONE'"),
        ("startedAt", "yesterday", "run.startedAt: expected a time, got 'yesterday'"),
        ("startedAt", "2026-01-01T00:00:00", "run.startedAt: the time '2026-01-01T00:00:00' has no zone"),
        ("steps.Wide.parts", [{"n": "3"}], "run.steps.Wide.parts[0].n: expected int, got '3'"),
        ("steps.Wide.parts", "AAAA", "run.steps.Wide.parts: expected records of 39 bytes in base64"),
        ("steps.Wide.parts", "?", "run.steps.Wide.parts: expected records of 39 bytes in base64"),
        ("steps.Wide.parts", {}, "run.steps.Wide.parts: expected a list, got {}"),
        ("steps", [], "run.steps: expected an object, got []"),
        ("params.x", 3, "run.params.x: expected str, got 3"),
        ("schema", SCHEMA + 1, f"run.schema: {SCHEMA + 1} was written by a newer version"),
    ],
)  # fmt: skip
def test_a_wrong_run_is_refused_with_its_path(path: str, value: object, problem: str) -> None:
    with pytest.raises(CodecError) as error:
        decode_run(changed(encode_run(run_of("one")), path, value), EVERYTHING, 1)
    assert str(error.value).startswith(problem)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("steps.1.needs.0", "absent", "pipeline.steps: step Fan depends on unknown step absent"),
        ("steps.1.needs", [3], "pipeline.steps[1].needs: expected step names, got 3"),
        ("params.0.type", "uri", "pipeline.params[0].type: unknown ParamType 'uri'"),
    ],
)
def test_a_wrong_pipeline_is_refused_with_its_path(path: str, value: object, problem: str) -> None:
    with pytest.raises(CodecError) as error:
        decode_pipeline(changed(encode_pipeline(EVERYTHING), path, value), 3)
    assert str(error.value) == problem


def test_an_order_is_decoded() -> None:
    document = {"runId": "a1", "pipeline": "p", "version": 2, "params": {"x": "y"}}
    order = StartRequest(run_id="a1", pipeline="p", version=2, params={"x": "y"})
    assert decode_start_request(document, lambda: "new") == order


def test_an_order_without_an_id_gets_one_and_one_with_a_key_always_the_same() -> None:
    new = decode_start_request({"pipeline": "p"}, lambda: "new")
    assert (new.run_id, new.version, new.params) == ("new", None, {})
    first, again, other = (
        decode_start_request({"pipeline": name, "key": "a/b"}, lambda: "new").run_id
        for name in "ppq"
    )
    assert first == again != other
    with pytest.raises(InvalidDocument, match=r"order\.key: more than 256 characters"):
        decode_start_request({"pipeline": "p", "key": "x" * 257}, lambda: "new")


def test_missing_settings_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHRELAY_TABLE", "t")
    with pytest.raises(BatchrelayError, match="BATCHRELAY_BUCKET, BATCHRELAY_TOPIC_ARN"):
        Settings.read()
    for name in ("BUCKET", "TOPIC_ARN", "PREPARE_QUEUE_URL", "TRIGGER_QUEUE_URL"):
        monkeypatch.setenv(f"BATCHRELAY_{name}", name)
    monkeypatch.setenv("BATCHRELAY_RUN_TTL_DAYS", "90")
    settings = Settings.read()
    assert settings.environment == {"bucket": "BUCKET", "topicArn": "TOPIC_ARN"}


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


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("tolerate", {}, "tolerate: expected either count or percent"),
        ("tolerate", {"count": 1, "percent": 2}, "tolerate: expected either count or percent"),
        ("tolerate", {"count": True}, "tolerate.count: expected int, got True"),
        ("tolerate", {"percent": True}, "tolerate.percent: expected a number, got True"),
        ("tolerate", {"percent": 10**400}, "tolerate.percent: expected a number, got 1000"),
        ("tolerate", {"percent": float("nan")}, "tolerate.percent: expected a number, got nan"),
        ("tolerate", [1], "tolerate: expected an object, got [1]"),
        ("retryFailed", {}, "retryFailed.rounds: expected int, got None"),
        ("retryFailed", {"rounds": 1, "when": "x"}, "retryFailed.when: expected list, got 'x'"),
        (
            "retryFailed",
            {"rounds": 1, "memoryFactor": "x2"},
            "retryFailed.memoryFactor: expected a number, got 'x2'",
        ),
    ],
)
def test_a_damaged_retry_or_tolerance_says_where(field: str, value: Any, problem: str) -> None:
    document: Any = encode_pipeline(pipeline(step("a")))
    document["steps"][0][field] = value
    with pytest.raises(CodecError, match=re.escape(f"pipeline.steps[0].{problem}")):
        decode_pipeline(document, 1)


def test_a_whole_percentage_is_a_number() -> None:
    document: Any = encode_pipeline(pipeline(step("a")))
    document["steps"][0]["tolerate"] = {"percent": 5}
    assert decode_pipeline(document, 1).step("a").tolerate == Tolerate(percent=5.0)


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


@pytest.mark.parametrize(
    ("detail", "report"),
    [
        (
            {
                "status": "FAILED",
                "statusReason": "why",
                "container": {"exitCode": 3, "reason": "OOM"},
            },
            JobReport(
                job_id="j", outcome=JobOutcome.FAILED, failed=1, reason="why, exit code 3, OOM"
            ),
        ),
        ({"status": "SUCCEEDED"}, JobReport(job_id="j", outcome=JobOutcome.SUCCEEDED, succeeded=1)),
        ({"status": "STARTING"}, JobReport(job_id="j", outcome=None, running=1)),
        (
            {
                "status": "FAILED",
                "stoppedAt": round(T0.timestamp() * 1000),
                "arrayProperties": {"statusSummary": {"SUCCEEDED": 5, "FAILED": 2, "RUNNING": 0}},
            },
            JobReport(job_id="j", outcome=JobOutcome.FAILED, succeeded=5, failed=2, stopped_at=T0),
        ),
        (
            {
                "status": "PENDING",
                "createdAt": round(T0.timestamp() * 1000),
                "arrayProperties": {"statusSummary": {"RUNNABLE": 5, "FAILED": 1}},
            },
            JobReport(job_id="j", outcome=None, failed=1),
        ),
    ],
)
def test_a_job_detail_is_read_with_its_counts(detail: dict[str, Any], report: JobReport) -> None:
    assert report_of({"jobId": "j", **detail}) == report


RUNNABLE = {"createdAt": T0_MS, "status": "RUNNABLE"}


@pytest.mark.parametrize(
    ("detail", "waits_since"),
    [
        (RUNNABLE, T0),
        ({**RUNNABLE, "createdAt": T0_MS + 0.5}, at(0.0005)),
        ({**RUNNABLE, "createdAt": 1}, EPOCH + timedelta(milliseconds=1)),
        ({**RUNNABLE, "createdAt": 0}, None),
        ({**RUNNABLE, "createdAt": 10**14 - 1_000}, EPOCH + timedelta(seconds=10**11 - 1)),
        ({**RUNNABLE, "createdAt": 10**14}, None),
        ({**RUNNABLE, "createdAt": str(T0_MS)}, None),
        ({"status": "RUNNABLE"}, None),
        ({**RUNNABLE, "status": "PENDING"}, None),
        ({**RUNNABLE, "status": "STARTING"}, None),
        ({**RUNNABLE, "dependsOn": [{"jobId": "x"}]}, None),
        ({**RUNNABLE, "attempts": [{}]}, None),
        ({**RUNNABLE, "dependsOn": [], "attempts": []}, T0),
    ],
)
def test_since_when_a_plain_job_waits(detail: dict[str, Any], waits_since: datetime | None) -> None:
    assert report_of(detail).waits_since == waits_since


@pytest.mark.parametrize(
    ("status", "counts", "waits"),
    [
        ("PENDING", {"RUNNABLE": 1}, True),
        ("RUNNABLE", {"RUNNABLE": 5, "PENDING": 2}, True),
        ("STARTING", {"RUNNABLE": 5}, False),
        ("PENDING", {"RUNNABLE": 0, "PENDING": 5}, False),
        ("PENDING", {"PENDING": 5}, False),
        *(
            ("PENDING", {"RUNNABLE": 5, begun: 1}, False)
            for begun in ("STARTING", "RUNNING", "SUCCEEDED", "FAILED")
        ),
    ],
)
def test_since_when_an_array_waits(status: str, counts: dict[str, int], waits: bool) -> None:
    detail = {"createdAt": T0_MS, "status": status, "arrayProperties": {"statusSummary": counts}}
    assert report_of(detail).waits_since == (T0 if waits else None)


def test_what_a_job_detail_lacks_is_empty() -> None:
    assert report_of({}) == JobReport(job_id="", outcome=None)
    odd: dict[str, Any] = {
        "status": "FAILED",
        "arrayProperties": [],
        "container": None,
        "statusReason": None,
    }
    assert report_of(odd) == JobReport(job_id="", outcome=JobOutcome.FAILED, failed=1)
    counts = {"arrayProperties": {"statusSummary": {"SUCCEEDED": "x", "RUNNING": None}}}
    assert report_of({"status": "SUCCEEDED", **counts}) == JobReport(
        job_id="", outcome=JobOutcome.SUCCEEDED
    )
    assert report_of({"status": "RUNNING", **counts}) == JobReport(job_id="", outcome=None)


def test_a_report_is_an_event_of_its_job() -> None:
    job = key("a")
    report = JobReport(
        job_id="j",
        outcome=JobOutcome.FAILED,
        succeeded=1,
        failed=2,
        running=3,
        reason="why",
        stopped_at=at(5),
    )
    counts = {"succeeded": 1, "failed": 2}
    assert end_of(report, job, at(9)) == JobFailed(
        at=at(9), key=job, job_id="j", reason="why", stopped_at=at(5), **counts
    )
    succeeded = replace(report, outcome=JobOutcome.SUCCEEDED)
    assert end_of(succeeded, job, at(9)) == JobSucceeded(at=at(9), key=job, job_id="j")
    assert end_of(replace(report, outcome=None), job, at(9)) is None
    assert progress_of(report, job, at(9)) == JobProgressed(
        at=at(9), key=job, job_id="j", running=3, **counts
    )


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ([], "order: expected an object, got []"),
        ({}, "order.pipeline: expected str, got None"),
        ({"version": 0}, "order.version: expected a number from 1 to 1,000,000,000, got 0"),
        ({"version": True}, "order.version: expected int, got True"),
        ({"runId": "A"}, "order.runId: expected 1 to 32 of a-z and 0-9, got 'A'"),
        ({"key": "\ud800"}, "order: half of a character (a lone surrogate) is no text"),
        ({"params": {"x": 1}}, "order.params.x: expected str, got 1"),
        ({"trigger": []}, "order.trigger: expected an object, got []"),
        ({"overlap": "never"}, "order.overlap: unknown Overlap 'never'"),
    ],
)
def test_a_wrong_order_is_refused_with_its_path(fields: Any, problem: str) -> None:
    document = {"pipeline": "p", **fields} if fields else fields
    with pytest.raises(InvalidDocument) as caught:
        decode_start_request(document, lambda: "new")
    assert str(caught.value) == problem


def test_an_order_of_a_trigger_is_decoded() -> None:
    more = {"key": "k" * 256, "trigger": {"bucket": "b"}, "overlap": "queue"}
    order = decode_start_request({"pipeline": "p", "version": 1, **more}, lambda: "new")
    assert replace(order, run_id="") == StartRequest(
        run_id="",
        pipeline="p",
        version=1,
        params={},
        key="k" * 256,
        trigger={"bucket": "b"},
        overlap=Overlap.QUEUE,
    )


def test_a_wrong_value_is_shown_in_part() -> None:
    for size, shown in ((198, "'" + "x" * 198 + "'"), (199, "'" + "x" * 198 + "…")):
        with pytest.raises(CodecError) as caught:
            Reader("x" * size, "order")
        assert str(caught.value) == f"order: expected an object, got {shown}"


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (T0_MS, T0),
        ("2026-01-01T01:00:00+01:00", T0),
        (10**20, "order.at: expected a time, got 100000000000000000000"),
        (True, "order.at: expected int, got True"),
        ([], "order.at: expected str, got []"),
    ],
)
def test_a_time_is_milliseconds_or_a_text_with_a_zone(value: Any, time: datetime | str) -> None:
    reader = Reader({"at": value}, "order")
    if isinstance(time, datetime):
        assert (reader.time("at"), reader.time("at").tzinfo) == (time, UTC)
        return
    with pytest.raises(CodecError) as caught:
        reader.time("at")
    assert str(caught.value) == time
