"""SubmitJob: what wins over a definition, what is too large, what a job may wait for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from batch_local.service import BatchService
from machines import call, ended, machine, refusal, submit

VCPU, MEMORY = {"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}
LISTED = {"resourceRequirements": [VCPU, MEMORY]}
OLD = {"vcpus": 1, "memory": 64}


@pytest.fixture
def service() -> Iterator[BatchService]:
    with machine() as (running, _):
        define(running, "listed", LISTED)
        define(running, "old", OLD)
        define(running, "mixed", {"vcpus": 1, "resourceRequirements": [MEMORY]})
        yield running


def define(service: BatchService, name: str, container: dict[str, Any], **more: Any) -> None:
    properties = {"image": "i", "command": ["true"], **container}
    call(service, "registerjobdefinition", jobDefinitionName=name, type="container",
         containerProperties=properties, **more)  # fmt: skip


def run(service: BatchService, **request: Any) -> dict[str, Any]:
    status, answer = submit(service, **request)
    assert status == 200, answer
    return ended(service, answer["jobId"])


def refused(service: BatchService, **request: Any) -> str:
    body = {"jobName": "j", "jobQueue": "q", "jobDefinition": "listed", **request}
    return refusal(service, "submitjob", **body)


def amounts(job: dict[str, Any]) -> dict[str, str]:
    return {entry["type"]: entry["value"] for entry in job["container"]["resourceRequirements"]}


@pytest.mark.parametrize(
    ("definition", "overrides", "vcpus", "memory"),
    [
        ("listed", {"vcpus": 2, "memory": 128}, "1", "64"),
        ("listed", {"vcpus": 64}, "1", "64"),  # two slots: it would wait for ever
        ("old", {"vcpus": 2, "memory": 128}, "2", "128"),
        ("old", {"memory": 128}, "1", "128"),
        ("mixed", {"vcpus": 2, "memory": 128}, "2", "64"),
        ("listed", {"resourceRequirements": [{"type": "VCPU", "value": "2"}]}, "2", "64"),
        ("old", {"resourceRequirements": [{"type": "MEMORY", "value": "128"}]}, "1", "128"),
        ("old", {"vcpus": 1, "resourceRequirements": [{"type": "VCPU", "value": "2"}]}, "2", "64"),
    ],
)
def test_deprecated_overrides_override_deprecated_fields_only(
    service: BatchService, definition: str, overrides: dict[str, Any], vcpus: str, memory: str
) -> None:
    job = run(service, jobDefinition=definition, containerOverrides=overrides)
    assert job["status"] == "SUCCEEDED"
    assert amounts(job) == {"VCPU": vcpus, "MEMORY": memory}


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"resourceRequirements": [{"type": "VCPU", "value": "0.5"}]}, "Value 0.5 for type VCPU"),
        ({"resourceRequirements": [{"type": "MEMORY", "value": "3"}]}, "It must be at least 4"),
        ({"command": ["printf", ""]}, "Command field cannot have empty strings"),
        ({"environment": [{"name": "AWS_BATCH", "value": ""}]}, "must not start with AWS_BATCH"),
    ],
)
def test_overrides_have_the_values_of_a_definition(
    service: BatchService, overrides: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(service, containerOverrides=overrides)


def environment(value: str) -> dict[str, Any]:
    return {"containerOverrides": {"environment": [{"name": "T", "value": value}]}}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a" * 8_100, None),
        ("a" * 9_000, "Container Overrides length must be at most 8192"),
        ("я" * 2_000, None),  # 12,000 characters of JSON escapes, 4,000 bytes
        ("я" * 8_100, None),  # 16,200 bytes
        ("𝄞" * 4_000, None),  # one character, two escapes
        ("я" * 9_000, "Container Overrides length must be at most 8192"),
    ],
)
def test_the_limit_of_overrides_counts_characters(
    service: BatchService, value: str, reason: str | None
) -> None:
    job = run(service, jobDefinition="listed", **environment(value))
    assert (job["status"], job["statusReason"]) == (
        ("FAILED", reason) if reason else ("SUCCEEDED", "Essential container in task exited")
    )


def test_the_limit_of_a_request_counts_bytes(service: BatchService) -> None:
    assert "less than 30 KiB" in refused(service, parameters={"p": "я" * 16_000})
    assert run(service, jobDefinition="listed", parameters={"p": "я" * 15_000})


def test_half_a_character_is_an_answer_and_no_crash(service: BatchService) -> None:
    job = run(service, jobDefinition="listed", **environment("\ud800"))
    assert job["statusReason"] == "Task failed to start"


def test_tags_of_job_and_definition_together_are_at_most_fifty(service: BatchService) -> None:
    define(service, "tagged", LISTED, tags={str(n): "d" for n in range(30)}, propagateTags=True)
    tags = {str(n): "j" for n in range(25, 51)}
    job = run(service, jobDefinition="tagged", tags=tags)
    assert job["statusReason"] == "The tags of job and job definition together must be at most 50"
    assert run(service, jobDefinition="tagged", tags=tags, propagateTags=False)["attempts"]


def test_a_timeout_of_a_month_is_waited_for(service: BatchService) -> None:
    """A selector takes no wait of more than 24 days."""
    timeout = {"attemptDurationSeconds": 30 * 24 * 3_600}
    assert run(service, timeout=timeout)["status"] == "SUCCEEDED"
    time.sleep(0.2)  # the runner has nothing else to wait for
    assert run(service)["status"] == "SUCCEEDED"


# --- fair share


@pytest.fixture
def shared(service: BatchService) -> BatchService:
    policy = call(service, "createschedulingpolicy", name="p", fairsharePolicy={})["arn"]
    call(service, "createjobqueue", jobQueueName="shared", priority=1, schedulingPolicyArn=policy,
         computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "e"}])  # fmt: skip
    define(service, "seven", LISTED, schedulingPriority=7)
    return service


def test_a_share_needs_a_priority_from_somewhere(shared: BatchService) -> None:
    assert refused(shared, jobQueue="shared", shareIdentifier="a") == (
        "Either schedulingPriority in job definition or schedulingPriorityOverride should be "
        "specified"
    )


@pytest.mark.parametrize(
    ("definition", "override", "priority"),
    [("listed", {"schedulingPriorityOverride": 5}, 5), ("seven", {}, 7),
     ("seven", {"schedulingPriorityOverride": 0}, 0)],
)  # fmt: skip
def test_the_priority_of_a_definition_holds_unless_it_is_overridden(
    shared: BatchService, definition: str, override: dict[str, int], priority: int
) -> None:
    job = run(shared, jobQueue="shared", jobDefinition=definition, shareIdentifier="a", **override)
    assert (job["status"], job["schedulingPriority"]) == ("SUCCEEDED", priority)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"jobQueue": "shared", "jobDefinition": "seven"}, "shareIdentifier must be there"),
        ({"jobQueue": "shared", "shareIdentifier": "a-b"}, "should match valid pattern"),
        ({"jobQueue": "shared", "shareIdentifier": "a" * 256}, "should match valid pattern"),
        ({"jobQueue": "shared", "shareIdentifier": "*a"}, "should match valid pattern"),
        ({"shareIdentifier": "a"}, "shareIdentifier needs a job queue with a scheduling policy"),
        ({"schedulingPriorityOverride": 10_000}, "must be between 0 and 9999, got 10000"),
    ],
)
def test_a_share_is_for_a_queue_with_a_policy(
    shared: BatchService, request_: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(shared, **request_)


# --- dependsOn

ARRAY = {"arrayProperties": {"size": 2}}


@pytest.mark.parametrize(
    ("job", "upstream", "sentence"),
    [
        ({}, ARRAY, "this job has no arrayProperties: leave type out to wait for the whole of it"),
        ({}, {}, "this job has no arrayProperties: leave type out to wait for the whole of it"),
        (ARRAY, {}, "is a simple job, this one 2: leave type out to wait for the whole of it"),
        (ARRAY, {"arrayProperties": {"size": 3}}, "has 3 children, this one 2: leave type out"),
    ],
)
def test_a_refused_n_to_n_dependency_names_what_to_write(
    service: BatchService, job: dict[str, Any], upstream: dict[str, Any], sentence: str
) -> None:
    first = submit(service, jobDefinition="listed", **upstream)[1]["jobId"]
    answer = refused(service, **job, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    assert answer.startswith("N_TO_N dependencies must be between array jobs of the same size")
    assert sentence in answer
    assert ". " not in answer, "one sentence"


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"type": "SEQUENTIAL"}, "leave it out, or write the jobId of the job to wait for"),
        ({"type": "SEQUENTIAL", "jobId": ""}, "leave it out, or write the jobId"),
        ({"type": "N_TO_N"}, "A dependency needs a jobId"),
        ({}, "A dependency needs a jobId"),
        ({"jobId": ""}, "A dependency needs a jobId"),
        ({"jobId": "x", "type": "AFTER"}, "write N_TO_N or SEQUENTIAL, or leave it out"),
    ],
)
def test_a_dependency_on_nothing_is_refused_by_a_sentence(
    service: BatchService, entry: dict[str, str], sentence: str
) -> None:
    assert sentence in refused(service, dependsOn=[entry])


def test_sequential_with_an_id_is_a_plain_dependency_of_a_simple_job(service: BatchService) -> None:
    first = submit(service, jobDefinition="listed")[1]["jobId"]
    entry = {"jobId": first, "type": "SEQUENTIAL"}
    assert run(service, jobDefinition="listed", dependsOn=[entry])["status"] == "SUCCEEDED"


def test_twenty_dependencies_and_no_more(service: BatchService) -> None:
    entries = [{"jobId": submit(service)[1]["jobId"]} for _ in range(21)]
    assert refused(service, dependsOn=entries) == "Job cannot have more than 20 dependencies"
    assert run(service, dependsOn=entries[1:])["status"] == "SUCCEEDED"
