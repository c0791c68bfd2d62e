"""Compute environments of a queue: whether they are usable, their quotas, the sizes of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.stack.preflight.quotas import quota_of
from tests.unit.cli.preflight.account import FILE, QUEUE_LINE, Account, checked, environment


def test_one_usable_compute_environment_is_enough_and_the_other_is_a_warning(
    tmp_path: Path,
) -> None:
    account = Account(environment(), environment("EC2", state="DISABLED"))
    problems, checks = checked(tmp_path, account)
    assert problems == []
    [warning] = checks.warnings
    assert warning.message == ("of job queue Main, compute environment ec2 is DISABLED: enable it")


def test_a_job_beyond_the_quota_of_the_account_would_wait_for_ever(tmp_path: Path) -> None:
    [problem], _ = checked(tmp_path, Account(quota=2))
    assert problem.startswith(f"{QUEUE_LINE}: a job of count asks for 4 vCPUs, and the account's")
    assert "--service-code ec2 --quota-code L-34B43A08" in problem


def test_an_environment_beyond_the_quota_is_a_warning(tmp_path: Path) -> None:
    _, checks = checked(tmp_path, Account(quota=8))
    [warning] = checks.warnings
    assert "compute environment spot may have 16 vCPUs" in warning.message


@pytest.mark.parametrize(
    ("described", "code"),
    [
        (environment("FARGATE"), "L-3032A538"),
        (environment("FARGATE_SPOT"), "L-36FBB829"),
        (environment("EC2", computeResources={"instanceTypes": ["m5", "c7g.large"]}), "L-1216C47A"),
        (environment("EC2", computeResources={"instanceTypes": ["m5", "g5"]}), None),
        (environment("ECS_MANAGED_INSTANCES"), None),
        ({"type": "UNMANAGED"}, None),
    ],
)
def test_a_quota_is_of_the_kind_of_the_environment(
    described: dict[str, Any], code: str | None
) -> None:
    quota = quota_of(described)
    assert (None if quota is None else quota.code) == code


def test_nodes_do_not_run_on_spot(tmp_path: Path) -> None:
    text = """\
pipeline: nodes
steps: [{jobName: a, jobQueue: Main, jobDefinition: d}]
jobDefinitions:
  - jobDefinitionName: d
    type: multinode
    nodeProperties:
      numNodes: 2
      mainNode: 0
      nodeRangeProperties:
        - {targetNodes: "0:", container: {image: i, vcpus: 9, memory: 64, command: [x]}}
"""
    problems, _ = checked(tmp_path, Account(), text)
    assert [problem.partition(": ")[2][:50] for problem in problems] == [
        "a job of d asks for 18 vCPUs, and no compute envir",
        "job definition d has several nodes, and job queue ",
    ]
    assert checked(tmp_path, Account(environment("EC2"), environment()), text)[0] == problems[:1]


@pytest.mark.parametrize(
    ("override", "asked"),
    [
        ('[{type: VCPU, value: "32"}]', "32"),
        ('[{type: VCPU, value: "${params.size}"}]', "64"),
        ('[{type: VCPU, value: "2"}]', None),
        ('[{type: VCPU, value: "${params.own}"}]', None),
        ('[{type: MEMORY, value: "16"}]', None),
    ],
)
def test_the_size_is_that_of_the_request_over_its_definition(
    tmp_path: Path, override: str, asked: str | None
) -> None:
    request = f"    containerOverrides: {{resourceRequirements: {override}}}\n"
    text = FILE.replace("jobDefinitions:\n", f"{request}jobDefinitions:\n")
    params = "params: {size: {type: string, default: '64'}, own: {type: string}}\n"
    problems, _ = checked(tmp_path, Account(), text.replace("steps:\n", f"{params}steps:\n"))
    sizes = [problem.partition("asks for ")[2].partition(" ")[0] for problem in problems]
    assert sizes == ([] if asked is None else [asked])
