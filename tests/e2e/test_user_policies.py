"""To register a pipeline and to start a run are two permissions: those that the docs have."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batchrelay_local.launch import LocalCloud
from tests.conftest import write
from tests.policies import ACCOUNT, is_allowed
from tests.stack import ROOT, template
from verification.permissions.check import BY_DEFAULT
from verification.permissions.needs import Need, needs
from verification.permissions.user_needs import OF_USERS

pytestmark = pytest.mark.cloud

ONLY_HERE = {
    "batch.CreateComputeEnvironment",
    "batch.CreateJobQueue",
    "s3.CreateBucket",
    "s3.PutBucketNotificationConfiguration",
}
"""`deploy` makes queues and buckets of a local cloud, and of no account."""

PLAY = (
    "import sys; from verification.permissions.recorder import record; "
    "record('user', sys.argv.pop(1)); from batchrelay_cli.__main__ import main; main()"
)

FILE = """
pipeline: two-rights
steps:
  - {jobName: a, jobDefinition: two-rights, jobQueue: MainQueue}
triggers:
  - {s3: {bucket: inbox, prefix: x/}}
  - {schedule: {expression: "cron(0 2 * * ? *)"}}
jobDefinitions:
  - jobDefinitionName: two-rights
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""
WITHOUT_TRIGGERS = re.sub(r"triggers:.*(?=jobDefinitions)", "", FILE, flags=re.DOTALL)


def policies() -> list[dict[str, Any]]:
    """Those of the page, in its order, with the names of the evaluated stack."""
    text = (ROOT / "docs/how-to/deploy-the-stack.md").read_text()
    text = text.replace("TABLE_NAME", BY_DEFAULT.name_of("Table"))
    text = text.replace("ANSWER_API_NAME", BY_DEFAULT.name_of("AnswerApi"))
    role = f"arn:aws:iam::{ACCOUNT}:role/{BY_DEFAULT.name_of('SchedulerRole')}"
    text = text.replace('["SCHEDULER_ROLE_ARN"]', f'["{role}"]')
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


def played(folder: Path, *arguments: str) -> tuple[str, list[Need]]:
    """What a verb printed, and what IAM would be asked for it."""
    calls = folder / f"calls-{arguments[0]}-{len([*folder.iterdir()])}"
    calls.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", PLAY, str(calls), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = [line for path in calls.iterdir() for line in path.read_text().splitlines()]
    made = [json.loads(line) for line in lines]
    asked = [
        need
        for call in made
        if call["call"] not in ONLY_HERE
        for need in needs(call["call"], call["request"], call["how"], OF_USERS)
    ]
    return ended.stdout, asked


def refused(policy: dict[str, Any], asked: list[Need]) -> set[str]:
    statements = policy["Statement"]
    return {
        f"{need.action} on {need.arn}"
        for need in asked
        if not is_allowed(statements, need.action, need.arn, dict(need.tags), dict(need.keys))
    }


def test_who_may_register_may_not_start_and_who_may_start_may_not_register(
    stays: LocalCloud, tmp_path: Path
) -> None:
    register, start, _ = policies()
    _, deployed = played(tmp_path, "deploy", write(tmp_path, FILE))
    _, changed = played(tmp_path, "deploy", write(tmp_path, WITHOUT_TRIGGERS))
    shown, started = played(tmp_path, "start", "two-rights", "--output", "json")
    run_id = json.loads(shown)["runId"]
    looked = [
        need for verb in (["runs"], ["cancel", run_id]) for need in played(tmp_path, *verb)[1]
    ]
    assert refused(register, [*deployed, *changed]) == set()
    assert refused(start, [*started, *looked]) == set()
    asked_to_start = "lambda:InvokeFunction on " + BY_DEFAULT.arn_of("AnswerApi")
    assert refused(register, started) == {asked_to_start}
    actions = {text.partition(" ")[0] for text in refused(start, deployed)}
    assert {"dynamodb:PutItem", "batch:RegisterJobDefinition", "events:PutRule"} <= actions
    granted = {
        action
        for statement in register["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    used = {need.action for need in (*deployed, *changed)}
    assert granted - used == SELDOM


IN_AWS = {
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "iam:GetRole",
    "iam:SimulatePrincipalPolicy",
    "logs:DescribeLogGroups",
}
"""Of the checks of images, roles and log groups, which a local cloud has none of."""

SELDOM = {"scheduler:UpdateSchedule", *IN_AWS}
"""For a schedule that has changed."""


def test_who_may_register_reaches_no_run_in_the_table() -> None:
    register, _, _ = policies()
    table = BY_DEFAULT.arn_of("Table")

    def may(key: str) -> bool:
        keys = {"dynamodb:LeadingKeys": key}
        return is_allowed(register["Statement"], "dynamodb:PutItem", table, {}, keys)

    assert (may("PIPELINE#nightly"), may("RUN#k1")) == (True, False)


def test_a_route_is_allowed_alone() -> None:
    """Each route of the API has an ARN, and none registers a pipeline."""
    events = template()["Resources"]["AnswerApi"]["Properties"]["Events"].values()
    routes = {(event["Properties"]["Method"], event["Properties"]["Path"]) for event in events}
    posts = {path for method, path in routes if method == "POST"}
    assert "/pipelines/{name}/runs" in posts
    assert not [path for path in posts if path.rstrip("/").endswith("/pipelines")]
    _, _, by_http = policies()
    api = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:API_ID/v1"

    def may(route: str) -> bool:
        return is_allowed(by_http["Statement"], "execute-api:Invoke", f"{api}/{route}", {}, {})

    assert may("POST/pipelines/nightly/runs")
    assert may("GET/runs/k1/failures")
    assert not may("POST/pipelines/other/runs")
    assert not may("POST/runs/k1/cancel")
