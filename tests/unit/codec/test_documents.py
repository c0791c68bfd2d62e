"""What is stored, whole: only what differs from the default takes room."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

from batchrelay.codec import (
    compact_json,
    decode_run,
    encode_pipeline,
    encode_run,
    run_pipeline,
    stored,
)
from batchrelay.codec.parts import packed_parts, unpacked_parts
from batchrelay.codec.reader import check_text
from batchrelay.codec.stored import (
    KEYS_BYTES,
    WRITE_UNIT_BYTES,
    StoredRun,
    deflated,
    pipeline_text,
    stored_run,
)
from batchrelay.domain.errors import CodecError, InvalidDocument, InvalidPipeline, RunTooLarge
from batchrelay.domain.pipeline import Aggregate, Group, ListFile, ListFormat, Listing, Overlap
from batchrelay.domain.run import NoticeState, Run
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.run_summary import run_place
from batchrelay.domain.step_state import Attempts, JobOutcome, Part
from batchrelay.domain.stops import Stop, StopCause
from tests.builders import T0, at, pipeline, step
from tests.contract.suite import EVERYTHING, run_of

JOB = "01234567-89ab-cdef-0123-456789abcdef"
T0_MS = 1_767_225_600_000
NEW_RECORD = "AAEAAAGbdtqoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAA"
"""One child, since T0, and nothing else."""


def test_a_new_run_is_stored_without_its_defaults() -> None:
    whole: Any = encode_run(run_of("one"))
    assert whole.pop("steps")["List"] == {
        "s": "SUBMITTING",
        "n": 1,
        "t": T0_MS,
        "parts": NEW_RECORD,
    }
    assert whole == {
        "schema": 8,
        "id": "one",
        "pipeline": "everything",
        "pipelineVersion": 3,
        "status": "RUNNING",
        "startedAt": T0_MS,
        "params": {"source": "s3://b/", "x": ""},
        "environment": {"bucket": "the-bucket", "topicArn": "arn:aws:sns:us-east-1:1:the-topic"},
        "trigger": {"bucket": "b", "key": "a/é"},
        "overlap": "queue",
        "dequeuedAt": T0_MS,
    }


def test_a_run_in_parallel_is_stored_without_its_policy() -> None:
    whole: Any = encode_run(replace(run_of("one"), overlap=Overlap.PARALLEL))
    assert "overlap" not in whole


def test_the_definition_of_a_run_is_named_in_its_document() -> None:
    assert run_pipeline(encode_run(run_of("one"))) == ("everything", 3)
    with pytest.raises(CodecError) as caught:
        run_pipeline({"pipeline": "p"})
    assert str(caught.value) == "run.schema: expected int, got None"


def parts_of(run: Run) -> tuple[Part, ...]:
    parts = run.steps["Wide"].parts
    return (
        replace(parts[0], job_id=JOB, running=4, missing_since=at(7), is_terminate_accepted=True),
        replace(parts[1], outcome=JobOutcome.FAILED, succeeded=3, failed=2, group=1, since=None),
        replace(parts[2], outcome=JobOutcome.CANCELLED, blocked="no queue", is_given_up=True),
    )


def with_everything() -> Run:
    run = run_of("one")
    state = replace(
        run.steps["Wide"],
        round=2,
        items=0,
        existing=5,
        chunk=6,
        parts=parts_of(run),
        manifest="s3://b/m/",
        queue="https://q",
        reason="why",
        counted_at=at(2),
        attempts=Attempts(requests=2, begun=1, is_underway=True),
        resume="u",
    )
    return replace(
        run,
        steps={"Wide": state},
        ended_at=at(9),
        stop=Stop(cause=StopCause.TIMEOUT, reason="late", requested_at=at(6), since=at(7)),
        notices={0: NoticeState.SENT},
        notices_since=at(3),
        end_event=NoticeState.REFUSED,
        end_event_since=at(10),
        queues_since=at(4),
        consumable_resources_since=at(8),
        continue_since=at(5),
    )


def test_every_field_of_a_run_is_stored_by_a_short_name() -> None:
    run = with_everything()
    whole: Any = encode_run(run)
    assert whole["steps"] == {
        "Wide": {
            "s": "SUBMITTING",
            "n": 25_000,
            "t": T0_MS,
            "r": 2,
            "i": 0,
            "x": 5,
            "c": 6,
            "parts": packed_parts(parts_of(run)),
            "blocked": {"2": "no queue"},
            "m": "s3://b/m/",
            "q": "https://q",
            "reason": "why",
            "k": T0_MS + 2_000,
            "a": 2,
            "b": 1,
            "w": True,
            "u": "u",
        }
    }
    times = {"requestedAt": T0_MS + 6_000, "t": T0_MS + 7_000}
    assert whole["stop"] == {"cause": str(StopCause.TIMEOUT), "reason": "late", **times}
    assert whole["notices"] == {"0": "SENT"}
    fields = ("endedAt", "noticesSince", "queuesSince", "resourcesSince", "continueSince")
    assert [whole[name] - T0_MS for name in fields] == [9_000, 3_000, 4_000, 8_000, 5_000]
    assert decode_run(whole, EVERYTHING, run.version) == run


def test_a_part_whose_job_has_no_uuid_is_stored_by_itself() -> None:
    run = with_everything()
    state = run.steps["Wide"]
    first, second, third = parts_of(run)
    parts = (replace(first, job_id="j"), second, third)
    named = replace(run, steps={"Wide": replace(state, parts=parts)})
    whole: Any = encode_run(named)
    assert whole["steps"]["Wide"]["parts"] == [
        {
            "n": 8334, "t": T0_MS, "running": 4, "j": "j", "terminated": True,
            "missing": T0_MS + 7_000,
        },
        {"n": 8333, "succeeded": 3, "failed": 2, "g": 1, "o": "FAILED"},
        {"n": 8333, "t": T0_MS, "blocked": "no queue", "givenUp": True, "o": "CANCELLED"},
    ]  # fmt: skip
    assert "blocked" not in whole["steps"]["Wide"]
    assert decode_run(whole, EVERYTHING, named.version) == named


def test_a_record_of_a_part_has_39_bytes() -> None:
    parts = parts_of(run_of("one"))
    text = packed_parts(parts)
    assert text is not None
    since, missing = (milliseconds.to_bytes(6, "big") for milliseconds in (T0_MS, T0_MS + 7_000))
    job = bytes.fromhex(JOB.replace("-", ""))
    assert base64.b64decode(text) == b"".join(
        [
            b"\x20\x8e\0\0" + since + job + b"\0\0\0\0\0\4" + bytes([1 + 2 + 4 + 32]) + missing,
            b"\x20\x8d\0\1" + bytes(22) + b"\0\3\0\2\0\0" + bytes([2 << 3]) + bytes(6),
            b"\x20\x8d\0\0" + since + bytes(22) + bytes([1 + (3 << 3) + 64]) + bytes(6),
        ]
    )
    assert unpacked_parts(text, "p") == (*parts[:2], replace(parts[2], blocked=""))


@pytest.mark.parametrize(
    "changes", [{"size": 65_536}, {"job_id": "j"}, {"group": -1}, {"since": T0.replace(year=1)}]
)
def test_a_part_that_no_record_holds_has_none(changes: dict[str, Any]) -> None:
    part = run_of("one").steps["List"].parts[0]
    assert packed_parts((part,)) == NEW_RECORD
    assert packed_parts((part, replace(part, **changes))) is None


@pytest.mark.parametrize("text", ["AAAA", "?", NEW_RECORD + "AAAA", NEW_RECORD[:-1], "é"])
def test_a_text_that_is_no_records_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(CodecError) as caught:
        unpacked_parts(text, "run.steps.a.parts")
    assert str(caught.value) == "run.steps.a.parts: expected records of 39 bytes in base64"


# --- pipelines


def test_a_pipeline_is_stored_without_its_defaults() -> None:
    assert encode_pipeline(EVERYTHING) == {
        "schema": 8,
        "pipeline": "everything",
        "params": [
            {"name": "source", "type": "string", "description": "a folder"},
            {"name": "x", "type": "string", "default": ""},
        ],
        "steps": [
            {
                "name": "List",
                "request": {
                    "jobQueue": "queue", "jobDefinition": "noop:1", "parameters": {"x": "é ☃"}
                },
                "output": "s3://b/${params.x}",
            },
            {
                "name": "Fan",
                "request": {"jobQueue": "q", "jobDefinition": "d", "tags": {"a": "b"}},
                "needs": ["List"],
                "forEach": {"file": "s3://b/plan.json", "format": "json", "items": "Items"},
            },
            {
                "name": "Wide",
                "request": {
                    "jobQueue": "queue",
                    "jobDefinition": "noop:1",
                    "arrayProperties": {"size": 25_000},
                },
            },
        ],
        "notify": [{"topic": "${env.topicArn}", "on": ["FAILED"], "link": ""}],
        "timeout": 3_600,
        "triggers": [
            {"bucket": "inbox", "prefix": "a/", "suffix": ""},
            {"bucket": "inbox", "prefix": "", "suffix": "", "debounce": 60, "overlap": "queue"},
            {"expression": "rate(1 day)", "timezone": "UTC", "overlap": "cancelRunning"},
        ],
    }  # fmt: skip


def test_every_field_of_a_step_is_stored_by_its_name_in_the_reference() -> None:
    first = step("a", size=4, sequential=True)
    fan = step(
        "b",
        "a",
        n_to_n_needs=frozenset({"a"}),
        for_each=ListFile(file="s3://b/f", format=ListFormat.CSV, separator=";"),
        chunk=None,
        skip_existing="s3://b/${item.key}",
        groups=(
            Group(when="item.size > 1", overrides={"jobQueue": "q"}),
            Group(when=None, overrides={}),
        ),
        workers=3,
        when="params.x == 2",
        unsafe_shell=True,
        max_running=7,
    )  # fmt: skip
    listing = step("c", for_each=Listing(prefix="s3://b/"), chunk=7)
    merge = step("d", "b", aggregate=Aggregate(of="b", fan_in=9))
    document: Any = encode_pipeline(pipeline(first, fan, listing, merge))
    assert "timeout" not in document
    assert "triggers" not in document
    shown = [{**each} for each in document["steps"]]
    for each in shown:
        each.pop("request")
    assert shown == [
        {"name": "a", "sequential": True},
        {
            "name": "b",
            "needs": ["a"],
            "nToN": ["a"],
            "forEach": {"file": "s3://b/f", "format": "csv", "items": "", "separator": ";"},
            "chunk": "auto",
            "skipExisting": "s3://b/${item.key}",
            "groups": [
                {"overrides": {"jobQueue": "q"}, "when": "item.size > 1"}, {"overrides": {}}
            ],
            "workers": 3,
            "when": "params.x == 2",
            "unsafeShell": True,
            "maxRunning": 7,
        },
        {"name": "c", "forEach": {"prefix": "s3://b/", "suffix": "", "match": ""}, "chunk": 7},
        {"name": "d", "needs": ["b"], "aggregate": {"of": "b", "fanIn": 9}},
    ]  # fmt: skip


# --- bytes


def test_a_run_is_stored_with_attributes_for_people() -> None:
    run = run_of("one")
    stored_form = stored_run(run)
    text = compact_json(encode_run(run))
    assert stored_form == StoredRun(
        document=text,
        beside={
            "status": "RUNNING",
            "pipeline": "everything",
            "place": run_place(T0, "one"),
            "cause": "s3://b/a/é",
        },
        size=200 + len(text.encode()) + _beside_bytes(stored_form),
    )
    assert json.loads(text) == encode_run(run)
    assert "cause" not in stored_run(replace(run, trigger={})).beside
    assert "cost" not in stored_run(run).beside
    cost = RunCost(usd=12.3456789, sums="vCPUs", date="2026-09-11")
    assert stored_run(replace(run, cost=cost)).beside["cost"] == "12.345679"


def test_a_deflated_run_takes_the_bytes_that_are_stored() -> None:
    stored_form = stored_run(replace(run_of("one"), trigger={"bucket": "b", "key": "k" * 1_000}))
    assert isinstance(stored_form.document, bytes)
    assert stored_form.size == 200 + len(stored_form.document) + _beside_bytes(stored_form)


def _beside_bytes(stored_form: StoredRun) -> int:
    return len("".join((*stored_form.beside, *stored_form.beside.values())).encode())


def test_a_run_that_is_too_large_is_refused_with_its_size() -> None:
    run = replace(run_of("one"), trigger={"bucket": "b", "key": "k" * 1_000})
    size = stored_run(run).size
    assert size > 1_001
    assert stored_run(run, size).size == size
    with pytest.raises(RunTooLarge) as caught:
        stored_run(run, size - 1)
    assert str(caught.value) == f"run one takes {size:,} bytes, over {size - 1:,}"


@pytest.mark.parametrize(("size", "is_text"), [(724, True), (725, False)])
def test_a_document_whose_item_is_longer_than_a_write_unit_is_deflated(
    size: int, is_text: bool
) -> None:
    document = b"x" * size
    beside = WRITE_UNIT_BYTES - KEYS_BYTES - 724
    stored = deflated(document, beside)
    assert stored == (document.decode() if is_text else zlib.compress(document))
    assert KEYS_BYTES + beside + len(stored) <= WRITE_UNIT_BYTES


def test_a_text_is_stored_without_spaces_and_as_it_is() -> None:
    assert compact_json({"a": [1, "é"], "b": None}) == '{"a":[1,"é"],"b":null}'


def test_half_of_a_character_is_no_text() -> None:
    check_text({"a": ["é"]}, "order")
    with pytest.raises(InvalidDocument) as caught:
        check_text({"a": ["\ud800"]}, "order")
    assert str(caught.value) == "order: half of a character (a lone surrogate) is no text"
    with pytest.raises(InvalidDocument, match=r"^pipeline: half of a character"):
        pipeline_text(pipeline(step("a", request={"tags": {"t": "\ud800"}})))


ADVICE = (
    "put long commands into the image, long values into a file in S3, long lists into a "
    "forEach.file, or split the pipeline"
)


def test_a_pipeline_is_stored_up_to_its_two_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = pipeline(step("a", request={"tags": {"t": "x" * 2_000}}))
    text = compact_json(encode_pipeline(definition)).encode()
    small = len(zlib.compress(text))
    monkeypatch.setattr(stored, "PIPELINE_JSON_BYTES_MAX", len(text))
    monkeypatch.setattr(stored, "PIPELINE_BYTES_MAX", small)
    assert pipeline_text(definition) == text
    monkeypatch.setattr(stored, "PIPELINE_BYTES_MAX", small - 1)
    with pytest.raises(InvalidPipeline) as caught:
        pipeline_text(definition)
    assert str(caught.value) == (
        f"pipeline test is {small} bytes, deflated as it is stored; a definition takes at most "
        f"{small - 1}: {ADVICE}"
    )
    monkeypatch.setattr(stored, "PIPELINE_JSON_BYTES_MAX", len(text) - 1)
    with pytest.raises(InvalidPipeline) as caught:
        pipeline_text(definition)
    assert str(caught.value) == (
        f"pipeline test is {len(text):,} bytes of JSON; a definition has at most "
        f"{len(text) - 1:,}: {ADVICE}"
    )
