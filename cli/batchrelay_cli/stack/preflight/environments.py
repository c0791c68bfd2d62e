"""Whether a job queue and its compute environments run jobs at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_AT_WORK = ("VALID", "UPDATING")
"""Statuses in which jobs are placed. Source: ComputeEnvironmentDetail, JobQueueDetail, status."""


def place_problem(what: str, reference: str, region: str, account: str) -> str | None:
    """Why a job of the stack has no use of what another Region or account has. Source: SubmitJob,
    jobQueue, jobDefinition; a name has none."""
    parts = reference.split(":")
    if parts[0] != "arn" or parts[3:5] == [region, account]:
        return None
    return (
        f"{what} {reference} is not of {region} and account {account}, where the stack is: name "
        "one that is there"
    )


def is_usable(environment: Mapping[str, Any]) -> bool:
    """Whether jobs begin there."""
    return environment.get("state") == "ENABLED" and environment.get("status") in _AT_WORK


def queue_problem(queue: Mapping[str, Any]) -> str | None:
    """Why a queue that is ENABLED places no job."""
    if queue.get("status") in _AT_WORK:
        return None
    return (
        f"job queue {queue['jobQueueName']} is {_status(queue)}: {_remedy(queue)}, or name "
        "another one"
    )


def environments_problem(queue: str, environments: Sequence[Mapping[str, Any]]) -> str | None:
    """Why no job of a queue would begin."""
    if not environments or any(map(is_usable, environments)):
        return None
    each = "; ".join(unusable(environment) for environment in environments)
    return f"no job of job queue {queue} would begin: {each}"


def unusable(environment: Mapping[str, Any]) -> str:
    """What is wrong with a compute environment, and what helps."""
    name = f"compute environment {environment.get('computeEnvironmentName')}"
    if environment.get("status") in _AT_WORK:
        return f"{name} is {environment.get('state')}: enable it"
    return f"{name} is {_status(environment)}: {_remedy(environment)}"


def _status(described: Mapping[str, Any]) -> str:
    reason = described.get("statusReason")
    return f"{described.get('status')}{f' ({reason})' if reason else ''}"


def _remedy(described: Mapping[str, Any]) -> str:
    match described.get("status"):
        case "CREATING":
            return "wait until it is VALID"
        case "INVALID":
            return "repair what AWS names there"
        case _:
            return "it goes away"
