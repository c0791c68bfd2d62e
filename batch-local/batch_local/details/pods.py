"""AWS's shapes of a pod: what its containers are, and how they ended.

A pod's log is not in AWS Batch, so nothing names it. Source: EksContainerDetail, EksAttemptDetail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batch_local.arns import ACCOUNT, REGION
from batch_local.model import Attempt, ContainerRun, ContainerSpec

_NODE = "ip-127-0-0-1.ec2.internal"


def pod_detail(
    properties: Mapping[str, Any],
    specs: Sequence[ContainerSpec],
    attempts: Sequence[Attempt],
) -> dict[str, Any]:
    """The fields of a JobDetail that say what a pod is, and how its attempts ended."""
    node = specs[0].node
    last = attempts[-1] if attempts else None
    runs = {run.spec.name: run for run in _runs(last, node)} if last else {}
    pod = {
        **properties["podProperties"],
        **(_place(last, node) if last else {}),
        **{
            field: [
                {**_container(spec), **_outcome(runs.get(spec.name))}
                for spec in specs
                if spec.is_init is is_init
            ]
            for field, is_init in _FIELDS.items()
        },
    }
    return {
        "eksProperties": {"podProperties": pod},
        "attempts": [],
        "eksAttempts": [_attempt(one, node) for one in attempts if one.stopped_at],
        "platformCapabilities": [],
    }


def pod_range_detail(
    properties: Mapping[str, Any], specs: Sequence[ContainerSpec]
) -> dict[str, Any]:
    """EksProperties of a range of nodes, as a request changed it."""
    by_name = {spec.name: _container(spec) for spec in specs}
    pod = properties["podProperties"]
    lists = {
        field: [by_name.get(one.get("name", "Default"), one) for one in pod[field]]
        for field in _FIELDS
        if field in pod
    }
    return {"podProperties": {**pod, **lists}}


_FIELDS = {"containers": False, "initContainers": True}


def _container(spec: ContainerSpec) -> dict[str, Any]:
    """An EksContainerDetail, without how it ended."""
    return {**spec.registered, "name": spec.name}


def _attempt(attempt: Attempt, node: int) -> dict[str, Any]:
    """An EksAttemptDetail."""
    runs = _runs(attempt, node)
    lists = {
        field: [
            {"name": run.spec.name, **_outcome(run)} for run in runs if run.spec.is_init is is_init
        ]
        for field, is_init in _FIELDS.items()
    }
    return {
        **lists,
        **_place(attempt, node),
        "eksClusterArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/local",
        "podNamespace": "local",
        "startedAt": attempt.started_at,
        "stoppedAt": attempt.stopped_at,
        "statusReason": attempt.status_reason,
    }


def _runs(attempt: Attempt, node: int) -> list[ContainerRun]:
    return [run for run in attempt.containers if run.spec.node == node]


def _place(attempt: Attempt, node: int) -> dict[str, str]:
    return {"podName": f"aws-batch.{attempt.task_of(node)}", "nodeName": _NODE}


def _outcome(run: ContainerRun | None) -> dict[str, Any]:
    fields = {} if run is None else {"exitCode": run.exit_code, "reason": run.reason}
    return {name: value for name, value in fields.items() if value is not None}
