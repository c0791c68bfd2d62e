"""RegisterJobDefinition and DescribeJobDefinitions: what is refused, and what is given back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from batch_local.service import BatchService
from machines import call, ended, machine, refusal, submit

VCPU, MEMORY = {"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}
CONTAINER = {"image": "i", "command": ["true"], "resourceRequirements": [VCPU, MEMORY]}
GOOD = {"jobDefinitionName": "n", "type": "container", "containerProperties": CONTAINER}
FARGATE_ROLE = {"executionRoleArn": "arn:aws:iam::000000000000:role/r"}


@pytest.fixture
def service() -> Iterator[BatchService]:
    with machine() as (running, _):
        yield running


def with_container(**more: Any) -> dict[str, Any]:
    return {"containerProperties": {**CONTAINER, **more}}


def needs(*entries: tuple[str, str], **more: Any) -> dict[str, Any]:
    listed = [{"type": kind, "value": value} for kind, value in entries]
    return with_container(resourceRequirements=listed, **more)


def fargate(cpus: str, mib: str, **more: Any) -> dict[str, Any]:
    container = needs(("VCPU", cpus), ("MEMORY", mib), **{**FARGATE_ROLE, **more})
    return {"platformCapabilities": ["FARGATE"], **container}


LOGGED = {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}


def logged(**options: str) -> dict[str, Any]:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return with_container(logConfiguration={"logDriver": "awslogs", "options": given})


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"jobDefinitionName": "a b"}, "Job definition name should match valid pattern"),
        ({"type": "multinode"}, "one of the following is required: containerProperties"),
        ({"parameters": {"a": "x" * 25_000}}, "size must be less than 24 KiB, got 25 KiB"),
        ({"retryStrategy": {"attempts": 0}}, "attempts must be between 1 and 10, got 0"),
        ({"retryStrategy": {"attempts": 11}}, "attempts must be between 1 and 10, got 11"),
        ({"retryStrategy": {"attempts": 2**40}}, "must be a number of 32 bits"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "must be at least 60, got 59"),
        ({"schedulingPriority": -1}, "schedulingPriority must be between 0 and 9999, got -1"),
        ({"schedulingPriority": 10_000}, "must be between 0 and 9999, got 10000"),
        ({"tags": {"k" * 129: "v"}}, "must have 1 to 128 characters"),
        ({"tags": {"": "v"}}, "valid min length: 1"),
        ({"tags": {"k": "v" * 257}}, "must have at most 256 characters"),
        ({"tags": {"aws:k": "v"}}, "must not begin with aws:"),
        ({"tags": {str(n): "v" for n in range(51)}}, "at most 50 tags, got 51"),
        ({"platformCapabilities": ["EC2", "FARGATE"]}, "must be one of EC2, FARGATE, MANAGED_INSTANCES"),
        (with_container(environment=[{"name": "AWS_BATCH_X", "value": ""}]), "AWS_BATCH_X"),
        (with_container(environment=[{"name": "a=b", "value": ""}]), "texts of a process"),
        (with_container(environment=[{"name": "A", "value": "\0"}]), "texts of a process"),
        (with_container(command=["echo", ""]), "Command field cannot have empty strings"),
        ({"containerProperties": {"image": "i"}}, "vCPU is not provided."),
        (needs(("VCPU", "1")), "Memory is not provided."),
        (needs(("MEMORY", "64")), "vCPU is not provided."),
        (needs(("VCPU", "1.0"), ("MEMORY", "64")), "Value 1.0 for type VCPU in resourceRequirement is not valid. Please provide a numeric value."),
        (needs(("VCPU", "0.5"), ("MEMORY", "64")), "Value 0.5 for type VCPU"),
        (needs(("VCPU", "0"), ("MEMORY", "64")), "It must be at least 1"),
        (needs(("VCPU", "two"), ("MEMORY", "64")), "Value two for type VCPU"),
        (needs(("VCPU", " 1"), ("MEMORY", "64")), "Value  1 for type VCPU"),
        (needs(("VCPU", "٣"), ("MEMORY", "64")), "Value ٣ for type VCPU"),
        (needs(("VCPU", "1"), ("MEMORY", "3")), "It must be at least 4"),
        (needs(("VCPU", "1"), ("MEMORY", "-64")), "Value -64 for type MEMORY"),
        (needs(("VCPU", "1"), ("MEMORY", "1e3")), "Value 1e3 for type MEMORY"),
        (needs(("VCPU", "1"), ("MEMORY", "64"), ("GPU", "0")), "Value 0 for type GPU"),
        (needs(("VCPU", "1"), ("MEMORY", "64"), ("DISK", "1")), "write one of GPU, VCPU, MEMORY"),
        (fargate("3", "4096"), "Fargate has no 3 vCPU"),
        (fargate("0.25", "4096"), "Fargate has no 4096 MiB for 0.25 vCPU: write one of 512, 1024, 2048"),
        (fargate("1", "2048", executionRoleArn=""), "Fargate needs executionRoleArn"),
        (fargate("1", "2048", privileged=True), "not applicable for Fargate"),
        (fargate("1", "2048", vcpus=1), "vcpus is not applicable for Fargate. Use resource requirements instead."),
        (with_container(networkConfiguration={}), "networkConfiguration is not applicable for EC2"),
        (with_container(secrets=[{"name": "T", "valueFrom": "t"}]), "secrets is not supported by this local AWS Batch: there are no secrets here: let the program read"),
        (with_container(logConfiguration={**LOGGED, "secretOptions": [{"name": "T", "valueFrom": "t"}]}), "secretOptions is not supported"),
        (with_container(logConfiguration={"logDriver": "paper"}), "logDriver paper is unknown"),
        (logged(awslogs_gruop="g"), "unknown log opt 'awslogs-gruop'"),
        (logged(awslogs_group=""), "awslogs-group of logConfiguration must not be empty"),
        (logged(awslogs_group="a b"), "awslogs-group 'a b' is not valid: write 1 to 512 letters"),
        (logged(awslogs_group="../a\n"), r"awslogs-group '../a\n' is not valid"),
        (logged(awslogs_group="é"), "awslogs-group 'é' is not valid"),
        (logged(awslogs_group="g" * 513), "is not valid: write 1 to 512 letters"),
        (logged(awslogs_stream_prefix="a:b"), "awslogs-stream-prefix 'a:b' is not valid: write 1 to 400"),
        (logged(awslogs_stream_prefix="a*"), "awslogs-stream-prefix 'a*' is not valid"),
        (logged(awslogs_stream_prefix="a\x1b[2J"), r"awslogs-stream-prefix 'a\x1b[2J' is not valid"),
        (logged(awslogs_stream_prefix="p" * 401), "is not valid: write 1 to 400 characters"),
        (logged(awslogs_create_group="yes"), "awslogs-create-group must be true or false"),
        (logged(awslogs_multiline_pattern="^a"), "awslogs-multiline-pattern of logConfiguration is not supported"),
    ],
)  # fmt: skip
def test_a_bad_definition_is_refused_and_not_registered(
    service: BatchService, more: dict[str, Any], sentence: str
) -> None:
    assert sentence in refusal(service, "registerjobdefinition", **{**GOOD, **more})
    assert call(service, "describejobdefinitions", jobDefinitionName="n") == {"jobDefinitions": []}


@pytest.mark.parametrize(
    "more",
    [
        {"retryStrategy": {"attempts": 1}},
        {"retryStrategy": {"attempts": 10}},
        {"timeout": {"attemptDurationSeconds": 60}},
        {"schedulingPriority": 9_999},
        {"parameters": {"a": "x" * 23_000}},
        {"tags": {"k" * 128: "v" * 256}},
        needs(("VCPU", "16"), ("MEMORY", "4"), ("GPU", "1")),
        with_container(resourceRequirements=[VCPU], memory=4),
        fargate("0.25", "512"),
        fargate("16", "122880"),
        logged(awslogs_group="g", awslogs_stream_prefix="p", awslogs_create_group="false"),
        logged(awslogs_group="../" + "g" * 509, awslogs_stream_prefix="../é p" + "p" * 394),
        logged(awslogs_region="us-east-1", mode="non-blocking", max_buffer_size="25m"),
        with_container(logConfiguration={"logDriver": "json-file", "options": {"max-size": "1m"}}),
    ],
)
def test_a_definition_at_the_limit_is_registered(
    service: BatchService, more: dict[str, Any]
) -> None:
    assert call(service, "registerjobdefinition", **{**GOOD, **more})["revision"] == 1


WHOLE = {
    "image": "i",
    "command": ["true"],
    "resourceRequirements": [VCPU, MEMORY],
    "jobRoleArn": "arn:aws:iam::000000000000:role/r",
    "executionRoleArn": "arn:aws:iam::000000000000:role/e",
    "volumes": [{"name": "v", "host": {"sourcePath": "/data"}}],
    "mountPoints": [{"containerPath": "/d", "sourceVolume": "v", "readOnly": True}],
    "ulimits": [{"name": "nofile", "hardLimit": 2, "softLimit": 1}],
    "user": "1000",
    "privileged": True,
    "readonlyRootFilesystem": True,
    "instanceType": "optimal",
    "linuxParameters": {"initProcessEnabled": True, "sharedMemorySize": 64},
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-stream-prefix": "p"}},
    "ephemeralStorage": {"sizeInGiB": 30},
    "runtimePlatform": {"cpuArchitecture": "X86_64"},
    "repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:x"},
    "enableExecuteCommand": True,
    "environment": [{"name": "A", "value": "b"}],
}


def test_a_definition_is_given_back_as_it_was_registered(service: BatchService) -> None:
    request = {
        **GOOD,
        "containerProperties": WHOLE,
        "platformCapabilities": ["EC2"],
        "propagateTags": True,
        "schedulingPriority": 7,
        "retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "EXIT"}]},
        "timeout": {"attemptDurationSeconds": 60},
        "parameters": {"p": "q"},
        "tags": {"k": "v"},
    }
    answer = call(service, "registerjobdefinition", **request)
    [definition] = call(service, "describejobdefinitions", jobDefinitionName="n")["jobDefinitions"]
    assert definition == {
        **request,
        "jobDefinitionArn": answer["jobDefinitionArn"],
        "revision": 1,
        "status": "ACTIVE",
        "containerOrchestrationType": "ECS",
    }


def test_a_job_says_what_its_definition_says(service: BatchService) -> None:
    call(service, "registerjobdefinition", **{**GOOD, "containerProperties": WHOLE,
                                              "propagateTags": True})  # fmt: skip
    job = ended(service, submit(service, jobDefinition="n")[1]["jobId"])
    assert {name: job["container"][name] for name in WHOLE} == WHOLE
    assert (job["propagateTags"], job["platformCapabilities"]) == (True, ["EC2"])


def test_a_job_of_fargate_says_so(service: BatchService) -> None:
    call(service, "registerjobdefinition", **{**GOOD, **fargate("0.25", "512")})
    job = ended(service, submit(service, jobDefinition="n")[1]["jobId"])
    assert (job["status"], job["platformCapabilities"]) == ("SUCCEEDED", ["FARGATE"])


def test_definitions_come_in_pages(service: BatchService) -> None:
    for _ in range(3):
        call(service, "registerjobdefinition", **GOOD)
    first = call(service, "describejobdefinitions", jobDefinitionName="n", maxResults=2)
    last = call(service, "describejobdefinitions", jobDefinitionName="n", maxResults=2,
                nextToken=first["nextToken"])  # fmt: skip
    assert [d["revision"] for d in first["jobDefinitions"]] == [3, 2]
    assert [d["revision"] for d in last["jobDefinitions"]] == [1]
    assert "nextToken" not in last


def test_more_than_a_hundred_definitions_are_more_than_one_page(service: BatchService) -> None:
    for number in range(100):
        call(service, "registerjobdefinition", **{**GOOD, "jobDefinitionName": f"n{number}"})
    first = call(service, "describejobdefinitions")  # the machine has one of its own
    assert len(first["jobDefinitions"]) == 100
    rest = call(service, "describejobdefinitions", nextToken=first["nextToken"])
    assert len(rest["jobDefinitions"]) == 1


@pytest.mark.parametrize("page", [{"nextToken": "x"}, {"nextToken": "-1"}, {"maxResults": 0}])
def test_a_page_that_cannot_be_is_refused(service: BatchService, page: dict[str, Any]) -> None:
    assert next(iter(page)) in refusal(service, "describejobdefinitions", **page)
    assert next(iter(page)) in refusal(service, "listjobs", jobQueue="q", **page)
