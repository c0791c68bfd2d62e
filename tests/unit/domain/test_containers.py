"""Every container of a request gets our variables, whichever form the request has."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.domain.containers import (
    containers_of,
    is_of_pods,
    merged_requests,
    with_containers,
    with_variables,
)
from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.memory_growth import grown, is_memory_known
from batchrelay.domain.request_rules import submit_violations
from batchrelay.domain.requests import submit_request
from tests.builders import fold, key, run_of, step
from tests.unit.override_texts import amounts, nodes, pod, task

OURS = [{"name": "OURS", "value": "1"}]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, {"containerOverrides": {"environment": OURS}}),
        (
            {"containerOverrides": {"environment": [{"name": "A", "value": "b"}]}},
            {"containerOverrides": {"environment": [{"name": "A", "value": "b"}, *OURS]}},
        ),
        (
            task({"name": "main", "command": ["x"]}, {"name": "log"}),
            task(
                {"name": "main", "command": ["x"], "environment": OURS},
                {"name": "log", "environment": OURS},
            ),
        ),
        (
            pod({"name": "main"}, initContainers=[{"name": "first"}]),
            pod({"name": "main", "env": OURS}, initContainers=[{"name": "first", "env": OURS}]),
        ),
        (
            {"nodeOverrides": {"numNodes": 4}},
            nodes({"targetNodes": "0:", "containerOverrides": {"environment": OURS}}, numNodes=4),
        ),
        (
            nodes(
                {"targetNodes": "0:0", "containerOverrides": {}},
                {"targetNodes": "1:", **task({"name": "main"})},
            ),
            nodes(
                {"targetNodes": "0:0", "containerOverrides": {"environment": OURS}},
                {"targetNodes": "1:", **task({"name": "main", "environment": OURS})},
            ),
        ),
    ],
)
def test_variables_reach_every_container(
    request_: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert with_variables(request_, OURS) == expected


@pytest.mark.parametrize(
    "odd", [{"ecsPropertiesOverride": 1}, task(), {"nodeOverrides": {"nodePropertyOverrides": 1}}]
)
def test_a_request_of_another_shape_is_left_to_aws_batch(odd: dict[str, Any]) -> None:
    assert with_containers(odd, lambda container: container.values) == odd


def test_a_group_changes_the_container_that_it_names() -> None:
    under = task({"name": "main", "command": ["x"], **amounts("512")}, {"name": "log"})
    over = task({"name": "main", **amounts("1024")})
    assert merged_requests(under, over) == task(
        {"name": "main", "command": ["x"], **amounts("1024")}, {"name": "log"}
    )


def test_nodes_are_merged_by_their_range() -> None:
    under = nodes({"targetNodes": "0:0", "containerOverrides": {}}, {"targetNodes": "1:"})
    over = nodes({"targetNodes": "1:", "containerOverrides": {"command": ["y"]}}, numNodes=3)
    assert merged_requests(under, over) == nodes(
        {"targetNodes": "0:0", "containerOverrides": {}},
        {"targetNodes": "1:", "containerOverrides": {"command": ["y"]}},
        numNodes=3,
    )


RETRY = RetryFailed(rounds=1, memory_factor=2.0, memory_mib=256)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, {"containerOverrides": amounts("512")}),
        (
            task({"name": "main", **amounts("512")}, {"name": "log"}),
            task({"name": "main", **amounts("1024")}, {"name": "log"}),
        ),
        (
            pod({"name": "main", "resources": {"limits": {"memory": "512Mi", "cpu": "1"}}}),
            pod(
                {
                    "name": "main",
                    "resources": {
                        "limits": {"memory": "1024Mi", "cpu": "1"},
                        "requests": {"memory": "1024Mi"},
                    },
                }
            ),
        ),
        (
            pod({"name": "main", "resources": {"requests": {"memory": "512Mi"}}}),
            pod(
                {
                    "name": "main",
                    "resources": {
                        "limits": {"memory": "1024Mi"},
                        "requests": {"memory": "1024Mi"},
                    },
                }
            ),
        ),
        (
            nodes({"targetNodes": "0:", "containerOverrides": amounts("512")}),
            nodes({"targetNodes": "0:", "containerOverrides": amounts("1024")}),
        ),
        (task({"name": "main"}), task({"name": "main"})),
    ],
)
def test_memory_grows_in_each_container_whose_memory_is_known(
    request_: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert grown(request_, 2.0, RETRY) == expected
    assert is_memory_known(request_, RETRY) == (request_ != expected)


def test_a_pod_is_given_tags_and_does_not_propagate_them() -> None:
    run = fold(run_of(step("a", request=pod({"name": "main"}))))
    request = submit_request(run, key("a"))
    assert is_of_pods(request)
    assert "propagateTags" not in request
    assert "tags" in request
    [container] = containers_of(request)
    assert {entry["name"] for entry in container.variables} >= {"BATCHRELAY_RUN_ID"}


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (task({"name": "a", "environment": [{"name": "AWS_BATCH_X", "value": "1"}]}),
         "ecsPropertiesOverride.taskProperties.0.containers.0.environment.0"),
        (pod({"name": "a", "env": [{"name": "BATCHRELAY_X", "value": "1"}]}),
         "eksPropertiesOverride.podProperties.containers.0.env.0"),
        (nodes({"targetNodes": "0:", "containerOverrides": {"command": [""]}}),
         "nodeOverrides.nodePropertyOverrides.0.containerOverrides.command.0"),
    ],
)  # fmt: skip
def test_rules_of_a_container_hold_in_every_form(request_: dict[str, Any], path: str) -> None:
    [violation] = submit_violations(request_)
    assert ".".join(map(str, violation.path)) == path
