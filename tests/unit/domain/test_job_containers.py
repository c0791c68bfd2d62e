"""How a job with several containers, of a pod or of several nodes ended."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.codec.job_detail import detail_of, failure_of, report_of
from batchrelay.domain.job_containers import (
    containers_of_job,
    decisive_container,
    failed_container,
    has_node,
    has_several,
    judged_container,
    log_place,
    node_ids,
    requested_of_job,
    variables_of_job,
)


def needs(vcpus: str, mib: str) -> list[dict[str, str]]:
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": mib}]


def task(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = {"ecsProperties": {"taskProperties": [{"containers": list(containers)}]}}
    return {"jobId": "j", "status": "FAILED", "container": {}, **own, **more}


STOPPED = {"name": "log", "exitCode": 143, "logStreamName": "log/1"}
FAILED = {"name": "main", "exitCode": 65, "logStreamName": "main/1"}
KILLED = {"name": "main", "exitCode": 137, "reason": "OutOfMemoryError: Container killed"}


@pytest.mark.parametrize(
    ("containers", "name"),
    [
        ([STOPPED, FAILED], "main"),
        ([FAILED, STOPPED], "main"),
        ([STOPPED, KILLED, FAILED], "main"),
        ([{"name": "a", "exitCode": 0}, {"name": "b", "reason": "CannotPull"}], "b"),
        ([{"name": "a", "exitCode": 0}, STOPPED], "log"),
    ],
)
def test_the_container_that_failed_decides(containers: list[dict[str, Any]], name: str) -> None:
    assert decisive_container(containers)["name"] == name


def test_a_failure_has_the_exit_code_and_the_log_of_the_container_that_failed() -> None:
    job = task(STOPPED, FAILED, statusReason="Essential container in task exited")
    failure = failure_of(job)
    assert (failure.exit_code, failure.reason) == (65, "Essential container in task exited")
    assert log_place(job) == ("/aws/batch/job", "main/1")
    assert report_of(job).reason == "Essential container in task exited, exit code 65"
    assert detail_of(job).exit_code == 65
    assert has_several(job)


def test_a_job_that_succeeded_is_judged_by_an_essential_container() -> None:
    prepared = {"name": "prepare", "essential": False, "exitCode": 0, "logStreamName": "prepare/1"}
    main = {"name": "main", "essential": True, "exitCode": 0, "logStreamName": "main/1"}
    job = task(STOPPED, prepared, main, status="SUCCEEDED")
    assert judged_container(job)["name"] == "main"
    assert log_place(job) == ("/aws/batch/job", "main/1")
    assert detail_of(job).exit_code == 0
    assert judged_container(task(STOPPED, prepared, main))["name"] == "log"


def test_of_an_attempt_the_log_of_the_same_container_is_read() -> None:
    last = {"taskProperties": [{"containers": [STOPPED, {**FAILED, "logStreamName": "main/2"}]}]}
    job = task({"name": "log"}, {"name": "main", "exitCode": 65}, attempts=[last])
    assert log_place(job) == ("/aws/batch/job", "main/2")


def test_a_job_asks_for_what_its_containers_ask_for_together() -> None:
    one = {"name": "a", "resourceRequirements": needs("1", "512")}
    two = {"name": "b", "resourceRequirements": needs("0.5", "256")}
    assert requested_of_job(task(one, two)) == (1.5, 768)
    assert requested_of_job(task(one, {"name": "b"})) == (None, None)


def test_a_pod_has_an_exit_code_and_no_log() -> None:
    limits = {"limits": {"cpu": "2", "memory": "1024Mi"}}
    container = {"name": "main", "exitCode": 3, "resources": limits}
    job = {
        "jobId": "j",
        "status": "FAILED",
        "eksProperties": {"podProperties": {"containers": [container]}},
        "eksAttempts": [{"containers": [{"name": "main", "exitCode": 3}], "startedAt": 1_000}],
    }
    assert failure_of(job).exit_code == 3
    assert log_place(job) is None
    assert requested_of_job(job) == (2.0, 1024.0)
    assert detail_of(job).started_at is not None


def test_a_pod_may_ask_in_requests() -> None:
    container = {"name": "main", "resources": {"requests": {"cpu": "2", "memory": "1024Mi"}}}
    assert requested_of_job({"eksProperties": {"podProperties": {"containers": [container]}}}) == (
        2.0,
        1024.0,
    )


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        ({"cpu": "2", "memory": "64Mi"}, (2.0, 128.0)),
        ({"memory": "256Mi"}, (1.0, 256.0)),
        ({}, (1.0, 128.0)),
    ],
)
def test_init_containers_of_a_pod_have_ended_before_the_others_begin(
    first: dict[str, str], asked: tuple[float, float]
) -> None:
    one = {"resources": {"limits": {"cpu": "0.5", "memory": "64Mi"}}}
    pod = {"containers": [one, one], "initContainers": [{"resources": {"limits": first}}] * 2}
    assert requested_of_job({"eksProperties": {"podProperties": pod}}) == asked


@pytest.mark.parametrize("order", [1, -1])
def test_of_nested_ranges_the_narrowest_holds(order: int) -> None:
    ranges = [
        {"targetNodes": "0:", "container": {"resourceRequirements": needs("1", "100")}},
        {"targetNodes": "0", "container": {"resourceRequirements": needs("4", "400")}},
    ]
    nodes = {"numNodes": 3, "nodeRangeProperties": ranges[::order]}
    assert requested_of_job({"nodeProperties": nodes}) == (6.0, 600.0)


def test_the_container_that_failed_is_that_of_a_job_that_failed() -> None:
    failed_job = task(STOPPED, FAILED, status="FAILED")
    assert failed_container(failed_job) == {**FAILED, "runtimePlatform": None}
    assert failed_container({**failed_job, "status": "SUCCEEDED"}) == {}
    assert failed_container(task({"name": "a"}, {"name": "b"}, status="FAILED")) == {}
    assert failed_container({"status": "FAILED"}) == {}


def test_what_a_run_gives_to_a_job_stands_in_each_kind_of_container() -> None:
    entries = [{"name": "A", "value": "1"}]
    assert variables_of_job(task({"environment": entries}, {"name": "b"})) == {"A": "1"}
    assert variables_of_job({"container": {"environment": entries}}) == {"A": "1"}
    lists = {"containers": [{"env": entries}]}
    assert variables_of_job({"eksProperties": {"podProperties": lists}}) == {"A": "1"}


def test_nodes_have_jobs_of_their_own_and_are_paid_together() -> None:
    ranges = [
        {"targetNodes": "0:", "container": {"resourceRequirements": needs("1", "100")}},
        {"targetNodes": "0:0", "container": {"resourceRequirements": needs("4", "400")}},
    ]
    job = {"jobId": "j", "nodeProperties": {"numNodes": 3, "nodeRangeProperties": ranges}}
    assert node_ids(job) == ["j#0", "j#1", "j#2"]
    assert node_ids({**job, "nodeDetails": {"nodeIndex": 0, "isMainNode": True}}) == []
    assert requested_of_job(job) == (6.0, 600.0)
    assert not has_several(job)


@pytest.mark.parametrize(
    ("target", "nodes"),
    [("0:2", [0, 1, 2]), ("2:", [2, 3]), (":1", [0, 1]), ("3", [3]), ("x", []), ("", [])],
)
def test_a_range_of_nodes(target: str, nodes: list[int]) -> None:
    assert [n for n in range(4) if has_node({"targetNodes": target}, n)] == nodes


@pytest.mark.parametrize("odd", [{}, {"container": None}, {"ecsProperties": []}, task()])
def test_a_description_of_another_shape_says_nothing(odd: dict[str, Any]) -> None:
    assert containers_of_job(odd) == []
    assert log_place(odd) is None
