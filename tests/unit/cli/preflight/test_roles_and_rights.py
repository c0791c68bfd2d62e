"""Roles must trust tasks, and the rights of the caller are asked of IAM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.stack.preflight.rights import role_of_session
from batchrelay_cli.stack.preflight.roles import role_problem
from tests.unit.cli.preflight.account import (
    ACCOUNT,
    FILE,
    OUTPUTS,
    REGION,
    TRUSTED,
    Account,
    checked,
)


@pytest.mark.parametrize(
    ("statement", "is_trusted"),
    [
        (TRUSTED["Statement"][0], True),
        ({"Effect": "Allow", "Principal": "*", "Action": ["sts:*"]}, True),
        ({**TRUSTED["Statement"][0], "Effect": "Deny"}, False),
        ({**TRUSTED["Statement"][0], "Action": "sts:TagSession"}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}, False),
    ],
)
def test_a_role_must_trust_tasks(statement: dict[str, Any], is_trusted: bool) -> None:
    problem = role_problem("jobRoleArn", "r", {"Statement": [statement]})
    assert (problem is None) is is_trusted


def test_rights_that_iam_would_deny_are_a_warning_with_the_resource(tmp_path: Path) -> None:
    account = Account(
        decisions={
            "iam:PassRole": {"EvalDecision": "implicitDeny"},
            "batch:TagResource": {"EvalDecision": "explicitDeny", "MissingContextValues": ["k"]},
        }
    )
    problems, checks = checked(tmp_path, account)
    assert problems == []
    lead = "by IAM's simulation you may not iam:PassRole on arn:aws:iam::111122223333:role"
    ask = "ask for the policy of docs/how-to/deploy-the-stack.md, Register pipelines"
    assert [warning.message for warning in checks.warnings] == [
        f"{lead}/pulls: {ask}",
        f"{lead}/team/jobs: {ask}",
    ]


TRIGGERS = """\
triggers:
  - {s3: {bucket: inbox, prefix: x/}}
  - {schedule: {expression: "cron(0 2 * * ? *)"}}
"""


def test_iam_is_asked_for_what_a_registration_changes(tmp_path: Path) -> None:
    account = Account(caller=f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me")
    account.roles["deployer"] = TRUSTED
    checked(tmp_path, account, FILE + TRIGGERS)
    asked = [call for call in account.asked if call["call"] == "simulate_principal_policy"]
    principals = {call["PolicySourceArn"] for call in asked}
    assert principals == {f"arn:aws:iam::{ACCOUNT}:role/path/deployer"}
    here = f"{REGION}:{ACCOUNT}"
    assert [(*call["ActionNames"], *call["ResourceArns"]) for call in asked] == [
        ("dynamodb:PutItem", f"arn:aws:dynamodb:{here}:table/table"),
        (
            "batch:RegisterJobDefinition",
            "batch:TagResource",
            f"arn:aws:batch:{here}:job-definition/count",
        ),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/pulls"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/team/jobs"),
        ("events:PutRule", "events:PutTargets", f"arn:aws:events:{here}:rule/br-1-0"),
        ("scheduler:CreateSchedule", f"arn:aws:scheduler:{here}:schedule/default/br-1-0"),
        ("iam:PassRole", OUTPUTS["SchedulerRoleArn"]),
    ]
    services = [key["ContextKeyValues"] for call in asked for key in call["ContextEntries"]]
    assert services == [
        ["PIPELINE#words"],
        ["ecs-tasks.amazonaws.com"],
        ["ecs-tasks.amazonaws.com"],
        ["scheduler.amazonaws.com"],
    ]


def test_the_root_user_may_do_everything(tmp_path: Path) -> None:
    account = Account(caller=f"arn:aws:iam::{ACCOUNT}:root")
    _, checks = checked(tmp_path, account)
    assert "simulate_principal_policy" not in {call["call"] for call in account.asked}
    assert checks.not_done == ()


@pytest.mark.parametrize(
    ("caller", "role"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/session", "deployer"),
        (f"arn:aws:iam::{ACCOUNT}:user/path/me", None),
        (f"arn:aws:iam::{ACCOUNT}:root", None),
    ],
)
def test_a_session_is_one_of_a_role(caller: str, role: str | None) -> None:
    assert role_of_session(caller) == role
