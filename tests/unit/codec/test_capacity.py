"""What runs the jobs of a queue, by DescribeComputeEnvironments."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.codec.job_detail import capacity_of
from batchrelay.domain.job_detail import Capacity


def of(kind: str, *types: str) -> dict[str, Any]:
    return {"computeResources": {"type": kind, "instanceTypes": list(types)}}


@pytest.mark.parametrize(
    ("environments", "capacity"),
    [
        ([], Capacity()),
        ([{}], Capacity()),
        ([{"computeResources": None}], Capacity()),
        ([of("FARGATE")], Capacity()),
        ([of("FARGATE_SPOT")], Capacity(is_spot=True)),
        ([of("FARGATE_SPOT"), of("FARGATE")], Capacity(is_mixed=True)),
        ([of("SPOT", "m5.large")], Capacity(is_spot=True, instance_type="m5.large")),
        ([of("EC2", "m5.large"), of("EC2", "m5.large")], Capacity(instance_type="m5.large")),
        ([of("EC2", "m5.large", "m5.xlarge")], Capacity()),
        ([of("EC2", "m5.large"), of("EC2")], Capacity()),
        ([of("EC2", "m5")], Capacity()),
        ([of("EC2", "optimal")], Capacity()),
    ],
)
def test_compute_environments_have_one_capacity(
    environments: list[Any], capacity: Capacity
) -> None:
    assert capacity_of(environments) == capacity
