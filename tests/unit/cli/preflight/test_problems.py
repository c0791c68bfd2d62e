"""What `deploy` looks at before it registers anything: each problem with its line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchrelay_cli.stack.preflight.checks import Checks
from tests.unit.cli.preflight.account import (
    ACCOUNT,
    IMAGE,
    IMAGE_LINE,
    LOGS_LINE,
    PULLS_LINE,
    QUEUE_LINE,
    ROLE_LINE,
    TRUSTED,
    Account,
    checked,
    environment,
    index,
)

LAMBDAS = {"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}}


def test_what_is_right_is_named(tmp_path: Path) -> None:
    problems, checks = checked(tmp_path, Account())
    assert problems == []
    assert checks == Checks(
        done=(
            "job queues and their compute environments: Main",
            "platforms and sizes of job definitions: count",
            "quotas of vCPUs: EC2 Spot Standard instances 64",
            f"images: {IMAGE}",
            "roles: jobs, pulls",
            "log groups: /words",
            f"your own rights: arn:aws:iam::{ACCOUNT}:user/me",
        ),
        not_done=(),
        warnings=(),
    )


WRONG: list[tuple[Account, str]] = [
    (
        Account(queue={"status": "INVALID", "statusReason": "no environment"}),
        f"{QUEUE_LINE}: job queue Main is INVALID (no environment): repair what AWS names there, or name another one",
    ),
    (
        Account(environment(state="DISABLED")),
        f"{QUEUE_LINE}: no job of job queue Main would begin: compute environment spot is DISABLED: enable it",
    ),
    (
        Account(
            environment(status="INVALID", statusReason="CLIENT_ERROR - the role is gone"),
            environment("EC2", status="CREATING"),
        ),
        f"{QUEUE_LINE}: no job of job queue Main would begin: compute environment spot is INVALID (CLIENT_ERROR - the role is gone): "
        "repair what AWS names there; compute environment ec2 is CREATING: wait until it is VALID",
    ),
    (
        Account(environment("FARGATE")),
        f"{QUEUE_LINE}: job definition count is for EC2, and job queue Main has compute environments of FARGATE: "
        "write platformCapabilities: [FARGATE], with an executionRoleArn, or name a queue of EC2",
    ),
    (
        Account(environment(containerOrchestrationType="EKS")),
        f"{QUEUE_LINE}: job definition count is for EC2, and job queue Main has compute environments of EKS: "
        "write eksProperties, or name a queue of EC2",
    ),
    (
        Account(environment("ECS_MANAGED_INSTANCES")),
        f"{QUEUE_LINE}: job definition count is for EC2, and job queue Main has compute environments of MANAGED_INSTANCES: "
        "write platformCapabilities: [MANAGED_INSTANCES], or name a queue of EC2",
    ),
    (
        Account(environment(computeResources={"maxvCpus": 2})),
        f"{QUEUE_LINE}: a job of count asks for 4 vCPUs, and no compute environment of job queue Main may have more than 2: "
        "it would wait for ever. Ask for less, or raise maxvCpus (aws batch update-compute-environment)",
    ),
    (
        Account(manifest=index("arm64")),
        f"{IMAGE_LINE}: image {IMAGE} is for ARM64, and job queue Main runs X86_64: "
        "build it with docker buildx build --platform linux/amd64, or name a queue of ARM64",
    ),
    (
        Account(manifest='{"config": {"digest": "sha256:1"}}', config='{"architecture": "arm64"}'),
        f"{IMAGE_LINE}: image {IMAGE} is for ARM64, and job queue Main runs X86_64: "
        "build it with docker buildx build --platform linux/amd64, or name a queue of ARM64",
    ),
    (
        Account(manifest=None),
        f"{IMAGE_LINE}: image {IMAGE} is not in its registry (ImageNotFound): push it, or write another one",
    ),
    (
        Account(roles={"pulls": TRUSTED}),
        f"{ROLE_LINE}: jobRoleArn: there is no role jobs in this account: create it, or name another one",
    ),
    (
        Account(roles={"jobs": TRUSTED, "pulls": LAMBDAS}),
        f"{PULLS_LINE}: executionRoleArn: ecs-tasks.amazonaws.com may not assume role pulls: add "
        '{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"} to its trust policy',
    ),
    (
        Account(groups=["/words/more"]),
        f"{LOGS_LINE}: there is no log group /words, so no container would start: create it "
        "(aws logs create-log-group --log-group-name /words), or leave logConfiguration out",
    ),
]


@pytest.mark.parametrize(("account", "problem"), WRONG)
def test_a_problem_has_its_line_and_its_remedy(
    tmp_path: Path, account: Account, problem: str
) -> None:
    assert checked(tmp_path, account)[0] == [problem]
