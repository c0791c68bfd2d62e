"""Documents that are not what we write are refused with their path."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from batchrelay.codec import decode_pipeline, decode_run, encode_pipeline, encode_run
from batchrelay.codec.reader import Reader
from batchrelay.codec.upgrades import SCHEMA
from batchrelay.domain.errors import CodecError
from batchrelay.domain.failures import Tolerate
from tests.builders import T0, pipeline, step
from tests.contract.suite import EVERYTHING, run_of
from tests.unit.codec.documents import T0_MS, changed


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
