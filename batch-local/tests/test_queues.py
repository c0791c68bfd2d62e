"""Compute environments, job queues and scheduling policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from batch_local.service import BatchService
from machines import call, ended, machine, refusal, submit

RESOURCES = {
    "type": "SPOT",
    "maxvCpus": 1,
    "minvCpus": 0,
    "subnets": ["subnet-1"],
    "instanceTypes": ["optimal"],
}


@pytest.fixture
def service() -> Iterator[BatchService]:
    with machine() as (running, _):
        yield running


def environment(service: BatchService, name: str, **more: Any) -> str:
    answer = call(service, "createcomputeenvironment", computeEnvironmentName=name,
                  type="MANAGED", computeResources=RESOURCES, **more)  # fmt: skip
    return str(answer["computeEnvironmentArn"])


def order(*names: str) -> list[dict[str, Any]]:
    return [{"order": n, "computeEnvironment": name} for n, name in enumerate(names, start=1)]


def queue(service: BatchService, name: str, *environments: str, **more: Any) -> None:
    call(service, "createjobqueue", jobQueueName=name, priority=1,
         computeEnvironmentOrder=order(*environments), **more)  # fmt: skip


def test_an_environment_is_given_back_as_it_was_created(service: BatchService) -> None:
    environment(service, "spot", serviceRole="r", tags={"k": "v"})
    [found] = call(service, "describecomputeenvironments", computeEnvironments=["spot"])[
        "computeEnvironments"
    ]
    assert found["computeResources"] == RESOURCES
    assert (found["type"], found["serviceRole"], found["tags"]) == ("MANAGED", "r", {"k": "v"})
    call(service, "updatecomputeenvironment", computeEnvironment="spot",
         computeResources={"maxvCpus": 3, "minvCpus": 1})  # fmt: skip
    [found] = call(service, "describecomputeenvironments", computeEnvironments=["spot"])[
        "computeEnvironments"
    ]
    assert found["computeResources"] == {**RESOURCES, "maxvCpus": 3, "minvCpus": 1}


def test_a_queue_is_given_back_as_it_was_created(service: BatchService) -> None:
    first, second = environment(service, "e1"), environment(service, "e2")
    limit = {"reason": "CAPACITY:X", "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
    call(service, "createjobqueue", jobQueueName="two", priority=9,
         jobStateTimeLimitActions=[limit],
         computeEnvironmentOrder=[{"order": 5, "computeEnvironment": "e2"},
                                  {"order": 3, "computeEnvironment": "e1"}])  # fmt: skip
    [found] = call(service, "describejobqueues", jobQueues=["two"])["jobQueues"]
    assert found["computeEnvironmentOrder"] == order(first, second)
    assert (found["priority"], found["jobStateTimeLimitActions"]) == (9, [limit])


def test_jobs_run_in_the_environment_of_the_lowest_order(service: BatchService) -> None:
    environment(service, "first")
    queue(service, "two", "first", "e")
    script = {"command": ["sh", "-c", 'test "$AWS_BATCH_CE_NAME" = first']}
    job = ended(service, submit(service, jobQueue="two", containerOverrides=script)[1]["jobId"])
    assert job["status"] == "SUCCEEDED"


def test_a_queue_is_moved_to_another_environment_while_a_job_runs(service: BatchService) -> None:
    environment(service, "old")
    environment(service, "new")
    queue(service, "moved", "old")
    sleep = {"containerOverrides": {"command": ["sleep", "0.3"]}, "jobQueue": "moved"}
    before = submit(service, **sleep)[1]["jobId"]
    call(service, "updatejobqueue", jobQueue="moved", computeEnvironmentOrder=order("new"))
    after = submit(service, **sleep)[1]["jobId"]
    assert ended(service, before)["stoppedAt"] > ended(service, after)["startedAt"]
    for _ in range(2):  # the one slot of each is free again
        assert ended(service, submit(service, jobQueue="moved")[1]["jobId"])["attempts"]


@pytest.mark.parametrize(
    ("path", "request_", "sentence"),
    [
        ("createjobqueue", {"jobQueueName": "n", "priority": 1, "computeEnvironmentOrder": []},
         "must have 1 to 3 compute environments, got 0"),
        ("createjobqueue", {"jobQueueName": "n", "priority": 1,
                            "computeEnvironmentOrder": order("e", "e", "e", "e")}, "got 4"),
        ("createjobqueue", {"jobQueueName": "n", "priority": 1,
                            "computeEnvironmentOrder": order("e", "nowhere")}, "'nowhere' does not exist"),
        ("createjobqueue", {"jobQueueName": "n", "priority": -1,
                            "computeEnvironmentOrder": order("e")}, "between 0 and 1000, got -1"),
        ("createjobqueue", {"jobQueueName": "n", "priority": 1, "schedulingPolicyArn": "arn:none",
                            "computeEnvironmentOrder": order("e")}, "arn:none does not exist"),
        ("updatejobqueue", {"jobQueue": "q", "computeEnvironmentOrder": order("nowhere")}, "does not exist"),
        ("createschedulingpolicy", {"name": "a b"}, "should match valid pattern"),
        ("createschedulingpolicy", {"name": "n", "fairsharePolicy": {"computeReservation": 100}},
         "computeReservation must be between 0 and 99, got 100"),
        ("createschedulingpolicy", {"name": "n", "fairsharePolicy": {"shareDecaySeconds": 604_801}},
         "shareDecaySeconds must be between 0 and 604800"),
        ("createschedulingpolicy", {"name": "n", "fairsharePolicy": {"shareDistribution": [
            {"shareIdentifier": "a", "weightFactor": 0}]}}, "weightFactor must be between"),
        ("createschedulingpolicy", {"name": "n", "fairsharePolicy": {"shareDistribution": [
            {"shareIdentifier": "a_b"}]}}, "should match valid pattern"),
        ("createschedulingpolicy", {"name": "n", "fairsharePolicy": {"shareDistribution": [
            {"shareIdentifier": "UserA1"}, {"shareIdentifier": "UserA*"}]}}, "overlap"),
        ("createschedulingpolicy", {"name": "n", "fairsharePolicy": {"shareDistribution": [
            {"shareIdentifier": "UserA"}, {"shareIdentifier": "UserA*"}]}}, "overlap"),
        ("updateschedulingpolicy", {"arn": "arn:none"}, "arn:none does not exist"),
        ("deleteschedulingpolicy", {"arn": "arn:none"}, "arn:none does not exist"),
        ("describeschedulingpolicies", {"arns": ["a"] * 101}, "Maximum number of arns"),
    ],
)  # fmt: skip
def test_an_invalid_request_is_refused_and_creates_nothing(
    service: BatchService, path: str, request_: dict[str, Any], sentence: str
) -> None:
    assert sentence in refusal(service, path, **request_)
    assert len(call(service, "describejobqueues")["jobQueues"]) == 1
    assert call(service, "listschedulingpolicies") == {"schedulingPolicies": []}


def test_a_policy_lives_until_no_queue_has_it(service: BatchService) -> None:
    fair = {"shareDecaySeconds": 60, "computeReservation": 1,
            "shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0.5}]}  # fmt: skip
    one = call(service, "createschedulingpolicy", name="one", fairsharePolicy=fair,
               tags={"k": "v"})["arn"]  # fmt: skip
    two = call(service, "createschedulingpolicy", name="two")["arn"]
    assert "Object already exists" in refusal(service, "createschedulingpolicy", name="two")
    queue(service, "shared", "e", schedulingPolicyArn=one)
    call(service, "updateschedulingpolicy", arn=two, fairsharePolicy={"computeReservation": 9})
    described = call(service, "describeschedulingpolicies", arns=[two, one, "arn:none"])
    assert described["schedulingPolicies"] == [
        {"name": "two", "arn": two, "fairsharePolicy": {"computeReservation": 9}, "tags": {}},
        {"name": "one", "arn": one, "fairsharePolicy": fair, "tags": {"k": "v"}},
    ]
    assert "existing JobQueue" in refusal(service, "deleteschedulingpolicy", arn=one)
    call(service, "updatejobqueue", jobQueue="shared", schedulingPolicyArn=two)
    call(service, "deleteschedulingpolicy", arn=one)
    assert call(service, "listschedulingpolicies") == {"schedulingPolicies": [{"arn": two}]}


def test_a_queue_without_a_policy_cannot_be_given_one(service: BatchService) -> None:
    policy = call(service, "createschedulingpolicy", name="one")["arn"]
    sentence = refusal(service, "updatejobqueue", jobQueue="q", schedulingPolicyArn=policy)
    assert "created without a scheduling policy" in sentence


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("describejobqueues", "jobQueues"),
        ("describecomputeenvironments", "computeEnvironments"),
        ("listschedulingpolicies", "schedulingPolicies"),
    ],
)
def test_a_listing_has_pages(service: BatchService, path: str, key: str) -> None:
    for number in range(3):
        environment(service, f"e{number}")
        queue(service, f"q{number}", "e")
        call(service, "createschedulingpolicy", name=f"p{number}")
    everything = call(service, path)[key]
    pages = []
    token: dict[str, str] = {}
    while True:
        answer = call(service, path, maxResults=2, **token)
        pages.append(answer[key])
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert [entry for page in pages for entry in page] == everything
    assert {len(page) for page in pages[:-1]} == {2}
