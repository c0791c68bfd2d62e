"""Documents that are not what we write are refused with their path."""

from __future__ import annotations

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
)
from batchrelay.codec.upgrades import SCHEMA
from batchrelay.domain.errors import BatchrelayError, CodecError, InvalidDocument
from batchrelay.domain.pipeline import ListFile, ListFormat
from batchrelay.domain.run import StartRequest
from tests.builders import pipeline, step
from tests.contract.suite import EVERYTHING, ended, run_of


def test_documents_survive_a_round_trip() -> None:
    for run in (run_of("one"), ended(run_of("one"))):
        assert decode_run(encode_run(run), EVERYTHING, run.version) == run
        assert run_pipeline(encode_run(run)) == ("everything", 3)
    assert decode_pipeline(encode_pipeline(EVERYTHING), 3) == EVERYTHING


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
        ("steps.1.needs.0", "nobody", "pipeline.steps: step Fan depends on unknown step nobody"),
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
