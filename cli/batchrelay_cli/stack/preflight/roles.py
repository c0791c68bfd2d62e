"""Whether the roles of a job definition are there, and may be assumed by its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay_cli.pipeline_file.document import Place
from batchrelay_cli.stack.preflight.uses import members_of

TASKS = "ecs-tasks.amazonaws.com"
"""Who assumes both roles. Source: Batch User Guide, execution-IAM-role."""

_ROLES = ("executionRoleArn", "jobRoleArn", "taskRoleArn")


def roles_of(definition: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Names or ARNs of them, with their path."""
    for path, value in members_of(definition, *_ROLES):
        if isinstance(value, str) and value:
            yield path, value


def name_and_account(role: str) -> tuple[str, str | None]:
    """A role's name, and the account that its ARN names."""
    if not role.startswith("arn:"):
        return role.rpartition("/")[2], None
    parts = role.split(":", 5)
    return role.rpartition("/")[2], parts[4] if len(parts) > 4 else ""


def role_problem(what: str, role: str, policy: Mapping[str, Any] | None) -> str | None:
    """Why no task can have it.

    Args:
        what: as the definition calls it.
        policy: the role's trust policy; None if there is no such role.
    """
    if policy is None:
        return f"{what}: there is no role {role} in this account: create it, or name another one"
    if _trusts(policy):
        return None
    statement = (
        f'{{"Effect": "Allow", "Principal": {{"Service": "{TASKS}"}}, "Action": "sts:AssumeRole"}}'
    )
    return f"{what}: {TASKS} may not assume role {role}: add {statement} to its trust policy"


def _trusts(policy: Mapping[str, Any]) -> bool:
    return any(
        statement.get("Effect") == "Allow"
        and _names(statement.get("Action"), ("sts:AssumeRole", "sts:*", "*"))
        and _is_for_tasks(statement.get("Principal"))
        for statement in _each(policy.get("Statement"))
    )


def _is_for_tasks(principal: Any) -> bool:
    services = principal.get("Service") if isinstance(principal, Mapping) else principal
    return _names(services, (TASKS, "*"))


def _names(value: Any, wanted: tuple[str, ...]) -> bool:
    return any(entry in wanted for entry in _each(value))


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
