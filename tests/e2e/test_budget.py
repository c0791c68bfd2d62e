"""A budget that stops a run of real processes at the right step, and lets it go on."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batchrelay_cli.main import cli
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, make_queue

pytestmark = pytest.mark.cloud
PATIENCE_S = 60

FILE = """
pipeline: bounded
budget: {usd: 2.9, rates: {B: {vcpuHour: 3600, gibHour: 0}}}
defaults: {jobQueue: B, jobDefinition: nap}
steps:
  - {jobName: quick, containerOverrides: {command: [sleep, "0.2"]}}
  - {jobName: slow, dependsOn: [{jobName: quick}]}
  - {jobName: held, dependsOn: [{jobName: slow}], arrayProperties: {size: 2}}
notify: [{topicArn: "${env.topicArn}"}]
jobDefinitions:
  - jobDefinitionName: nap
    type: container
    containerProperties: {image: i, command: [sleep, "3"], vcpus: 1, memory: 64}
"""
"""A second of a vCPU costs a dollar: the budget is reached behind `slow`."""


def batchrelay(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == exit_code, result.output
    return result.output


def run_with(status: str) -> Any:
    began = time.monotonic()
    while True:
        [run] = json.loads(batchrelay("runs", "bounded", "--output", "json"))["runs"]
        if run["status"] == status:
            return run
        assert time.monotonic() - began < PATIENCE_S, run
        time.sleep(0.3)


def test_a_budget_stops_behind_the_step_that_reaches_it_and_resume_goes_on(
    stays: LocalCloud, tmp_path: Path
) -> None:
    make_queue(client_of(stays, "batch"), "B", slots=4)
    file = tmp_path / "pipeline.yaml"
    file.write_text(FILE.replace(", rates: {B: {vcpuHour: 3600, gibHour: 0}}", ""))
    refused = batchrelay_refused("deploy", str(file))
    assert ":5:" in refused or "cost unknown (no price of EC2" in refused
    assert "write a rate: `budget.rates: {B: {vcpuHour" in refused
    file.write_text(FILE)
    batchrelay("deploy", str(file))
    sqs = client_of(stays, "sqs")
    notices = sqs.create_queue(QueueName="notices-of-budgets")["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=notices, AttributeNames=["QueueArn"])
    client_of(stays, "sns").subscribe(
        TopicArn=stays.outputs["TopicArn"],
        Protocol="sqs",
        Endpoint=answer["Attributes"]["QueueArn"],
    )
    batchrelay("start", "bounded")
    run = run_with("PAUSED")
    run_id = run["runId"]
    status = json.loads(batchrelay("status", run_id, "--output", "json", exit_code=3))
    assert [step["status"] for step in status["steps"]] == ["SUCCEEDED", "SUCCEEDED", "WAITING"]
    assert 3 <= status["cost"]["usd"] < 20
    assert status["paused"].startswith("what has ended cost about $")
    assert status["paused"].endswith("its budget is $2.90")
    assert run["costUsd"] == round(status["cost"]["usd"], 6)
    [message] = sqs.receive_message(QueueUrl=notices, WaitTimeSeconds=20)["Messages"]
    notice = json.loads(message["Body"])
    assert notice["Subject"].startswith("bounded PAUSED: what has ended cost about $")
    assert f"Let it go on: {status['resume']}" in notice["Message"]
    shown = batchrelay("status", run_id, exit_code=3)
    assert "nothing further is submitted: what has ended cost about" in shown

    batchrelay_refused("resume", run_id, "--budget", "1")
    batchrelay("resume", run_id, "--budget", "1000")
    assert "is RUNNING, and only one that is PAUSED" in (
        batchrelay_refused("resume", run_id, "--budget", "2000")
    )
    run_with("SUCCEEDED")
    status = json.loads(batchrelay("status", run_id, "--output", "json"))
    assert [len(step["jobs"]) for step in status["steps"]] == [1, 1, 1]
    assert status["budgetUsd"] == 1000
    assert 9 <= status["cost"]["usd"] < 60, "three naps of three seconds, each once"

    file.write_text(FILE.replace("usd: 2.9", "usd: 0.001"))
    batchrelay("deploy", str(file))
    refused = batchrelay_refused("start", "bounded")
    assert "step quick alone would cost about $" in refused
    assert "the budget of a run is $0.0010: write a larger budget" in refused


def batchrelay_refused(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2 or result.exception is not None, result.output
    return result.output + str(result.exception)
