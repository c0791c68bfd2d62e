"""`batchrelay shell`: what opens it in ECS, and what of a child's environment a shell is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.main import cli
from batchrelay_cli.spin.local_shell import child_variables, container_here, without_code
from batchrelay_cli.spin.node import Node
from batchrelay_cli.spin.task_shell import (
    check_programs,
    cluster_of,
    container_name,
    described_task,
    execute_command,
    task_of,
)
from batchrelay_cli.stack.client import Stack

TASK = "arn:aws:ecs:eu-central-1:111122223333:task/batch-cluster/0a1b"
OLD_TASK = "arn:aws:ecs:eu-central-1:111122223333:task/0a1b"
INSTANCE = "arn:aws:ecs:eu-central-1:111122223333:container-instance/batch-cluster/9z"


def job(status: str = "RUNNING", **more: Any) -> dict[str, Any]:
    definition = "arn:aws:batch:eu-central-1:111122223333:job-definition/align:3"
    container = {"taskArn": TASK, "containerInstanceArn": INSTANCE}
    return {
        "jobId": "j:1",
        "status": status,
        "jobDefinition": definition,
        "container": container,
        **more,
    }


def task(*names: str, is_on: bool = True) -> dict[str, Any]:
    containers = [{"name": name} for name in names]
    return {"taskArn": TASK, "enableExecuteCommand": is_on, "containers": containers}


class Ecs:
    """DescribeTasks."""

    def __init__(self, *tasks: dict[str, Any]) -> None:
        self.tasks = tasks

    def describe_tasks(self, *, cluster: str, tasks: list[str]) -> dict[str, Any]:
        assert (cluster, tasks) == ("batch-cluster", [TASK])
        return {"tasks": list(self.tasks)}


SEVERAL: dict[str, Any] = {
    "container": {},
    "ecsProperties": {
        "taskProperties": [{"taskArn": TASK, "containers": [{"name": "web"}, {"name": "db"}]}]
    },
}


@pytest.mark.parametrize("one", [job(), job("STARTING"), job(**SEVERAL)])
def test_the_task_is_that_of_the_job(one: dict[str, Any]) -> None:
    assert task_of(one, None) == TASK


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (job("SUCCEEDED"), "job j:1 is SUCCEEDED: only a container that runs has a shell"),
        (job("RUNNABLE", container={}), "job j:1 is RUNNABLE: only a container"),
        (
            job(
                eksProperties={"podProperties": {"podName": "p", "metadata": {"namespace": "n n"}}}
            ),
            "its job runs in a pod: kubectl exec -it -n 'n n' p -c web -- sh",
        ),
    ],
)
def test_a_job_without_a_task_that_runs_is_refused(one: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        task_of(one, "web")
    assert refused.value.message.startswith(sentence)


def test_the_cluster_is_in_the_arn_of_the_task_or_of_its_machine() -> None:
    assert cluster_of(TASK, {}) == "batch-cluster"
    assert cluster_of(OLD_TASK, job()) == "batch-cluster"
    with pytest.raises(UsageProblem, match="does not say in which cluster"):
        cluster_of(OLD_TASK, {})


def test_a_task_in_which_no_command_may_be_executed_says_what_to_write() -> None:
    assert described_task(Ecs(task("default")), "batch-cluster", TASK, job())
    with pytest.raises(UsageProblem) as refused:
        described_task(Ecs(task("default", is_on=False)), "batch-cluster", TASK, job())
    assert "`enableExecuteCommand: true` into containerProperties" in refused.value.message
    assert "of job definition align:3" in refused.value.message
    assert "ssmmessages:CreateControlChannel" in refused.value.message
    with pytest.raises(UsageProblem, match="has ended"):
        described_task(Ecs(), "batch-cluster", TASK, job())


def test_the_container_is_the_jobs_own_or_the_one_that_is_named() -> None:
    assert container_name(task("guard-agent", "default"), job(), None) == "default"
    assert container_name(task("main", "guard-agent"), job(), "main") == "main"
    several = job(**SEVERAL)
    assert container_name(task("web", "db", "guard-agent"), several, "db") == "db"
    assert container_name(task("db", "web", "guard-agent"), several, None) == "web"
    with pytest.raises(UsageProblem, match="write --container with one of a, b"):
        container_name(task("a", "b"), job(), None)
    with pytest.raises(UsageProblem, match="there is no container x: web, db"):
        container_name(task("web", "db"), several, "x")


def test_the_command_has_the_region_of_the_task() -> None:
    assert execute_command(TASK, "batch-cluster", "default", "/bin/sh") == (
        *("aws", "ecs", "execute-command", "--region", "eu-central-1"),
        *("--cluster", "batch-cluster", "--task", TASK, "--container", "default"),
        *("--interactive", "--command", "/bin/sh"),
    )


def test_what_is_not_installed_is_named_with_the_command(tmp_path: Path) -> None:
    words = ("aws", "ecs", "--command", "a b")
    with pytest.raises(UsageProblem) as refused:
        check_programs(words, str(tmp_path))
    assert refused.value.message.startswith("install the AWS CLI, https://docs.aws.amazon.com/cli")
    assert " and its Session Manager plugin, https://" in refused.value.message
    assert refused.value.message.endswith("then this command does it: aws ecs --command 'a b'")
    for name in ("aws", "session-manager-plugin"):
        (tmp_path / name).touch(mode=0o755)
    check_programs(words, str(tmp_path))


@dataclass(kw_only=True)
class OneStack(Stack):
    """A stack in AWS whose run has one job."""

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        jobs = [{"jobId": "j", "round": 0, "children": 1, "outcome": "SUBMITTED"}]
        step = {"step": "align", "status": "ACTIVE", "children": 1, "chunk": None, "jobs": jobs}
        is_step = event["path"].endswith("/steps/align")
        body = step if is_step else {"runId": "r", "steps": [step]}
        return {"statusCode": 200, "body": json.dumps(body)}


def test_the_aws_cli_opens_it_and_its_exit_code_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    meta = SimpleNamespace(endpoint_url="https://batch.eu-central-1.amazonaws.com")
    described = {"jobs": [job() | {"jobId": "j"}]}
    batch = SimpleNamespace(meta=meta, describe_jobs=lambda **_: described)
    clients = {"batch": batch, "ecs": Ecs(task("default"))}
    one = OneStack(make_client=clients.__getitem__, outputs={"AnswerApiName": "api"})
    monkeypatch.setattr("batchrelay_cli.stack.access.find_stack", lambda _: one)
    for name in ("aws", "session-manager-plugin"):
        (tmp_path / name).write_text('#!/bin/sh\necho "$@"\nexit 9\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = CliRunner().invoke(cli, ["shell", "r/align", "--command", "bash -l"])
    words = execute_command(TASK, "batch-cluster", "default", "bash -l")
    assert (result.exit_code, capfd.readouterr().out) == (9, " ".join(words[1:]) + "\n")
    printed = CliRunner().invoke(cli, ["shell", "r/align", "--command", "bash -l", "--print"])
    assert printed.stdout == " ".join(words[:-1]) + " 'bash -l'\n"


# --- on this machine

CHILD = {
    "jobId": "p:2",
    "jobQueue": "arn:aws:batch:us-east-1:000000000000:job-queue/Q",
    "status": "FAILED",
    "attempts": [{}, {}],
    "arrayProperties": {"index": 2},
}


def test_a_child_has_its_own_variables_and_those_of_aws_batch() -> None:
    entries = [{"name": "MINE", "value": "$(id) `id`"}, {"name": "PATH", "value": "/bin"}]
    variables = child_variables(CHILD, {"environment": entries}, 5, "")
    assert variables.pop("PATH").split(":")[0] == "/bin"
    assert variables == {
        "MINE": "$(id) `id`",
        "AWS_BATCH_JOB_ID": "p:2",
        "AWS_BATCH_JOB_ATTEMPT": "2",
        "AWS_BATCH_JQ_NAME": "Q",
        "AWS_BATCH_CE_NAME": "shell",
        "AWS_BATCH_JOB_ARRAY_INDEX": "2",
        "AWS_BATCH_JOB_ARRAY_SIZE": "5",
    }


def test_what_a_shell_would_act_on_is_left_out_and_named() -> None:
    acted_on = [
        *("ENV", "BASH_ENV", "PS1", "PS4", "PROMPT_COMMAND", "SHELLOPTS", "BASHOPTS", "IFS"),
        *("BASH_FUNC_ls%%", "PROMPT", "RPROMPT", "RPS1", "SPROMPT", "ZDOTDIR", "HOME", "FPATH"),
        *("INPUTRC", "HISTFILE", "MAIL", "MAILPATH"),
    ]
    kept = {"ENVIRONMENT": "a", "MY_ENV": "b", "PS": "c", "env": "d", "MY_HOME": "e"}
    variables, left_out = without_code({**dict.fromkeys(acted_on, "$(id)"), **kept})
    assert variables == kept
    assert left_out == sorted(acted_on)


def test_of_several_containers_the_one_that_failed_is_meant_or_the_first_essential_one() -> None:
    containers = [
        {"name": "log", "essential": False, "exitCode": 143},
        {"name": "web", "environment": []},
        {"name": "db", "exitCode": 3},
    ]
    one = {"ecsProperties": {"taskProperties": [{"containers": containers}]}}
    assert container_here(one, "db")["name"] == "db"
    assert container_here(one, None)["name"] == "web"
    assert container_here({**one, "status": "FAILED"}, None)["name"] == "db"
    with pytest.raises(UsageProblem, match="there is no container x: log, web, db"):
        container_here(one, "x")
    assert container_here({"container": {"image": "i"}}, None) == {"image": "i"}
    with pytest.raises(UsageProblem, match="one container, without a name: leave --container out"):
        container_here({"container": {"image": "i"}}, "x")
    lists = {"initContainers": [{"name": "init"}], "containers": [{"name": "main"}]}
    assert container_here({"eksProperties": {"podProperties": lists}}, None)["name"] == "main"


def test_a_node_of_a_pod_has_the_variables_of_both() -> None:
    node = Node(index=1, count=2, main=0)
    of_node = {**CHILD, "jobId": "p#1", "arrayProperties": {}}
    entries = [{"name": "MINE", "value": "1"}]
    variables = child_variables(of_node, {"env": entries}, 1, "", node)
    assert (variables["MINE"], variables["AWS_BATCH_JOB_ID"]) == ("1", "p#1")
    assert variables["AWS_BATCH_JOB_NODE_INDEX"] == "1"


def test_a_command_without_words_is_refused() -> None:
    result = CliRunner().invoke(cli, ["shell", "k/align:1", "--command", " "])
    assert (result.exit_code, result.output) == (
        2,
        "batchrelay: --command is empty: leave it out for /bin/sh\n",
    )
