"""A session as with the aws CLI: a declared log group, an array with retries, counts, logs."""

from __future__ import annotations

import time
from typing import Any

import pytest

from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of

SCRIPT = """
echo "child $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE, attempt $AWS_BATCH_JOB_ATTEMPT"
case $((AWS_BATCH_JOB_ARRAY_INDEX % 4)) in
  1) test $AWS_BATCH_JOB_ATTEMPT = 2 || exit 75 ;;
  2) exit 3 ;;
esac
"""
RETRY = {
    "attempts": 3,
    "evaluateOnExit": [
        {"onExitCode": "75", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ],
}


@pytest.mark.cloud
@pytest.mark.usefixtures("batch_queue")
def test_an_array_of_twenty_with_retries_and_its_own_log_group(cloud: LocalCloud) -> None:
    batch, logs = client_of(cloud, "batch"), client_of(cloud, "logs")
    logs.create_log_group(logGroupName="/mine/session")
    options = {"awslogs-group": "/mine/session", "awslogs-stream-prefix": "twenty"}
    batch.register_job_definition(
        jobDefinitionName="session",
        type="container",
        retryStrategy=RETRY,
        containerProperties={
            "image": "busybox",
            "command": ["sh", "-c", SCRIPT],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "64"},
            ],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        },
    )
    parent_id = batch.submit_job(
        jobName="session",
        jobQueue="queue",
        jobDefinition="session",
        arrayProperties={"size": 20},
    )["jobId"]
    parent = ended(batch, parent_id)
    assert parent["statusReason"] == "Array Child Job failed"
    counts = {k: v for k, v in parent["arrayProperties"]["statusSummary"].items() if v}
    assert counts == {"SUCCEEDED": 15, "FAILED": 5}
    children = batch.describe_jobs(jobs=[f"{parent_id}:{n}" for n in range(20)])["jobs"]
    assert [len(child["attempts"]) for child in children] == [1, 2, 1, 1] * 5
    for number, child in enumerate(children):
        for attempt, made in enumerate(child["attempts"], start=1):
            stream = made["container"]["logStreamName"]
            assert stream.startswith("twenty/default/")
            events = logs.get_log_events(logGroupName="/mine/session", logStreamName=stream)
            messages = [event["message"] for event in events["events"]]
            assert messages == [f"child {number} of 20, attempt {attempt}"]
    found = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/mine/session", PaginationConfig={"PageSize": 7}
    )
    assert len([event for page in found for event in page["events"]]) == 25


def ended(batch: Any, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            return dict(job)
        assert time.monotonic() < deadline
        time.sleep(0.05)
