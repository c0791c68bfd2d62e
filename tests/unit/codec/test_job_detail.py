"""What AWS Batch's description of a job says, in all its shapes."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.codec.job_detail import detail_of
from batchrelay.domain.job_detail import JobDetail
from tests.builders import T0, at

T0_MS = round(T0.timestamp() * 1000)


def ms(seconds: float) -> int:
    return T0_MS + round(seconds * 1000)


def attempt(start_s: float | None, stop_s: float, **container: Any) -> dict[str, Any]:
    times = {"stoppedAt": ms(stop_s)} | ({} if start_s is None else {"startedAt": ms(start_s)})
    return {"container": container, **times}


def child(**changes: Any) -> dict[str, Any]:
    return {
        "jobId": "j:7",
        "jobQueue": "arn:aws:batch:eu-west-1:111122223333:job-queue/Fleet",
        "status": "SUCCEEDED",
        "createdAt": ms(0),
        "arrayProperties": {"index": 7, "statusSummary": {}},
        "container": {
            "logStreamName": "a/default/1",
            "resourceRequirements": [
                {"type": "VCPU", "value": "0.25"},
                {"type": "MEMORY", "value": "512"},
            ],
        },
    } | changes


def test_a_child_that_was_tried_twice_has_the_times_of_its_last_attempt() -> None:
    attempts = [attempt(2, 5, exitCode=1), attempt(8, 18, exitCode=0)]
    one = child(startedAt=ms(8), stoppedAt=ms(18), attempts=attempts)
    assert detail_of(one) == JobDetail(
        job_id="j:7",
        status="SUCCEEDED",
        created_at=at(0),
        started_at=at(8),
        stopped_at=at(18),
        attempts=2,
        earlier_s=3,
        exit_code=0,
        log_stream="a/default/1",
        queue="Fleet",
        vcpus=0.25,
        memory_mib=512,
    )


def test_an_attempt_that_never_began_has_no_start() -> None:
    attempts = [attempt(2, 5, exitCode=1), attempt(None, 9, reason="CannotPullContainerError")]
    one = child(status="FAILED", startedAt=ms(2), stoppedAt=ms(9), attempts=attempts)
    detail = detail_of(one)
    assert (detail.started_at, detail.stopped_at, detail.attempts) == (None, at(9), 2)
    assert (detail.earlier_s, detail.exit_code) == (3, None)


@pytest.mark.parametrize(
    ("status", "attempts", "started", "number", "earlier_s"),
    [
        ("RUNNABLE", [], None, 1, 0),
        ("STARTING", [], None, 1, 0),
        ("RUNNING", [], at(8), 1, 0),
        ("RUNNABLE", [attempt(2, 5)], None, 2, 3),
        ("RUNNING", [attempt(2, 5)], at(8), 2, 3),
    ],
)
def test_the_attempt_at_work_is_the_latest(
    status: str, attempts: list[Any], started: object, number: int, earlier_s: float
) -> None:
    detail = detail_of(child(status=status, startedAt=ms(8), attempts=attempts))
    assert (detail.started_at, detail.stopped_at) == (started, None)
    assert (detail.attempts, detail.earlier_s) == (number, earlier_s)


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"vcpus": 2, "memory": 2048}, (2, 2048)),
        ({"resourceRequirements": [{"type": "GPU", "value": "1"}]}, (None, None)),
        ({"resourceRequirements": None, "vcpus": "many"}, (None, None)),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_what_a_job_asks_for_is_known_or_not(container: Any, expected: object) -> None:
    detail = detail_of(child(container=container))
    assert (detail.vcpus, detail.memory_mib) == expected


def test_where_a_job_runs_decides_its_price() -> None:
    on_arm = {"runtimePlatform": {"cpuArchitecture": "ARM64"}}
    detail = detail_of(child(platformCapabilities=["FARGATE"], container=on_arm))
    assert (detail.is_fargate, detail.arch) == (True, "arm64")
    detail = detail_of(child(platformCapabilities=["EC2"]))
    assert (detail.is_fargate, detail.arch) == (False, "x86_64")


def test_an_array_has_its_size_and_nothing_has_to_be_there() -> None:
    assert detail_of({"jobId": "j", "arrayProperties": {"size": 9}}).size == 9
    assert detail_of({}) == JobDetail(job_id="", status="")
