"""AWS Batch on this machine, over AWS's wire: real processes, real answers."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("batch_queue")]


@pytest.fixture
def batch(cloud: LocalCloud) -> Any:
    return client_of(cloud, "batch")


def submit(batch: Any, *command: str, name: str = "job", **request: Any) -> str:
    overrides = {"command": list(command), **request.pop("overrides", {})}
    answer = batch.submit_job(
        jobName=name,
        jobQueue="queue",
        jobDefinition="shell",
        containerOverrides=overrides,
        **request,
    )
    assert answer["jobArn"].endswith(f":job/{answer['jobId']}")
    job_id: str = answer["jobId"]
    return job_id


def ended(batch: Any, job_id: str) -> Any:
    deadline = time.monotonic() + 30
    while True:
        [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.02)


def log_of(cloud: LocalCloud, job: Any) -> list[str]:
    events = client_of(cloud, "logs").get_log_events(
        logGroupName="/aws/batch/job", logStreamName=job["container"]["logStreamName"]
    )["events"]
    return [event["message"] for event in events]


PRINT_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def test_a_job_is_given_what_aws_batch_gives(cloud: LocalCloud, batch: Any) -> None:
    overrides = {"environment": [{"name": "MINE", "value": "x y"}]}
    job_id = submit(batch, sys.executable, "-c", PRINT_ENVIRONMENT, overrides=overrides)
    environment = json.loads(log_of(cloud, ended(batch, job_id))[0])
    assert environment["AWS_BATCH_JOB_ID"] == job_id
    assert environment["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert environment["AWS_BATCH_JQ_NAME"] == "queue"
    assert environment["AWS_BATCH_CE_NAME"] == "slots-queue"
    assert not {name for name in environment if name.startswith("AWS_BATCH_JOB_ARRAY")}
    assert environment["MINE"] == "x y"
    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert environment["AWS_EXECUTION_ENV"] == "AWS_ECS_EC2"
    assert "BATCHRELAY_TABLE" not in environment


def test_children_know_their_index(cloud: LocalCloud, batch: Any) -> None:
    script = 'echo "$AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ARRAY_INDEX/$AWS_BATCH_JOB_ARRAY_SIZE"'
    parent_id = submit(batch, "sh", "-c", script, arrayProperties={"size": 3})
    parent = ended(batch, parent_id)
    assert parent["status"] == "SUCCEEDED"
    assert parent["attempts"] == []
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
    for index in range(3):
        [child] = batch.describe_jobs(jobs=[f"{parent_id}:{index}"])["jobs"]
        assert child["arrayProperties"]["index"] == index
        assert log_of(cloud, child) == [f"{parent_id}:{index} {index}/3"]


def test_output_and_errors_keep_their_order(cloud: LocalCloud, batch: Any) -> None:
    job_id = submit(batch, "sh", "-c", "echo 1; echo 2 >&2; echo 3")
    assert log_of(cloud, ended(batch, job_id)) == ["1", "2", "3"]


def test_each_job_has_its_own_log_whatever_ran_before_it(cloud: LocalCloud, batch: Any) -> None:
    jobs = [submit(batch, "sh", "-c", f"echo {number}") for number in range(6)]
    quiet = ended(batch, submit(batch, "true"))
    assert [log_of(cloud, ended(batch, job)) for job in jobs] == [[str(n)] for n in range(6)]
    assert log_of(cloud, quiet) == []


def test_a_running_job_has_a_log(cloud: LocalCloud, batch: Any) -> None:
    job_id = submit(batch, "sh", "-c", "echo here; sleep 30")
    deadline = time.monotonic() + 10
    while True:
        [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
        if job["status"] == "RUNNING" and log_of(cloud, job) == ["here"]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.02)
    batch.terminate_job(jobId=job_id, reason="seen")
    ended(batch, job_id)


@pytest.mark.parametrize("directory", ["", "/"])
def test_a_program_that_a_job_names_by_path_or_by_name_runs(
    cloud: LocalCloud, batch: Any, directory: str
) -> None:
    """Where the process starts decides how it is spawned; what it sees is the same."""
    tags = {"batchrelay:directory": directory} if directory else {}
    batch.register_job_definition(
        jobDefinitionName=f"where{len(directory)}",
        type="container",
        containerProperties={
            "image": "",
            "command": ["sh", "-c", "pwd; trap - INT; kill -INT $$"],
            "vcpus": 1,
            "memory": 64,
        },
        tags=tags,
    )
    job_id = batch.submit_job(
        jobName="where", jobQueue="queue", jobDefinition=f"where{len(directory)}"
    )["jobId"]
    job = ended(batch, job_id)
    [printed_directory] = log_of(cloud, job)
    assert (Path(printed_directory).parent.name, printed_directory == directory) == (
        ("", True) if directory else ("scratch", False)
    )
    assert (
        job["container"]["exitCode"] == 130
    )  # it dies of SIGINT, which it does not inherit ignored


def test_logs_are_read_from_the_end_or_from_the_head_page_by_page(
    cloud: LocalCloud, batch: Any
) -> None:
    job = ended(batch, submit(batch, "seq", "10"))
    logs = client_of(cloud, "logs")
    stream = {"logGroupName": "/aws/batch/job", "logStreamName": job["container"]["logStreamName"]}
    last = logs.get_log_events(**stream, limit=2)
    assert [event["message"] for event in last["events"]] == ["9", "10"]
    before = logs.get_log_events(**stream, limit=3, nextToken=last["nextBackwardToken"])
    assert [event["message"] for event in before["events"]] == ["6", "7", "8"]
    head = logs.get_log_events(**stream, limit=4, startFromHead=True)
    after = logs.get_log_events(**stream, limit=4, nextToken=head["nextForwardToken"])
    assert [event["message"] for event in after["events"]] == ["5", "6", "7", "8"]


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -9 $$", 137)])
def test_an_exit_code_is_reported(batch: Any, script: str, code: int) -> None:
    job = ended(batch, submit(batch, "sh", "-c", script))
    assert job["status"] == "FAILED"
    assert job["container"]["exitCode"] == code
    assert job["statusReason"] == "Essential container in task exited"


def test_a_program_that_is_not_there_cannot_start(batch: Any) -> None:
    job = ended(batch, submit(batch, "no-such-program"))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert 'exec: "no-such-program"' in job["container"]["reason"]
    assert "logStreamName" not in job["container"]


def test_a_terminated_job_and_its_children_are_gone(batch: Any, tmp_path: Any) -> None:
    pid_file = tmp_path / "pid"
    job_id = submit(batch, "sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait")
    while not pid_file.exists() or not pid_file.read_text().strip():
        time.sleep(0.02)
    batch.terminate_job(jobId=job_id, reason="enough")
    job = ended(batch, job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "enough")
    time.sleep(0.1)
    state = [line for line in _status_of(int(pid_file.read_text())) if line.startswith("State")]
    assert state == [] or "Z" in state[0]


def _status_of(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/status") as file:  # noqa: PTH123  # a process, not a path
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def test_children_are_listed_by_status(batch: Any) -> None:
    script = "exit $((AWS_BATCH_JOB_ARRAY_INDEX % 2))"
    parent_id = submit(batch, "sh", "-c", script, arrayProperties={"size": 5})
    ended(batch, parent_id)
    failed = batch.list_jobs(arrayJobId=parent_id, jobStatus="FAILED")["jobSummaryList"]
    assert [job["arrayProperties"]["index"] for job in failed] == [1, 3]
    assert [job["container"]["exitCode"] for job in failed] == [1, 1]
    assert batch.list_jobs(arrayJobId=parent_id)["jobSummaryList"] == [], "RUNNING by default"
    pages = batch.get_paginator("list_jobs").paginate(
        arrayJobId=parent_id, jobStatus="SUCCEEDED", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["jobSummaryList"]) for page in pages] == [2, 1]


def test_jobs_are_found_by_name_newest_first_whatever_the_case(batch: Any) -> None:
    ids = [submit(batch, "true", name=name) for name in ("Find-Me", "find-me", "find-me-too")]

    def found(value: str) -> list[str]:
        filters = [{"name": "JOB_NAME", "values": [value]}]
        listed = batch.list_jobs(jobQueue="queue", filters=filters)["jobSummaryList"]
        return [job["jobId"] for job in listed]

    assert found("FIND-ME") == [ids[1], ids[0]]
    assert found("find-me*") == ids[::-1]


def test_a_dependent_waits_and_a_dependent_of_a_failure_fails(batch: Any) -> None:
    first = submit(batch, "sleep", "0.2")
    second = submit(batch, "false", dependsOn=[{"jobId": first}])
    third = submit(batch, "true", dependsOn=[{"jobId": second}])
    assert ended(batch, third)["statusReason"] == "Dependent Job failed"
    assert ended(batch, second)["startedAt"] >= ended(batch, first)["stoppedAt"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"jobName": "a b"}, "Job name should match valid pattern"),
        ({"jobQueue": "absent"}, "JobQueue absent does not exist"),
        ({"jobDefinition": "absent:3"}, "JobDefinition absent:3 does not exist"),
        ({"arrayProperties": {"size": 1}}, "Array size must be between 2 and 10000, got 1"),
        ({"arrayProperties": {"size": 10_001}}, "Array size must be between 2 and 10000"),
        ({"dependsOn": [{"jobId": "absent"}]}, "Job absent does not exist"),
        ({"eksPropertiesOverride": {}}, "eksPropertiesOverride is not for job definition shell"),
        ({"retryStrategy": {"attempts": 11}}, "attempts must be between 1 and 10"),
        (
            {"retryStrategy": {"evaluateOnExit": [{"onReason": "*", "action": "EXIT"}]}},
            "RetryAttempts must be provided with retry strategy",
        ),
        ({"timeout": {"attemptDurationSeconds": 59}}, "attemptDurationSeconds must be at least 60"),
        (
            {"arrayProperties": {"size": 2}, "dependsOn": [{"jobId": "x", "type": "SEQUENTIAL"}]},
            "Job Id cannot be set when dependency type is SEQUENTIAL",
        ),
        ({"shareIdentifier": "a"}, "shareIdentifier needs a job queue with a scheduling policy"),
        (
            {"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": ""}]}},
            "must not start with AWS_BATCH",
        ),
        ({"tags": {"a": "x" * 40_000}}, "Job size must be less than 30 KiB, got 40 KiB"),
    ],
)
def test_a_bad_request_is_a_client_exception(
    batch: Any, request_: dict[str, Any], message: str
) -> None:
    good = {"jobName": "a", "jobQueue": "queue", "jobDefinition": "shell"}
    with pytest.raises(ClientError, match=message) as error:
        batch.submit_job(**{**good, **request_})
    assert error.value.response["Error"]["Code"] == "ClientException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_what_is_not_built_is_refused_by_name(batch: Any) -> None:
    with pytest.raises(ClientError, match="ListServiceJobs is not supported by this local AWS"):
        batch.list_service_jobs()


def test_parameters_replace_references(cloud: LocalCloud, batch: Any) -> None:
    batch.register_job_definition(
        jobDefinitionName="referring",
        type="container",
        parameters={"who": "world", "how": "well"},
        containerProperties={
            "image": "i",
            "command": ["echo", "Ref::who", "x-Ref::how", "Ref::no"],
            "vcpus": 1,
            "memory": 64,
        },
    )
    request = {"jobName": "a", "jobQueue": "queue", "jobDefinition": "referring"}
    job = ended(batch, batch.submit_job(**request, parameters={"who": "you"})["jobId"])
    assert log_of(cloud, job) == ["you x-well Ref::no"]
    assert job["parameters"] == {"who": "you", "how": "well"}


def test_definitions_have_revisions(batch: Any) -> None:
    for revision in (1, 2):
        answer = batch.register_job_definition(
            jobDefinitionName="revised",
            type="container",
            containerProperties={
                "image": "i",
                "command": ["echo", str(revision)],
                "vcpus": 1,
                "memory": 64,
            },
        )
        assert answer["revision"] == revision
    listed = batch.describe_job_definitions(jobDefinitionName="revised")["jobDefinitions"]
    assert [definition["revision"] for definition in listed] == [2, 1]


def test_a_definition_has_the_entrypoint_of_its_image_in_a_tag(
    cloud: LocalCloud, batch: Any
) -> None:
    batch.register_job_definition(
        jobDefinitionName="entered",
        type="container",
        containerProperties={"image": "i", "command": ["default"], "vcpus": 1, "memory": 64},
        tags={"batchrelay:entrypoint": "echo 'a b' c", "mine": "x"},
    )
    [listed] = batch.describe_job_definitions(jobDefinitionName="entered")["jobDefinitions"]
    assert listed["tags"] == {"batchrelay:entrypoint": "echo 'a b' c", "mine": "x"}
    request = {"jobName": "a", "jobQueue": "queue", "jobDefinition": "entered"}
    job = ended(batch, batch.submit_job(**request)["jobId"])
    assert log_of(cloud, job) == ["a b c default"]


def test_queues_and_environments_are_described(batch: Any) -> None:
    [queue] = batch.describe_job_queues(jobQueues=["queue"])["jobQueues"]
    [place] = queue["computeEnvironmentOrder"]
    environments = batch.describe_compute_environments()["computeEnvironments"]
    by_arn = {one["computeEnvironmentArn"]: one for one in environments}
    environment = by_arn[place["computeEnvironment"]]
    assert environment["computeResources"]["maxvCpus"] == 4
