"""What ECS adds to the variables of AWS Batch: clients such as Metaflow read it in the job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from batch_local.service import BatchService
from machines import roomy_machine, run
from task_texts import container, node_range, nodes, pod, pod_container, task

FARGATE = {
    "image": "i",
    "command": ["sh", "-c", 'test "$AWS_EXECUTION_ENV" = AWS_ECS_FARGATE'],
    "executionRoleArn": "arn:aws:iam::123456789012:role/r",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
}


@pytest.fixture(scope="module")
def service() -> Iterator[BatchService]:
    with roomy_machine(vcpus=2) as running:
        yield running


def script(execution: str) -> str:
    return f'test "${{AWS_EXECUTION_ENV-absent}}" = {execution}'


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param(task(container("a", script("AWS_ECS_EC2"))), id="EC2"),
        pytest.param(
            {
                "jobDefinitionName": "t",
                "type": "container",
                "containerProperties": FARGATE,
                "platformCapabilities": ["FARGATE"],
            },
            id="Fargate",
        ),
        pytest.param(
            task(
                container("a", script("AWS_ECS_MANAGED_INSTANCES")),
                platformCapabilities=["MANAGED_INSTANCES"],
            ),
            id="managed instances",
        ),
        pytest.param(nodes(node_range("0:", script("AWS_ECS_EC2"))), id="nodes"),
        pytest.param(pod(pod_container("a", script("absent"))), id="EKS"),
    ],
)
def test_a_job_is_on_the_platform_of_its_definition(
    service: BatchService, definition: dict[str, Any]
) -> None:
    assert run(service, definition)["status"] == "SUCCEEDED"
