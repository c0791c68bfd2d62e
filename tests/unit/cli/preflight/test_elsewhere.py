"""What a pipeline file only names: things of other Regions and accounts, and job definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.stack.preflight.forms import form_problems
from batchrelay_cli.stack.preflight.uses import Use
from tests.unit.cli.preflight.account import (
    ACCOUNT,
    FILE,
    IMAGE,
    QUEUE_LINE,
    REGION,
    Account,
    checked,
)


def test_what_another_region_or_account_has_is_a_problem(tmp_path: Path) -> None:
    elsewhere = "arn:aws:batch:us-west-2:111122223333:job-queue/Main"
    problems, _ = checked(tmp_path, Account(), FILE.replace("Queue: Main", f"Queue: {elsewhere}"))
    assert problems == [
        f"{QUEUE_LINE}: job queue {elsewhere} is not of {REGION} and account {ACCOUNT}, where the "
        "stack is: name one that is there"
    ]
    here = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/Main"
    assert checked(tmp_path, Account(), FILE.replace("Queue: Main", f"Queue: {here}"))[0] == []


def test_an_arn_may_be_without_a_revision(tmp_path: Path) -> None:
    """As SubmitJob takes it, and DescribeJobDefinitions does not."""
    arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/count"
    account = Account()
    checked(tmp_path, account, FILE.replace("Definition: count", f"Definition: {arn}", 1))
    [asked] = [one for one in account.asked if one["call"] == "describe_job_definitions"]
    assert asked["jobDefinitionName"] == "count"


def test_an_image_elsewhere_and_a_role_of_another_account_are_named(tmp_path: Path) -> None:
    text = FILE.replace(IMAGE, "python:3.13").replace(
        f"::{ACCOUNT}:role/pulls", "::444455556666:role/pulls"
    )
    _, checks = checked(tmp_path, Account(), text)
    assert checks.not_done == (
        "image python:3.13: it is not in Amazon ECR",
        "role arn:aws:iam::444455556666:role/pulls: it is of another account",
    )


OF_PODS: dict[str, Any] = {
    "jobDefinitionName": "pod",
    "eksProperties": {"podProperties": {"containers": [{"name": "main", "image": "i"}]}},
}
NAMED = {"eksPropertiesOverride": {"podProperties": {"containers": [{"name": "main"}]}}}


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({}, 'has eksProperties: name its containers, so that the variables of a job reach them: "eksPropertiesOverride": {"podProperties": {"containers": [{"name": "main"'),
        ({"containerOverrides": {}}, "for which AWS Batch refuses containerOverrides"),
        ({"eksPropertiesOverride": {"podProperties": {"containers": [{"name": "mian"}]}}}, "its job definition has no container mian: it has main; did you mean main?"),
        ({**NAMED, "propagateTags": True}, "AWS Batch refuses propagateTags on EKS"),
        (NAMED, None),
    ],
)  # fmt: skip
def test_containers_of_a_definition_elsewhere_are_named_in_its_form(
    request_: dict[str, Any], problem: str | None
) -> None:
    use = Use(at_queue=(), at_definition=(), queue="q", request=request_, definition=OF_PODS)
    shown = list(form_problems(use))
    assert len(shown) == (problem is not None)
    assert (problem or "") in "".join(shown)
