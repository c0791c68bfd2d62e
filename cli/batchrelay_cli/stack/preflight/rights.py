"""Whether the caller may make the calls that a registration will make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.pipeline import S3Trigger, ScheduleTrigger
from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.stack.preflight.roles import TASKS, roles_of

LEADING_KEYS = "dynamodb:LeadingKeys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Actions on one resource."""

    actions: tuple[str, ...]
    resource: str
    keys: tuple[tuple[str, str], ...] = ()
    """Condition keys and their values."""


def rights_needed(
    file: PipelineFile,
    definitions: Sequence[Mapping[str, Any]],
    outputs: Mapping[str, str],
    prefix: str,
) -> Iterator[Right]:
    """Of the calls that change something. What reads was called before, and answered.

    Args:
        prefix: of the names of the pipeline's rules and schedules.
    """
    _, partition, _, region, account, _ = outputs["TriggerQueueArn"].split(":", 5)

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    pipeline = file.pipeline.name
    yield Right(
        actions=("dynamodb:PutItem",),
        resource=arn("dynamodb", f"table/{outputs['TableName']}"),
        keys=((LEADING_KEYS, f"PIPELINE#{pipeline}"),),
    )
    for definition in definitions:
        name = arn("batch", f"job-definition/{definition['jobDefinitionName']}")
        yield Right(actions=("batch:RegisterJobDefinition", "batch:TagResource"), resource=name)
    roles = {role for entry in definitions for _, role in roles_of(entry)}
    for role in sorted(roles):
        own = role if role.startswith("arn:") else f"arn:{partition}:iam::{account}:role/{role}"
        yield _passed(own, TASKS)
    kinds = {type(trigger) for trigger in file.pipeline.triggers}
    if S3Trigger in kinds:
        rule = arn("events", f"rule/{prefix}0")
        yield Right(actions=("events:PutRule", "events:PutTargets"), resource=rule)
    if ScheduleTrigger in kinds:
        schedule = arn("scheduler", f"schedule/default/{prefix}0")
        yield Right(actions=("scheduler:CreateSchedule",), resource=schedule)
        yield _passed(outputs["SchedulerRoleArn"], "scheduler.amazonaws.com")


def _passed(role: str, service: str) -> Right:
    keys = (("iam:PassedToService", service),)
    return Right(actions=("iam:PassRole",), resource=role, keys=keys)


def role_of_session(caller: str) -> str | None:
    """The name of the role of an assumed one. Source: IAM User Guide, reference_identifiers."""
    resource = caller.rpartition(":")[2]
    kind, _, rest = resource.partition("/")
    return rest.partition("/")[0] if kind == "assumed-role" else None


def is_root(caller: str) -> bool:
    """Who may do everything."""
    return caller.endswith(":root")


def refused_actions(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those that IAM would deny; not those that depend on what it was not asked with."""
    return [
        str(result["EvalActionName"])
        for result in results
        if result["EvalDecision"] != "allowed" and not result.get("MissingContextValues")
    ]


def right_problem(right: Right, actions: Sequence[str]) -> str:
    """A warning: IAM's simulation sees neither a session's policy nor all of an organisation's."""
    listed = ", ".join(actions)
    return (
        f"by IAM's simulation you may not {listed} on {right.resource}: ask for the policy of "
        "docs/how-to/deploy-the-stack.md, Register pipelines"
    )
