"""The JSON Schema for editors says what `lint` says, as far as a schema can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.document import parse
from tests.stack import ROOT
from tests.unit.cli.pipeline_texts import GOOD

PAGE = ROOT / "docs" / "reference" / "pipeline.schema.json"
FILES = sorted((ROOT / "examples").glob("*/*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(CliRunner().invoke(cli, ["schema"]).output)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def problems(validator: Draft202012Validator, text: str) -> list[Any]:
    return list(validator.iter_errors(parse(text).data))


def test_the_page_of_the_docs_equals_the_output_of_the_verb() -> None:
    assert PAGE.read_text() == CliRunner().invoke(cli, ["schema"]).output


@pytest.mark.parametrize("file", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_example_is_right(validator: Draft202012Validator, file: Path) -> None:
    text = file.read_text().replace("POLICY", "skip")
    assert problems(validator, text) == []


def step(more: str) -> str:
    return GOOD + f"    {more}\n"


@pytest.mark.parametrize(
    "text",
    [
        "pipeline: p",
        "pipeline: a b\nsteps: [{jobName: a}]",
        "pipeline: p\nsteps: []",
        GOOD + "colour: red",
        GOOD + "params: {a: {type: uri}}",
        GOOD + "params: {'0': x}",
        GOOD + "notify: [{on: [SUCCEEDED]}]",
        GOOD + "notify: [{topicArn: 'arn:x', on: [DONE]}]",
        GOOD + "triggers: [{s3: {}}]",
        GOOD + "triggers: [{s3: {bucket: b, sufix: x}}]",
        GOOD + "triggers: [{schedule: {expression: rate(1 day), overlap: wait}}]",
        GOOD + "triggers: [{s3: {bucket: b, debounce: soon}}]",
        GOOD + "triggers: [{s3: {bucket: b, debounce: 0s}}]",
        GOOD + "timeout: soon",
        GOOD + "defaults: {flow: {}}",
        GOOD + "jobDefinitions: [{jobDefinitionName: d, type: box}]",
        step("job_queue: x"),
        step("dependsOn: [{jobId: x}]"),
        step("arrayProperties: {size: 1}"),
        step("retryStrategy: {attempts: many}"),
        step("retryStrategy: {attempts: 30}"),
        step("timeout: {attemptDurationSeconds: 59}"),
        step("schedulingPriorityOverride: 10000"),
        step("containerOverrides: {command: echo}"),
        step("flow: {forEach: {fille: x}}"),
        step("flow: {forEach: {file: x, format: xml}}"),
        step("flow: {forEach: {file: x, separator: ';;'}}"),
        step("flow: {forEach: {file: x, separator: a}}"),
        step("flow: {chunk: 0}"),
        step("flow: {retryFailed: 1}"),
        step("flow: {retryFailed: {}}"),
        step("flow: {retryFailed: {rounds: 10}}"),
        step("flow: {retryFailed: {rounds: 1, when: [Spot]}}"),
        step("flow: {retryFailed: {rounds: 1, when: ['ExitCode:256']}}"),
        step("flow: {retryFailed: {rounds: 1, memory: x0.5}}"),
        step("flow: {retryFailed: {rounds: 1, jobName: b}}"),
        step("flow: {tolerate: {}}"),
        step("flow: {tolerate: {count: -1}}"),
        step("flow: {tolerate: {percent: 120}}"),
        step("flow: {tolerate: {count: 1, percent: 2}}"),
        step("flow: {aggregate: {of: a, fanIn: 1}}"),
        step("nodeOverrides: {numNodes: two}"),
    ],
)
def test_the_schema_refuses_a_wrong_file(validator: Draft202012Validator, text: str) -> None:
    assert problems(validator, text)


@pytest.mark.parametrize(
    "more",
    [
        "arrayProperties: {size: '${params.width}'}",
        "dependsOn: [{jobName: b, type: N_TO_N}, {type: SEQUENTIAL}]",
        "flow: {forEach: {file: 's3://b/x', items: a.b}, chunk: auto, queue: {workers: 3}}",
        "flow: {forEach: {matrix: {a: [1]}}, groups: [{when: item.a > 1, parameters: {a: b}}, {}]}",
        "timeout: {attemptDurationSeconds: 60}",
        "flow: {retryFailed: {rounds: 9, when: [Lost, 'ExitCode:75'], memory: x1.5, jobQueue: r}}",
        "flow: {retryFailed: {rounds: 1}, tolerate: {percent: 2.5}}",
        "flow: {tolerate: {count: 0}}",
    ],
)  # fmt: skip
def test_the_schema_accepts_a_correct_file(validator: Draft202012Validator, more: str) -> None:
    assert problems(validator, step(more)) == []
