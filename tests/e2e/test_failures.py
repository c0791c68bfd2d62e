"""A run whose items fail, on the local cloud: why, in a table, by the API, and for a join."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchrelay_cli.client import Client
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, write
from tests.e2e.command_line import batchrelay, document, statuses

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
PIPELINE = """
pipeline: converted
defaults: {jobQueue: Q, jobDefinition: tools}
notify: [{topicArn: "${env.topicArn}", link: "${steps.convert.failures}"}]
steps:
  - jobName: convert
    containerOverrides:
      command: [batchrelay-worker, run, --, sh, -c, 'case $ITEM_NAME in bad) echo no such file; exit 3;; once) test $BATCHRELAY_ROUND = 1;; esac']
    flow:
      forEach: {items: [{name: good}, {name: bad}, {name: once}, {name: fine}]}
      retryFailed: {rounds: 1}
      tolerate: {count: 1}
      output: s3://${env.bucket}/converted/
  - jobName: report
    dependsOn: [{jobName: convert}]
    containerOverrides:
      command: [sh, -c, 'batchrelay-worker get "$FAILED" - | cut -c 1-27; batchrelay-worker get "$DONE" -']
      environment: [{name: FAILED, value: "${steps.convert.failures}"}, {name: DONE, value: "${steps.convert.succeeded}"}]
  - jobName: plain
    arrayProperties: {size: 3}
    containerOverrides: {command: [sh, -c, 'echo child $AWS_BATCH_JOB_ARRAY_INDEX; exit $AWS_BATCH_JOB_ARRAY_INDEX']}
jobDefinitions:
  - {jobDefinitionName: tools, type: container, containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}}
"""  # noqa: E501  # a command is one line


def lines(*arguments: str) -> list[str]:
    return [" ".join(line.split()) for line in batchrelay(*arguments).output.splitlines()]


def test_why_items_failed_is_shown_collected_or_not(stays: LocalCloud, tmp_path: Path) -> None:
    batchrelay("deploy", write(tmp_path, PIPELINE))
    run_id = document("start", "converted")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 1, "plain has failed"
    run = document("status", run_id)
    assert statuses(run_id) == {"convert": "PARTIAL", "report": "SUCCEEDED", "plain": "FAILED"}
    convert, report, plain = (
        next(step for step in run["steps"] if step["step"] == name)
        for name in ("convert", "report", "plain")
    )
    assert (convert["round"], convert["failedItems"]) == (1, 1)
    assert (plain["round"], plain["failed"]) == (0, 2)
    assert plain["reason"] == (
        "1 × ExitCode (exit code 1): child 1, 1 × ExitCode (exit code 2): child 2"
    )
    shown = lines("failures", run_id)
    assert shown[0].startswith("step convert: PARTIAL, 1 of 4 items failed")
    [cause] = [line for line in shown if "ExitCode 3" in line]
    assert cause.endswith('0 1 {"name": "bad"}')
    assert "no such file" in shown
    [command] = [line for line in shown if f"batchrelay logs {run_id}/convert" in line]
    place = command.partition("batchrelay logs ")[2].split()
    assert "no such file" in batchrelay("logs", *place).output
    assert any(line.startswith("step plain: FAILED, 2 of 3 children failed") for line in shown)
    assert any(line.startswith("1 ExitCode 2 child 2 0 2") for line in shown)
    answered = Client().failures(run_id)
    assert document("failures", run_id) == answered
    assert document("failures", f"{run_id}/plain") == answered["steps"][1]
    history = batchrelay("history", run_id).output
    assert "convert: round 1, array of 2 submitted as" in history
    joined = batchrelay("logs", f"{run_id}/report").stdout.splitlines()
    assert joined[0] == '{"number":1,"group":0,"clas'
    assert [json.loads(line)["name"] for line in joined[1:]] == ["good", "once", "fine"]
    assert report["jobs"][0]["round"] == 0
    bucket = stays.outputs["BucketName"]
    key = f"{convert['failures']}causes.json".removeprefix(f"s3://{bucket}/")
    client_of(stays, "s3").delete_object(Bucket=bucket, Key=key)
    assert any("its causes are no longer in S3" in line for line in lines("failures", run_id))
    batchrelay("undeploy", "converted")


@pytest.mark.usefixtures("run_on_cloud")
def test_run_ends_with_4_if_a_step_is_partial(tmp_path: Path) -> None:
    start, _, definitions = PIPELINE.partition("  - jobName: plain\n")
    text = start + "jobDefinitions:" + definitions.partition("jobDefinitions:")[2]
    result = batchrelay("run", write(tmp_path, text))
    assert result.exit_code == 4, result.output
    assert "/converted/" in next(s for s in result.output.splitlines() if s.startswith("output: "))
    assert "notice: converted PARTIAL" in result.output
    assert "Why items failed: batchrelay failures " in result.output
