"""Every action that a function's role allows is a row of the crash matrix, or has a reason.

The rows are those of docs/reference/crashes.md, which `make verify-crashes` records.
"""

from __future__ import annotations

import re

from tests.policies import Policies
from tests.stack import ROOT, resource, template

ACTIONS = {
    "batch:TerminateJobs": "batch:TerminateJob",  # our port's name for one call a job
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
}
"""Calls that IAM knows by another name."""

NOT_A_CALL = {
    "batch:TagResource": "IAM asks for it beside SubmitJob with tags",
}
NOT_KILLED = {
    "batch:DescribeJobs": "reads; the handlers of reconcile and the API are killed there",
    "batch:ListJobs": "reads; the local cloud's rows have it only after a lost SubmitJob answer",
    "logs:GetLogEvents": "reads",
    "batch:TerminateJob": "a cancellation in the middle of another event; the API is killed there",
    "dynamodb:Query": "reads the open runs or an upload batch; reconcile is killed there",
    "s3:GetObject": "reads",
    "s3:ListBucket": "reads",
    "s3:AbortMultipartUpload": "tidies up; what is left expires",
    "sns:Publish": "a run that ends here; on_job_event and reconcile are killed there",
    "sqs:ChangeMessageVisibility": "only brings a message back sooner",
    "sqs:DeleteQueue": "a run that ends here; on_job_event and reconcile are killed there",
    "sqs:GetQueueUrl": "reads",
    "sqs:ListQueues": "reads; on_job_event and reconcile are killed there",
    "sqs:SendMessage": "asks for a preparation; start_run and on_job_event are killed there",
}
"""Actions that some function may take, and that the matrix does not interrupt there."""


def granted() -> set[tuple[str, str]]:
    """Handler and action, as the roles allow them."""
    policies = Policies(parameters={})
    pairs = set()
    for name, entry in template()["Resources"].items():
        if entry["Type"] != "AWS::Serverless::Function":
            continue
        handler = resource(name)["Handler"].split(".")[0]
        for statement in policies.statements(name):
            actions = statement["Action"]
            names = actions if isinstance(actions, list) else [actions]
            pairs |= {(handler, action) for action in names}
    return pairs


def killed() -> set[tuple[str, str]]:
    """Handler and action, as the page records them."""
    page = (ROOT / "docs/reference/crashes.md").read_text()
    rows = re.findall(r"^\| (\w+) \| (\w+)\.(\w+) \| \d+ \| yes \|$", page, re.MULTILINE)
    assert len(rows) > 30
    calls = {(handler, f"{service}:{call}") for handler, service, call in rows}
    return {(handler, ACTIONS.get(call, call)) for handler, call in calls}


def test_every_handler_is_in_the_crash_matrix() -> None:
    assert {handler for handler, _ in killed()} == {handler for handler, _ in granted()}


def test_every_action_of_a_role_is_killed_or_has_a_reason() -> None:
    """SubmitJob and the writes of a run have no reason: each handler must be killed there."""
    left = {pair for pair in granted() - killed() if pair[1] not in NOT_A_CALL}
    assert {pair for pair in left if pair[1] not in NOT_KILLED} == set()
    assert {action for _, action in left} == set(NOT_KILLED), "a reason that nothing needs any more"


def test_nothing_was_killed_that_no_role_allows() -> None:
    assert killed() <= granted()
