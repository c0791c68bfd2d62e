"""Why jobs do not start, of what AWS Batch describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchrelay_cli.client.waiting import QUEUES_MAX, WAIT_S, waiting_of
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.views.waiting import (
    FIXES,
    QueueState,
    WaitingJobs,
    reasons_of,
    waiting_document,
    waiting_lines,
)

ARN = "arn:aws:batch:eu-central-1:111122223333:"
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
AT_MS = int(NOW.timestamp() * 1_000)


def job(job_id: str = "j1", status: str = "RUNNABLE", **more: Any) -> dict[str, Any]:
    needs = [{"type": "VCPU", "value": "4"}, {"type": "MEMORY", "value": "64"}]
    container = {"resourceRequirements": needs}
    return {
        "jobId": job_id,
        "status": status,
        "jobQueue": f"{ARN}job-queue/Q",
        "container": container,
        **more,
    }


def array(**counts: int) -> dict[str, Any]:
    properties = {"size": sum(counts.values()), "statusSummary": counts}
    return job(status="PENDING", arrayProperties=properties)


def environment(name: str = "E", **more: Any) -> dict[str, Any]:
    return {
        "computeEnvironmentName": name,
        "computeEnvironmentArn": f"{ARN}compute-environment/{name}",
        "type": "MANAGED",
        "state": "ENABLED",
        "status": "VALID",
        "computeResources": {"maxvCpus": 16},
        **more,
    }


def front(*ids: str) -> dict[str, Any]:
    jobs = [{"jobArn": f"{ARN}job/{one}", "earliestTimeAtPosition": AT_MS} for one in ids]
    return {"frontOfQueue": {"jobs": jobs, "lastUpdatedAt": AT_MS}}


def waiting(*jobs: Mapping[str, Any], **more: Any) -> WaitingJobs:
    queue = {name: more.pop(name) for name in ("queue", "environments", "snapshot") if name in more}
    return WaitingJobs(step="align", jobs=jobs, queue=QueueState(name="Q", **queue), **more)


def whats(one: WaitingJobs) -> list[str]:
    reasons = reasons_of(one)
    assert all(reason.fix for reason in reasons), "each has what to do"
    return [reason.what for reason in reasons]


MAX_RESOURCE = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue "
    "cannot meet the CPU requirement of the job."
)


@pytest.mark.parametrize("code", FIXES)
def test_each_reason_of_aws_has_what_to_do(code: str) -> None:
    [reason] = reasons_of(waiting(job(statusReason=f"{code} - words of AWS\x1b[2J")))
    assert (reason.what, reason.fix) == (f"{code} - words of AWS\\x1b[2J", FIXES[code])


def test_a_reason_that_is_new_is_shown() -> None:
    [reason] = reasons_of(waiting(job(statusReason="CAPACITY:NEW - x")))
    assert (reason.what, "docs/troubleshooting.md" in reason.fix) == ("CAPACITY:NEW - x", True)


def test_the_reason_of_an_arrays_child_is_its_reason_once() -> None:
    child = {"jobId": "j1:0", "status": "RUNNABLE", "statusReason": MAX_RESOURCE}
    one = waiting(
        array(RUNNABLE=3), children=[child, child], blocked=MAX_RESOURCE.partition(" ")[0]
    )
    assert whats(one) == [MAX_RESOURCE]


def test_what_the_event_of_a_blocked_queue_names_is_shown() -> None:
    one = waiting(job(), blocked="UNDETERMINED")
    assert whats(one) == ["the queue was blocked: UNDETERMINED"]
    assert whats(waiting(job(), blocked="RUNNABLE for over 30 minutes")) == []


UPDATE = "aws batch update-compute-environment --compute-environment E"


@pytest.mark.parametrize(
    ("described", "what", "fix"),
    [
        (
            {"queue": {"state": "DISABLED", "status": "VALID"}},
            "job queue Q is DISABLED",
            "aws batch update-job-queue --job-queue Q --state ENABLED",
        ),
        (
            {"queue": {"state": "ENABLED", "status": "INVALID", "statusReason": "no \x07"}},
            "job queue Q is INVALID: no \\x07",
            "correct what its reason names, or make another queue",
        ),
        (
            {"environments": [environment(state="DISABLED")]},
            "compute environment E is DISABLED",
            f"{UPDATE} --state ENABLED",
        ),
        (
            {"environments": [environment(status="INVALID", statusReason="no role")]},
            "compute environment E is INVALID: no role",
            "correct what its reason names, then disable and enable it",
        ),
        (
            {"environments": [environment(computeResources={"maxvCpus": 0})]},
            "compute environment E has maxvCpus 0",
            f"{UPDATE} --compute-resources maxvCpus=N",
        ),
        (
            {"environments": [environment(computeResources={"maxvCpus": 2}), environment("F",
             computeResources={"maxvCpus": 3})]},
            "a job asks for 4 vCPUs, and maxvCpus is 3 at most",
            FIXES["MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"],
        ),
        (
            {"environments": [environment(type="UNMANAGED", computeResources={})]},
            "compute environment E is UNMANAGED: AWS Batch starts no machines in it",
            "see that machines of yours are registered in its ECS cluster",
        ),
    ],
)  # fmt: skip
def test_a_queue_or_an_environment_that_keeps_jobs_from_starting(
    described: dict[str, Any], what: str, fix: str
) -> None:
    [reason] = reasons_of(waiting(job(), **described))
    assert (reason.what, reason.fix) == (what, fix)


def test_nothing_is_wrong_with_what_is_valid_and_large_enough() -> None:
    queue = {"state": "ENABLED", "status": "VALID"}
    environments = [environment(computeResources={"maxvCpus": 2}), environment("F")]
    assert whats(waiting(job(), queue=queue, environments=environments)) == []


def test_a_consumable_resource_is_named() -> None:
    entries = [{"consumableResource": f"{ARN}consumable-resource/br_x", "quantity": 1}]
    properties = {"consumableResourceList": entries}
    one = waiting(job(consumableResourceProperties=properties))
    assert whats(one) == ["a job also needs a unit of consumable resource br_x"]


def test_the_place_in_the_queue_is_that_of_the_first_job_or_child() -> None:
    first = waiting(job(), snapshot=front("j1", "other"))
    assert whats(first) == ["first in the queue, since 2026-01-01T12:00:00Z"]
    third = waiting(array(RUNNABLE=2), snapshot=front("j10", "j11:0", "j1:7", "j1:8"))
    assert whats(third) == ["number 3 in the queue, since 2026-01-01T12:00:00Z: 2 jobs before it"]
    assert (third.position, third.since) == (3, NOW)
    far = waiting(job(), snapshot=front(*(f"other{n}" for n in range(100))))
    assert whats(far) == ["not among the first 100 in the queue"]
    assert whats(waiting(job(), snapshot=front("other"))) == []


def test_the_use_of_the_queue_and_of_the_jobs_share() -> None:
    def usage(quantity: float) -> list[dict[str, Any]]:
        return [{"capacityUnit": "VCPU", "quantity": quantity}]

    snapshot = {
        "queueUtilization": {
            "totalCapacityUsage": usage(30),
            "fairshareUtilization": {
                "activeShareCount": 2,
                "topCapacityUtilization": [
                    {"shareIdentifier": "ours", "capacityUsage": usage(2.5)},
                    {"shareIdentifier": "theirs", "capacityUsage": usage(27.5)},
                ],
            },
        }
    }
    environments = [environment(), environment("F")]
    one = waiting(job(shareIdentifier="ours"), environments=environments, snapshot=snapshot)
    assert whats(one) == [
        "jobs of the queue use 30 VCPU of maxvCpus 32",
        "share ours uses 2.5 VCPU; 2 shares in use",
    ]
    new = replace(one, jobs=[job(shareIdentifier="new")])
    assert whats(new)[1] == "share new uses nothing; 2 shares in use"


def test_jobs_that_wait_for_jobs_or_run_have_no_reason() -> None:
    snapshot = front("j1")
    assert whats(waiting(job(status="PENDING"), snapshot=snapshot)) == []
    assert whats(waiting(array(PENDING=5), snapshot=snapshot)) == []
    assert whats(waiting(array(RUNNABLE=5, RUNNING=1), snapshot=snapshot)) == []
    starting = waiting(job(status="STARTING"))
    assert whats(starting) == ["a machine is there, and the container begins"]
    assert next(waiting_lines(starting)) == "step align waits in job queue Q: 1 STARTING"


def test_the_lines_and_the_document_have_reason_and_fix() -> None:
    one = waiting(array(RUNNABLE=1_200, STARTING=2, SUCCEEDED=3), snapshot=front("j1:0"))
    assert list(waiting_lines(one)) == [
        "step align waits in job queue Q: 1,200 RUNNABLE, 2 STARTING",
        "  first in the queue, since 2026-01-01T12:00:00Z",
        "    wait: a machine that has to be started takes minutes",
    ]
    assert waiting_document(one) == {
        "step": "align",
        "queue": "Q",
        "runnable": 1_200,
        "position": 1,
        "since": "2026-01-01T12:00:00+00:00",
        "reasons": [
            {
                "what": "first in the queue, since 2026-01-01T12:00:00Z",
                "fix": "wait: a machine that has to be started takes minutes",
            }
        ],
    }


# --- what is asked


@dataclass
class Batch:
    """AWS Batch, and which calls it was asked."""

    jobs: list[dict[str, Any]]
    denied: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)

    def _answer(self, operation: str, document: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(operation)
        if operation in self.denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)
        return document

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        there = [one for one in self.jobs if one["jobId"] in jobs]
        return self._answer("DescribeJobs", {"jobs": there})

    def list_jobs(self, *, arrayJobId: str, jobStatus: str) -> dict[str, Any]:  # noqa: N803  # AWS's
        assert jobStatus == "RUNNABLE"
        child = {"jobId": f"{arrayJobId}:0", "statusReason": MAX_RESOURCE}
        return self._answer("ListJobs", {"jobSummaryList": [child]})

    def describe_job_queues(self, jobQueues: list[str]) -> dict[str, Any]:  # noqa: N803  # AWS's
        order = [{"order": 1, "computeEnvironment": environment()["computeEnvironmentArn"]}]
        return self._answer(
            "DescribeJobQueues",
            {
                "jobQueues": [
                    {"jobQueueArn": q, "computeEnvironmentOrder": order} for q in jobQueues
                ]
            },
        )

    def describe_compute_environments(self, **_: Any) -> dict[str, Any]:
        broken = environment(state="DISABLED")
        return self._answer("DescribeComputeEnvironments", {"computeEnvironments": [broken]})

    def get_job_queue_snapshot(self, jobQueue: str) -> dict[str, Any]:  # noqa: N803  # AWS's
        assert jobQueue.startswith(ARN)
        return self._answer("GetJobQueueSnapshot", front("j1"))


def run_of(*ids: str, running: int = 0, since: datetime = NOW, is_open: bool = True) -> Any:
    jobs = [{"jobId": job_id, "outcome": "SUBMITTED"} for job_id in ids]
    step = {"step": "align", "status": "ACTIVE", "since": since.isoformat(), "blocked": None}
    return {"isOpen": is_open, "steps": [{**step, "running": running, "jobs": jobs}]}


def asked(batch: Batch, run: Any, seconds: float = WAIT_S) -> Any:
    stack = Stack(make_client=lambda _: batch, outputs={})
    return waiting_of(stack, run, NOW + timedelta(seconds=seconds))


def test_a_job_costs_four_calls_and_an_array_one_more() -> None:
    batch = Batch([job()])
    found = asked(batch, run_of("j1"))
    four = [
        "DescribeJobs",
        "DescribeJobQueues",
        "DescribeComputeEnvironments",
        "GetJobQueueSnapshot",
    ]
    assert batch.calls == four
    assert [whats(one) for one in found.jobs] == [
        ["compute environment E is DISABLED", "first in the queue, since 2026-01-01T12:00:00Z"]
    ]
    batch = Batch([array(RUNNABLE=10_000)])
    found = asked(batch, run_of("j1"))
    assert sorted(batch.calls) == sorted([*four, "ListJobs"])
    assert whats(found.jobs[0])[0] == MAX_RESOURCE


def test_however_many_jobs_and_queues_there_are_it_is_a_few_calls() -> None:
    jobs = [
        {**array(RUNNABLE=9), "jobId": f"j{n}", "jobQueue": f"{ARN}job-queue/Q{n}"}
        for n in range(50)
    ]
    batch = Batch(jobs)
    asked(batch, run_of(*(f"j{n}" for n in range(50))))
    assert len(batch.calls) == 3 + 5 + QUEUES_MAX


@pytest.mark.parametrize(
    ("run", "seconds"),
    [
        (run_of("j1", is_open=False), 60),
        (run_of("j1", running=1), 60),
        (run_of("j1"), WAIT_S - 1),
    ],
    ids=["ended", "at work", "submitted just now"],
)
def test_nothing_is_asked_of_a_run_that_does_not_wait(run: Any, seconds: float) -> None:
    batch = Batch([job()])
    assert asked(batch, run, seconds).jobs == []
    assert batch.calls == []


def test_a_permission_that_is_missing_is_named_and_the_rest_is_shown() -> None:
    batch = Batch([job()], denied=("GetJobQueueSnapshot",))
    found = asked(batch, run_of("j1"))
    assert whats(found.jobs[0]) == ["compute environment E is DISABLED"]
    assert found.notes == [
        "not all is known of why jobs wait: your AWS settings lack batch:GetJobQueueSnapshot"
    ]
    batch = Batch([job()], denied=("DescribeJobs",))
    found = asked(batch, run_of("j1"))
    assert (found.jobs, batch.calls) == ([], ["DescribeJobs"])
    assert found.notes == [
        "not all is known of why jobs wait: your AWS settings lack batch:DescribeJobs"
    ]
