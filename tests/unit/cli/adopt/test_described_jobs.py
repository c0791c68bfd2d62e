"""Jobs as DescribeJobs describes them, from a file and from a queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from batchrelay_cli.adopt.queue_jobs import drafted
from batchrelay_cli.errors import UsageProblem
from tests.unit.cli.adopt.adopting import adopted, checked

ARN = "arn:aws:batch:us-east-1:111122223333"


def identity(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def job(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {
        "jobId": identity(number),
        "jobName": name,
        "jobQueue": f"{ARN}:job-queue/q",
        "jobDefinition": f"{ARN}:job-definition/d:3",
        "status": "SUCCEEDED",
        "createdAt": number,
        "attempts": [{"exitCode": 0}],
        "dependsOn": [],
        **more,
    }


def step(name: str, **more: Any) -> dict[str, Any]:
    return {"jobName": name, "jobQueue": "q", "jobDefinition": "d:3", **more}


def test_what_a_job_was_asked_is_carried_and_what_became_of_it_is_not() -> None:
    result = adopted(
        {
            "jobs": [
                job(
                    1,
                    "a",
                    arrayProperties={"size": 4, "statusSummary": {"SUCCEEDED": 4}},
                    retryStrategy={"attempts": 2, "evaluateOnExit": []},
                    timeout={"attemptDurationSeconds": 600},
                    parameters={"x": "${y}"},
                    shareIdentifier="s",
                    schedulingPriority=7,
                    tags={"team": "t", "batchrelay:run": "old", "resourceArn": "x"},
                    container={
                        "image": "i",
                        "command": ["echo", "${HOME}"],
                        "vcpus": 1,
                        "memory": 128,
                        "exitCode": 0,
                        "environment": [
                            {"name": "A", "value": "1"},
                            {"name": "AWS_BATCH_JOB_ID", "value": "x"},
                            {"name": "BATCHRELAY_RUN", "value": "x"},
                            {"name": "MANAGED_BY_AWS", "value": "STARTED_BY_STEP_FUNCTIONS"},
                        ],
                    },
                )
            ]
        }
    )
    assert result.steps == [
        step(
            "a",
            arrayProperties={"size": 4},
            parameters={"x": "$${y}"},
            retryStrategy={"attempts": 2},
            timeout={"attemptDurationSeconds": 600},
            shareIdentifier="s",
            schedulingPriorityOverride=7,
            tags={"team": "t"},
            containerOverrides={
                "command": ["echo", "$${HOME}"],
                "resourceRequirements": [
                    {"type": "VCPU", "value": "1"},
                    {"type": "MEMORY", "value": "128"},
                ],
                "environment": [{"name": "A", "value": "1"}],
            },
        )
    ]
    assert result.notes == []


def test_dependencies_between_described_jobs_are_steps_in_any_order() -> None:
    edges = [{"jobId": identity(1), "type": "N_TO_N"}, {"type": "SEQUENTIAL"}]
    sized = {"arrayProperties": {"size": 2}}
    result = adopted([job(2, "b", dependsOn=edges, **sized), job(1, "a", **sized)])
    assert result.step("b")["dependsOn"] == [
        {"jobName": "a", "type": "N_TO_N"},
        {"type": "SEQUENTIAL"},
    ]


def test_children_are_left_to_their_parent_and_alone_they_are_one_job() -> None:
    child = {**job(1, "a"), "jobId": f"{identity(1)}:3", "arrayProperties": {"index": 3}}
    both = adopted({"jobs": [child, job(1, "a", arrayProperties={"size": 4})]})
    assert both.steps == [step("a", arrayProperties={"size": 4})]
    alone = adopted({"jobs": [child]})
    assert alone.steps == [step("a")]
    assert "describe its parent for the array" in alone.notes[0]


def test_a_job_of_several_nodes_is_its_definition_and_listed() -> None:
    result = adopted({"jobs": [job(1, "a", nodeProperties={"numNodes": 2})]})
    assert result.steps == [step("a")]
    assert "a multi-node parallel job" in result.notes[0]


def test_a_job_of_ours_is_the_step_that_it_was() -> None:
    result = adopted({"jobs": [job(1, "br-k123-convert-r0-p0")]})
    assert [one["jobName"] for one in result.steps] == ["convert"]


class FakeBatch:
    """DescribeJobs and ListJobs over a few jobs; counts its calls."""

    def __init__(self, *jobs: dict[str, Any]) -> None:
        self.jobs = {one["jobId"]: one for one in jobs}
        self.described: list[Sequence[str]] = []

    def describe_jobs(self, *, jobs: Sequence[str]) -> dict[str, Any]:
        self.described.append(jobs)
        return {"jobs": [self.jobs[one] for one in jobs if one in self.jobs]}

    def get_paginator(self, operation: str) -> FakeBatch:
        assert operation == "list_jobs"
        return self

    def paginate(self, *, jobQueue: str, filters: list[Any]) -> Iterator[dict[str, Any]]:  # noqa: N803  # of boto3
        [name] = filters[0]["values"]
        for one in self.jobs.values():
            yield {"jobSummaryList": [one] if one["jobName"] == name else []}


def of_queue(batch: FakeBatch, *jobs: str, queue: str = "q") -> Any:
    return checked(drafted(cast(Any, batch), queue, jobs, None))


def test_a_queue_and_a_job_give_all_that_it_depends_on_each_asked_once() -> None:
    edges = [[], [1], [1], [2, 3, 1]]
    jobs = [
        job(number, f"j{number}", dependsOn=[{"jobId": identity(n)} for n in needs])
        for number, needs in enumerate(edges, start=1)
    ]
    batch = FakeBatch(*reversed(jobs))
    result = of_queue(batch, identity(4))
    assert [(one["jobName"], one.get("dependsOn")) for one in result.steps] == [
        ("j1", None),
        ("j2", [{"jobName": "j1"}]),
        ("j3", [{"jobName": "j1"}]),
        ("j4", [{"jobName": "j2"}, {"jobName": "j3"}, {"jobName": "j1"}]),
    ]
    asked = [one for page in batch.described for one in page]
    assert sorted(asked) == sorted(set(asked))
    assert result.text.startswith("# Made by batchrelay adopt from queue q: DescribeJobs.\n")


def test_a_circle_of_dependencies_ends() -> None:
    jobs = [job(1, "a", dependsOn=[{"jobId": identity(2)}]), job(2, "b", dependsOn=[{"jobId": identity(1)}])]  # fmt: skip
    result = of_queue(FakeBatch(*jobs), identity(1))
    assert len(result.steps) == 2
    assert "steps form a cycle" in result.notes[0]


def test_a_job_is_found_by_its_name_the_latest_one() -> None:
    batch = FakeBatch(job(1, "a", timeout={"attemptDurationSeconds": 60}), job(2, "a"))
    assert of_queue(batch, "a").steps == [step("a")]


def test_a_dependency_that_aws_batch_forgot_is_listed() -> None:
    result = of_queue(FakeBatch(job(2, "b", dependsOn=[{"jobId": identity(1)}])), identity(2))
    assert result.steps == [step("b")]
    assert f"b: job {identity(1)}: this job is not described here" in result.notes[0]


@pytest.mark.parametrize(
    ("asked", "queue", "sentence"),
    [
        (identity(9), "q", f"AWS Batch does not know job {identity(9)}"),
        ("nothing", "q", "--job nothing: no job of queue q has this id or name"),
        (identity(1), "other", f"job {identity(1)} is in the queue q, not in other"),
    ],
)
def test_what_is_not_in_the_queue_is_an_error(asked: str, queue: str, sentence: str) -> None:
    with pytest.raises(UsageProblem) as raised:
        of_queue(FakeBatch(job(1, "a")), asked, queue=queue)
    assert sentence in raised.value.message


def test_more_jobs_than_a_pipeline_has_steps_are_not_all_described() -> None:
    chain = [job(n, f"j{n}", dependsOn=[{"jobId": identity(n - 1)}]) for n in range(1, 700)]
    batch = FakeBatch(*chain)
    with pytest.raises(UsageProblem, match="more than 500 jobs"):
        of_queue(batch, identity(699))
    assert len(batch.described) <= 501
