"""Multi-node parallel jobs: real processes, and what AWS Batch's operations say of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from batch_local.model import Attempt, ComputeEnvironment
from batch_local.service import BatchService
from machines import call, ended, roomy_machine, run, submit
from task_texts import (
    FOREVER,
    container,
    containers_of,
    log_of,
    node_range,
    nodes,
    overriding,
    overriding_nodes,
    task,
)


@pytest.fixture
def service() -> Iterator[BatchService]:
    with roomy_machine() as running:
        yield running


def described(service: BatchService, job: dict[str, Any], count: int) -> list[dict[str, Any]]:
    ids = [f"{job['jobId']}#{index}" for index in range(count)]
    found: list[dict[str, Any]] = call(service, "describejobs", jobs=ids)["jobs"]
    assert [node["jobId"] for node in found] == ids
    return found


def test_the_main_node_ends_the_others_and_decides(service: BatchService) -> None:
    definition = nodes(node_range("0", FOREVER), node_range("1", "sleep 0.1; exit 3"), main=1)
    job = run(service, definition)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Essential container in task exited")
    assert "container" not in job
    [attempt] = job["attempts"]
    other, main = described(service, job, 2)
    assert attempt["container"]["exitCode"] == main["container"]["exitCode"] == 3
    assert attempt["container"]["logStreamName"] == main["container"]["logStreamName"]
    assert other["container"]["exitCode"] in (7, 143)
    assert other["attempts"][0]["container"]["exitCode"] == other["container"]["exitCode"]
    assert [n["nodeDetails"] for n in (other, main)] == [
        {"nodeIndex": 0, "isMainNode": False},
        {"nodeIndex": 1, "isMainNode": True},
    ]
    assert main["status"] == "FAILED"


def test_a_node_that_fails_leaves_the_job_as_it_is(service: BatchService) -> None:
    definition = nodes(node_range("0", "sleep 0.2"), node_range("1:", "exit 9"))
    job = run(service, definition, retryStrategy={"attempts": 3})
    assert (job["status"], len(job["attempts"])) == ("SUCCEEDED", 1)
    main, other = described(service, job, 2)
    assert (main["status"], other["status"]) == ("SUCCEEDED", "FAILED")


def variables(service: BatchService, node: dict[str, Any]) -> dict[str, str]:
    lines = (line.partition("=") for line in log_of(service, node["container"]))
    return {name: value for name, _, value in lines if name.startswith("AWS_BATCH_JOB_")}


def test_the_variables_of_a_node_are_those_of_aws_batch(service: BatchService) -> None:
    job = run(service, nodes(node_range("0:", "env; sleep 0.2"), number=2))
    main, other = described(service, job, 2)
    assert variables(service, main) == {
        "AWS_BATCH_JOB_ID": f"{job['jobId']}#0",
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JOB_NODE_INDEX": "0",
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
        "AWS_BATCH_JOB_NUM_NODES": "2",
    }
    assert variables(service, other) == {
        **variables(service, main),
        "AWS_BATCH_JOB_ID": f"{job['jobId']}#1",
        "AWS_BATCH_JOB_NODE_INDEX": "1",
        "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": "127.0.0.1",
    }


def test_a_request_changes_the_number_and_the_ranges_of_nodes(service: BatchService) -> None:
    definition = nodes(node_range("0:", "exit 8"), node_range("0"), number=2)
    command = ["sh", "-c", "sleep 0.2; echo $AWS_BATCH_JOB_NUM_NODES $MINE"]
    variable = [{"name": "MINE", "value": "1"}]
    change = {"command": command, "environment": variable}
    override = overriding_nodes({"targetNodes": "0", "containerOverrides": change}, numNodes=3)
    job = run(service, definition, **override)
    assert job["status"] == "SUCCEEDED", "0 stands in the narrower range"
    assert job["nodeProperties"]["numNodes"] == 3
    first, second = job["nodeProperties"]["nodeRangeProperties"]
    assert first["container"]["command"] == ["sh", "-c", "exit 8"]
    assert (second["container"]["command"], second["container"]["environment"]) == (
        command,
        variable,
    )
    main, *others = described(service, job, 3)
    assert log_of(service, main["container"]) == ["3 1"]
    assert [node["container"]["exitCode"] for node in others] == [8, 8]


def test_nodes_are_listed_by_their_status(service: BatchService) -> None:
    job = run(service, nodes(node_range("0", "sleep 0.2"), node_range("1:", "exit 9"), number=3))
    request = {"multiNodeJobId": job["jobId"], "jobStatus": "FAILED"}
    failed = call(service, "listjobs", **request)["jobSummaryList"]
    assert [(node["jobId"], node["container"]["exitCode"]) for node in failed] == [
        (f"{job['jobId']}#1", 9),
        (f"{job['jobId']}#2", 9),
    ]
    assert failed[0]["nodeProperties"] == {"isMainNode": False, "numNodes": 3, "nodeIndex": 1}
    page = call(service, "listjobs", **request, maxResults=1)
    assert (len(page["jobSummaryList"]), page["nextToken"]) == (1, "2")
    of_none = call(service, "listjobs", multiNodeJobId="unknown", jobStatus="FAILED")
    assert of_none == {"jobSummaryList": []}


def test_a_node_may_have_several_containers(service: BatchService) -> None:
    pair = task(container("work", "sleep 0.1; exit 4"), container("log", FOREVER, essential=False))
    whole = {"targetNodes": "0:", "ecsProperties": pair["ecsProperties"]}
    change = {"name": "work", "command": ["sh", "-c", "sleep 0.1; exit 5"]}
    override = overriding_nodes({"targetNodes": "0:", **overriding(change)})
    job = run(service, nodes(whole), **override)
    [attempt] = job["attempts"]
    [main] = attempt["taskProperties"]
    assert {one["name"]: one["exitCode"] for one in main["containers"]}["work"] == 5
    first, second = described(service, job, 2)
    assert containers_of(first)["work"]["exitCode"] == 5
    streams = {containers_of(node)["log"].get("logStreamName") for node in (first, second)}
    assert len(streams) == 2
    [described_range] = job["nodeProperties"]["nodeRangeProperties"]
    [inner] = described_range["ecsProperties"]["taskProperties"]
    assert inner["containers"][0]["command"] == change["command"]


def test_no_two_nodes_have_one_task() -> None:
    """Whatever chance makes of the task's id: the log streams have their names from it."""
    here = ComputeEnvironment(name="e", arn="arn:e", max_vcpus=1)
    attempt = Attempt(started_at=1, task_id="f" * 29 + "001", environment=here)
    assert len({attempt.task_of(node) for node in range(1_000)}) == 1_000


def test_nodes_that_are_not_there_are_left_out(service: BatchService) -> None:
    job = run(service, nodes(node_range("0:")))
    ids = [f"{job['jobId']}#2", f"{job['jobId']}#x", "unknown#0"]
    assert call(service, "describejobs", jobs=ids) == {"jobs": []}
    simple = ended(service, submit(service)[1]["jobId"])
    assert call(service, "describejobs", jobs=[f"{simple['jobId']}#0"]) == {"jobs": []}


def test_nodes_are_described_before_and_while_they_run(service: BatchService) -> None:
    call(service, "registerjobdefinition", **nodes(node_range("0:", "sleep 0.3"), number=8))
    busy = submit(service, jobDefinition="t")[1]["jobId"]
    waiting = submit(service, jobDefinition="t")[1]["jobId"]
    [node] = call(service, "describejobs", jobs=[f"{waiting}#1"])["jobs"]
    assert (node["status"], node["attempts"]) == ("RUNNABLE", [])
    deadline = time.monotonic() + 5
    while call(service, "describejobs", jobs=[f"{busy}#7"])["jobs"][0]["status"] != "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    call(service, "terminatejob", jobId=waiting, reason="enough")
    assert call(service, "describejobs", jobs=[f"{waiting}#1"])["jobs"][0]["status"] == "FAILED"
