"""Jobs with several containers: real processes, and what DescribeJobs says of them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from batch_local.faults import Faults
from batch_local.processes.attempts import HOST_LOST
from batch_local.service import BatchService
from machines import (
    call,
    ended,
    listed,
    machine,
    refusal,
    roomy_machine,
    run,
    submit,
)
from task_texts import (
    FOREVER,
    after,
    container,
    containers_of,
    log_of,
    overriding,
    task,
)


@pytest.fixture
def service() -> Iterator[BatchService]:
    with roomy_machine() as running:
        yield running


def run_task(service: BatchService, *containers: dict[str, Any], **request: Any) -> dict[str, Any]:
    """A job of these containers, once it has ended."""
    return run(service, task(*containers), **request)


def test_an_essential_container_ends_the_others_and_decides(service: BatchService) -> None:
    job = run_task(
        service,
        container("side", FOREVER, essential=False),
        container("main", "echo wrong; exit 3", **after("side", "START")),
    )
    assert (job["status"], job["statusReason"]) == ("FAILED", "Essential container in task exited")
    assert job["container"] == {}
    assert "container" not in listed(service)[0]
    containers = containers_of(job)
    assert {name: one["exitCode"] for name, one in containers.items()}["main"] == 3
    assert containers["side"]["exitCode"] in (7, 128 + signal.SIGTERM)
    assert log_of(service, containers["main"]) == ["wrong"]
    [attempt] = job["attempts"]
    [whole] = attempt["taskProperties"]
    assert {one["name"]: one["logStreamName"] for one in whole["containers"]} == {
        name: one["logStreamName"] for name, one in containers.items()
    }
    stream = containers["main"]["logStreamName"].split("/")
    assert stream == ["t", "main", whole["taskArn"].rpartition("/")[2]]


def test_a_job_succeeds_with_its_essential_container(service: BatchService) -> None:
    job = run_task(
        service, container("side", "exit 1", essential=False), container("main", "sleep 0.1")
    )
    assert job["status"] == "SUCCEEDED"
    assert containers_of(job)["side"]["exitCode"] == 1


def test_a_container_waits_for_the_good_end_of_another(service: BatchService) -> None:
    script = "sleep 0.05; echo prepared"
    job = run_task(
        service,
        container("main", "date +%s%N; exit 0", **after("init", "SUCCESS")),
        container("init", f"{script}; date +%s%N", essential=False),
    )
    assert job["status"] == "SUCCEEDED"
    containers = containers_of(job)
    [_, init_ended] = log_of(service, containers["init"])
    assert int(log_of(service, containers["main"])[0]) > int(init_ended)


def test_the_failure_of_what_is_waited_for_fails_the_job(service: BatchService) -> None:
    job = run_task(
        service,
        container("init", "exit 9", essential=False),
        container("main", "echo never", **after("init", "success")),
        retryStrategy={"attempts": 2},
    )
    main = containers_of(job)["main"]
    assert (job["status"], len(job["attempts"]), main["exitCode"]) == ("FAILED", 2, 143)
    assert main["reason"].startswith("CannotStartContainerError: dependency graph: failed to res")
    assert "logStreamName" not in main


def test_a_program_that_is_not_there_fails_the_start(service: BatchService) -> None:
    job = run_task(service, container("side", FOREVER, essential=False),
              container("main", command=["no-such-program"]))  # fmt: skip
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert "executable file not found" in containers_of(job)["main"]["reason"]
    assert containers_of(job)["side"]["exitCode"] in (7, 143)


def test_variables_and_the_index_reach_every_container(service: BatchService) -> None:
    definition = [container(name, "env | sort", essential=name == "a") for name in ("a", "b")]
    definition[0]["dependsOn"] = [{"containerName": "b", "condition": "COMPLETE"}]
    call(service, "registerjobdefinition", **task(*definition, parameters={"word": "hello"}))
    overrides = overriding(
        {"name": "a", "environment": [{"name": "MINE", "value": "1"}]},
        {"name": "b", "command": ["sh", "-c", "echo Ref::word; env"]},
    )
    _, answer = submit(service, jobDefinition="t", arrayProperties={"size": 2}, **overrides)
    ended(service, answer["jobId"])
    child = ended(service, f"{answer['jobId']}:1")
    containers = containers_of(child)
    for name in ("a", "b"):
        lines = log_of(service, containers[name])
        assert f"AWS_BATCH_JOB_ID={answer['jobId']}:1" in lines
        assert "AWS_BATCH_JOB_ARRAY_INDEX=1" in lines
        assert ("MINE=1" in lines) == (name == "a")
    assert log_of(service, containers["b"])[0] == "hello"


def test_a_job_asks_for_what_its_containers_ask_for_together(service: BatchService) -> None:
    large = [{"type": "VCPU", "value": "5"}, {"type": "MEMORY", "value": "64"}]
    call(service, "registerjobdefinition", **task(container("a"), container("b")))
    override = overriding({"name": "a", "resourceRequirements": large})
    ids = []
    for _ in range(2):
        _, answer = submit(service, jobDefinition="t", **override)
        ids.append(answer["jobId"])
    first, second = (ended(service, job_id) for job_id in ids)
    assert second["startedAt"] >= first["stoppedAt"], "6 of 8 vCPUs each"
    asked = containers_of(first)["a"]["resourceRequirements"]
    assert json.dumps(asked) == json.dumps(large)


def test_a_termination_stops_every_container(service: BatchService) -> None:
    call(service, "registerjobdefinition",
         **task(container("a", FOREVER), container("b", FOREVER, essential=False)))  # fmt: skip
    _, answer = submit(service, jobDefinition="t")
    while True:
        [job] = call(service, "describejobs", jobs=[answer["jobId"]])["jobs"]
        if all("logStreamName" in one for one in containers_of(job).values()):
            break
    call(service, "terminatejob", jobId=answer["jobId"], reason="enough")
    job = ended(service, answer["jobId"])
    assert (job["status"], job["statusReason"]) == ("FAILED", "enough")
    assert {one["exitCode"] for one in containers_of(job).values()} <= {7, 143}


def test_a_definition_is_given_back_whole(service: BatchService) -> None:
    whole = task(container("a", user="1000", mountPoints=[{"containerPath": "/d"}]))
    call(service, "registerjobdefinition", **whole)
    [definition] = call(service, "describejobdefinitions", jobDefinitionName="t")["jobDefinitions"]
    assert definition["ecsProperties"] == whole["ecsProperties"]
    assert "containerProperties" not in definition
    job = ended(service, submit(service, jobDefinition="t")[1]["jobId"])
    assert containers_of(job)["a"]["user"] == "1000"


def test_overrides_of_another_form_are_refused(service: BatchService) -> None:
    call(service, "registerjobdefinition", **task(container("a")))
    request = {"jobName": "j", "jobQueue": "q"}
    sentence = refusal(service, "submitjob", jobDefinition="t", containerOverrides={}, **request)
    assert sentence == (
        "containerOverrides is not for job definition t, which has ecsProperties: write "
        "ecsPropertiesOverride"
    )
    sentence = refusal(service, "submitjob", jobDefinition="d", **overriding(), **request)
    assert sentence.endswith("which has containerProperties: write containerOverrides")


def test_with_its_machine_all_containers_of_a_job_are_lost() -> None:
    with machine(Faults(host_lost=1.0)) as (service, _):
        job = run_task(service, container("a", FOREVER), container("b", FOREVER, essential=False))
    assert (job["status"], job["statusReason"]) == ("FAILED", HOST_LOST)
