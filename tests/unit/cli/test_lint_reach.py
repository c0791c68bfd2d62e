"""A queue, a definition, a topic or a bucket that a caller's parameter chooses is a warning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.read import read

FILE = """\
pipeline: reach
params:
  x: {type: string, default: s3://inbox/a}
  y: "${params.x}"
  must: {type: s3uri}
defaults: {jobQueue: Q, jobDefinition: d}
steps:
  - jobName: a
    flow: {output: "OUTPUT"}
  - jobName: b
    dependsOn: [{jobName: a}]
STEP
notify: [{topicArn: "TOPIC"}]
"""
BEFORE = "a caller's parameter, "
BUCKET = (
    "chooses the bucket: write the bucket, and the parameter behind it, such as "
    "s3://${{env.bucket}}/${{params.{}}}"
)
WHOLE_URI = (
    "chooses the bucket: a whole URI reaches every bucket that ItemsBucketArn of the stack allows. "
    "To fix one, make must a parameter without a type, and write the bucket before it, such as "
    "s3://${env.bucket}/${params.must}"
)
QUEUE = "chooses the job queue: write the queue's name, or narrow JobQueueArns of the stack"
DEFINITION = (
    "chooses the job definition: write the definition's name: then the file's own revision of it "
    "is used"
)
STEPS: list[tuple[str, str, str]] = [
    ('jobQueue: "${params.x}"', "12:15", f"x, {QUEUE}"),
    ('jobQueue: "a-${params.x}-${params.y}"', "12:15", f"x and y, {QUEUE}"),
    ('jobDefinition: "${params.must}"', "12:20", f"must, {DEFINITION}"),
    ('jobDefinition: "d:${params.y}"', "12:20", f"y and x, {DEFINITION}"),
    ('flow: {forEach: {file: "${params.x}"}}', "12:28", f"x, {BUCKET.format('x')}"),
    ('flow: {forEach: {file: "${params.must}/l"}}', "12:28", f"must, {WHOLE_URI}"),
    ('flow: {forEach: {file: "${params.must}"}}', "12:28", f"must, {WHOLE_URI}"),
    ('flow: {forEach: {file: "s3://${params.x}/l"}}', "12:28", f"x, {BUCKET.format('x')}"),
    ('flow: {forEach: {file: "s3://in-${params.x}"}}', "12:28", f"x, {BUCKET.format('x')}"),
    ('flow: {forEach: {prefix: "${params.y}"}}', "12:30", f"y and x, {BUCKET.format('x')}"),
    ('flow: {forEach: {file: "${steps.a.output}"}}', "12:28", f"x, {BUCKET.format('x')}"),
    ('flow: {forEach: {items: [1]}, skipExisting: "${params.x}${item}"}', "12:49", "x, chooses"),
    ('flow: {forEach: {items: [1]}, groups: [{jobQueue: "${params.x}"}]}', "12:55", f"x, {QUEUE}"),
]
"""What a step says, and where and what the warning is."""

FINE = [
    "jobQueue: Q2",
    'jobQueue: "${run.id}"',
    'flow: {forEach: {file: "s3://${env.bucket}/${params.x}"}}',
    'flow: {forEach: {file: "s3://inbox/${params.x}"}}',
    'flow: {forEach: {file: "s3://${trigger.bucket}/${params.x}"}}',
    'flow: {forEach: {file: "${trigger.folder}l"}}',
    'flow: {forEach: {prefix: "s3://inbox/", suffix: "${params.x}"}}',
    'flow: {forEach: {items: [1]}, skipExisting: "s3://out/${params.x}/${item}"}',
    'flow: {output: "${params.x}"}',
]


def warned(
    folder: Path, step: str, output: str = "${params.x}", topic: str = "${env.topicArn}"
) -> list[str]:
    text = FILE.replace("STEP", f"    {step}").replace("OUTPUT", output).replace("TOPIC", topic)
    if "${trigger." in step:
        text = text.replace("{type: s3uri}", "s3://inbox/")
        text += "triggers: [{s3: {bucket: inbox}}, {s3: {bucket: outbox}}]\n"
    file = folder / "pipeline.yaml"
    file.write_text(text)
    found = read(file).warnings
    return [f"{p.line}:{p.column}: {p.message}" for p in found if "chooses" in p.message]


@pytest.mark.parametrize(("step", "place", "message"), STEPS)
def test_what_a_caller_chooses_is_named_with_its_place(
    tmp_path: Path, step: str, place: str, message: str
) -> None:
    [found] = warned(tmp_path, step)
    assert found.startswith(f"{place}: {BEFORE}{message}"), found


@pytest.mark.parametrize("step", FINE)
def test_a_fixed_name_is_fine(tmp_path: Path, step: str) -> None:
    assert warned(tmp_path, step) == []


def test_a_topic_and_the_defaults_are_looked_at(tmp_path: Path) -> None:
    advice = "x, chooses the topic: write the topic's ARN, or ${env.topicArn}"
    topic = warned(tmp_path, "jobQueue: Q", topic="${params.x}")
    assert topic == [f"13:21: {BEFORE}{advice}"]
    file = tmp_path / "pipeline.yaml"
    text = FILE.replace("STEP", "    jobQueue: Q").replace(
        "jobQueue: Q,", 'jobQueue: "${params.x}",'
    )
    file.write_text(text.replace("OUTPUT", "s3://b/o").replace("TOPIC", "${env.topicArn}"))
    [found] = [p for p in read(file).warnings if "chooses" in p.message]
    assert (found.line, found.message) == (6, f"{BEFORE}x, {QUEUE}")


def test_lint_prints_it_and_passes(tmp_path: Path) -> None:
    warned(tmp_path, 'jobQueue: "${params.x}"')
    file = str(tmp_path / "pipeline.yaml")
    result = CliRunner().invoke(cli, ["lint", file])
    assert result.exit_code == 0
    assert f"{file}:12:15: warning: {BEFORE}x, {QUEUE}\n" in result.output
    document = json.loads(CliRunner().invoke(cli, ["lint", file, "--output", "json"]).output)
    [problem] = [p for p in document["problems"] if "chooses" in p["message"]]
    assert (problem["line"], problem["severity"]) == (12, "warning")
