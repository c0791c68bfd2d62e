"""Every action that a function's role allows is a row of the crash matrix, or has a reason, and
every call that eight of the scenarios make is a row.

The rows are those of docs/reference/crashes.md, which `make verify-crashes` records.
"""

from __future__ import annotations

import re

import pytest

from tests.policies import Policies
from tests.stack import ROOT, resource, template
from verification.crash_matrix.machine import machine
from verification.crash_matrix.matrix import undisturbed
from verification.crash_matrix.scenarios import Scenario

ACTIONS = {
    "batch:TerminateJobs": "batch:TerminateJob",  # our port's name for one call a job
    "eventbridge:PutEvents": "events:PutEvents",
    "cloudwatch-logs:GetLogEvents": "logs:GetLogEvents",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
}
"""Calls that IAM knows by another name."""

_OF_LAMBDA = "Lambda calls it for the function"
NOT_A_CALL = {
    "batch:TagResource": "IAM asks for it beside SubmitJob with tags",
    "logs:CreateLogStream": _OF_LAMBDA,
    "logs:PutLogEvents": _OF_LAMBDA,
    "sqs:DeleteMessage": _OF_LAMBDA,
    "sqs:ReceiveMessage": _OF_LAMBDA,
}
_RIVALS = "only where other processes write the run as long as there is time; a crash has no rival"
_CLEAN_UP = "only after an upload to S3 failed; what is left of it expires"
_PRICED = "a report asks for it where a Region has prices, and changes nothing"
_READS = "GET /runs/{run_id}/failures asks for it, and changes nothing"
_NO_QUEUES = "a run that ends here has work queues only if the process that made them died"
_NO_RESOURCES = "a run that ends here has no consumable resource, unless a process died"
_FIRST = "it submits the first jobs of a step: their resource is there only if a process died"
NOT_KILLED = {
    ("api", "batch:DeleteConsumableResource"): _NO_RESOURCES,
    ("api", "batch:DescribeJobQueues"): "a redrive asks which queues there are; it changes nothing",
    ("api", "batch:DescribeConsumableResource"): _FIRST,
    ("api", "batch:ListConsumableResources"): _NO_RESOURCES,
    ("api", "batch:ListJobs"): _READS,
    ("api", "logs:GetLogEvents"): _READS,
    ("api", "s3:ListBucket"): "it lists nothing: with it, an object that is gone is a 404",
    ("api", "sqs:DeleteQueue"): _NO_QUEUES,
    ("on_job_event", "batch:DescribeJobs"): "as its TerminateJob",
    ("on_job_event", "batch:TerminateJob"): "only if a rival cancels the run during a submission",
    ("on_job_event", "sqs:ChangeMessageVisibility"): _RIVALS,
    ("on_job_event", "sqs:GetQueueUrl"): _RIVALS,
    ("prepare", "batch:DescribeComputeEnvironments"): _PRICED,
    ("prepare", "batch:DescribeJobQueues"): _PRICED,
    ("prepare", "s3:AbortMultipartUpload"): _CLEAN_UP,
    ("prepare", "sqs:ChangeMessageVisibility"): _RIVALS,
    ("prepare", "sqs:GetQueueUrl"): _RIVALS,
    ("reconcile", "s3:GetObject"): "it signs URLs of reports, which is no call",
    ("start_run", "batch:DeleteConsumableResource"): _NO_RESOURCES,
    ("start_run", "batch:DescribeConsumableResource"): _FIRST,
    ("start_run", "batch:ListConsumableResources"): _NO_RESOURCES,
    ("on_job_event", "sqs:GetQueueAttributes"): _OF_LAMBDA,
    ("start_run", "s3:AbortMultipartUpload"): _CLEAN_UP,
    ("start_run", "sqs:ChangeMessageVisibility"): _RIVALS,
    ("start_run", "sqs:DeleteQueue"): _NO_QUEUES,
    ("start_run", "sqs:GetQueueAttributes"): _OF_LAMBDA,
    ("start_run", "sqs:GetQueueUrl"): _RIVALS,
}
"""Handler and action: what a function may do, and no scenario of the matrix reaches."""


PLAYED = (
    Scenario.LOST,
    Scenario.STOPPED,
    Scenario.REQUESTED,
    Scenario.LISTED,
    Scenario.EMPTY,
    Scenario.REPLACING,
    Scenario.POSTPONED,
    Scenario.RETRIED,
)
"""The scenarios that make the most calls in the least time: 52 of 62 rows. Not UPLOADED, which
waits for a timer message."""


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


def rows() -> set[tuple[str, str]]:
    """Handler and call, as the page records them."""
    page = (ROOT / "docs/reference/crashes.md").read_text()
    pairs = re.findall(r"^\| (\w+) \| ([\w-]+\.\w+) \| \d+ \| yes \|$", page, re.MULTILINE)
    assert len(pairs) > 30
    return set(pairs)


def killed() -> set[tuple[str, str]]:
    """Handler and action, as the page records them."""
    calls = {(handler, call.replace(".", ":")) for handler, call in rows()}
    return {(handler, ACTIONS.get(call, call)) for handler, call in calls}


def test_every_handler_is_in_the_crash_matrix() -> None:
    assert {handler for handler, _ in killed()} == {handler for handler, _ in granted()}


def test_every_action_of_a_role_is_killed_or_has_a_reason() -> None:
    """SubmitJob and the writes of a run have no reason: each handler must be killed there."""
    left = {pair for pair in granted() - killed() if pair[1] not in NOT_A_CALL}
    assert left - set(NOT_KILLED) == set()
    assert set(NOT_KILLED) - left == set(), "a reason that nothing needs any more"


def test_nothing_was_killed_that_no_role_allows() -> None:
    assert killed() <= granted()


@pytest.mark.cloud
def test_every_call_of_an_undisturbed_scenario_is_a_row() -> None:
    """Eight of them: all take minutes on a busy machine; `make verify-crashes` plays the others."""
    with machine() as on:
        scenarios = undisturbed(on, PLAYED).values()
    invocations = [invocation for played in scenarios for invocation in played.invocations]
    calls = {(handler, call) for handler, ended in invocations for call in ended.calls}
    assert calls - rows() == set()
