"""What jobs print, read from CloudWatch Logs on the local cloud."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("batch_queue")]


@pytest.fixture
def logs(cloud: LocalCloud) -> Any:
    return client_of(cloud, "logs")


def define(cloud: LocalCloud, name: str, *command: str, **options: str) -> str:
    container: dict[str, Any] = {"image": "i", "command": [*command], "vcpus": 1, "memory": 64}
    if options:
        given = {f"awslogs-{key.replace('_', '-')}": value for key, value in options.items()}
        container["logConfiguration"] = {"logDriver": "awslogs", "options": given}
    return str(
        client_of(cloud, "batch").register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=container
        )["jobDefinitionArn"]
    )


def run(cloud: LocalCloud, definition: str) -> dict[str, Any]:
    batch = client_of(cloud, "batch")
    job_id = batch.submit_job(jobName="j", jobQueue="queue", jobDefinition=definition)["jobId"]
    deadline = time.monotonic() + 20
    while True:
        [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            return dict(job)
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_line_has_its_time(cloud: LocalCloud, logs: Any) -> None:
    job = run(cloud, define(cloud, "slow", "sh", "-c", "echo a; sleep 1.5; echo b"))
    stream = {"logGroupName": "/aws/batch/job", "logStreamName": job["container"]["logStreamName"]}
    first, second = logs.get_log_events(**stream, startFromHead=True)["events"]
    assert 1_300 < second["timestamp"] - first["timestamp"] < 1_900
    assert job["startedAt"] <= first["timestamp"] < second["timestamp"] <= job["stoppedAt"]
    hour = 3_600_000
    assert logs.get_log_events(**stream, startTime=job["stoppedAt"] + hour)["events"] == []
    assert logs.get_log_events(**stream, endTime=job["createdAt"] - hour)["events"] == []


def test_a_group_that_is_read_is_there_for_every_operation(cloud: LocalCloud, logs: Any) -> None:
    job = run(cloud, define(cloud, "needle", "echo", "needle"))
    group, stream = "/aws/batch/job", job["container"]["logStreamName"]
    found = logs.filter_log_events(logGroupName=group, logStreamNames=[stream])["events"]
    assert [event["message"] for event in found] == ["needle"]
    assert logs.filter_log_events(logGroupName=group, filterPattern="no-such")["events"] == []
    listed = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]
    assert [entry["logStreamName"] for entry in listed] == [stream]
    [described] = logs.describe_log_groups(logGroupNamePrefix="/aws/batch")["logGroups"]
    arn = described["logGroupArn"]
    again = logs.get_log_events(logGroupIdentifier=arn, logStreamName=stream)["events"]
    assert [event["message"] for event in again] == ["needle"]


def test_a_declared_group_has_the_stream(cloud: LocalCloud, logs: Any) -> None:
    logs.create_log_group(logGroupName="mine")
    logs.create_log_stream(logGroupName="mine", logStreamName="by-hand")
    event = {"timestamp": int(time.time() * 1000), "message": "by hand"}
    logs.put_log_events(logGroupName="mine", logStreamName="by-hand", logEvents=[event])
    job = run(cloud, define(cloud, "lg", "echo", "hello", group="mine", stream_prefix="pre"))
    stream = job["container"]["logStreamName"]
    assert stream.startswith("pre/default/")
    assert job["container"]["logConfiguration"]["options"]["awslogs-group"] == "mine"
    got = logs.get_log_events(logGroupName="mine", logStreamName=stream)["events"]
    assert [entry["message"] for entry in got] == ["hello"]
    both = logs.filter_log_events(logGroupName="mine")["events"]
    assert [entry["message"] for entry in both] == ["by hand", "hello"]
    hand = logs.get_log_events(logGroupName="mine", logStreamName="by-hand")["events"]
    assert [entry["message"] for entry in hand] == ["by hand"]
    with pytest.raises(ClientError, match="does not exist"):
        logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream)
    logs.delete_log_stream(logGroupName="mine", logStreamName=stream)
    with pytest.raises(ClientError, match="does not exist"):
        logs.get_log_events(logGroupName="mine", logStreamName=stream)
    logs.delete_log_group(logGroupName="mine")
    with pytest.raises(ClientError, match="does not exist"):
        logs.filter_log_events(logGroupName="mine")


def test_a_group_must_be_there_or_be_created(cloud: LocalCloud, logs: Any) -> None:
    job = run(cloud, define(cloud, "lg", "echo", "x", group="absent"))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert "The specified log group does not exist: absent" in job["container"]["reason"]
    assert "logStreamName" not in job["container"]
    job = run(cloud, define(cloud, "lg", "echo", "x", group="made", create_group="true"))
    assert job["status"] == "SUCCEEDED"
    found = logs.filter_log_events(logGroupName="made")["events"]
    assert [event["message"] for event in found] == ["x"]


def test_a_token_of_nowhere_is_refused_as_by_aws(cloud: LocalCloud, logs: Any) -> None:
    stream = run(cloud, define(cloud, "w", "echo", "x"))["container"]["logStreamName"]
    with pytest.raises(ClientError) as error:
        logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, nextToken="zzz")
    assert error.value.response["Error"]["Code"] == "InvalidParameterException"
