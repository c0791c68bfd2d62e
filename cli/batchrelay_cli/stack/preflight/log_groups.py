"""Whether a log group that a job definition names is there: without it no container starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay.domain.job_containers import LOG_GROUP
from batchrelay_cli.pipeline_file.document import Place
from batchrelay_cli.stack.preflight.uses import members_of


def log_groups_of(definition: Mapping[str, Any], region: str) -> Iterator[tuple[Place, str]]:
    """Those in a Region that no one makes, with their path.

    AWS Batch makes its own, and a container that has `awslogs-create-group` its own.
    Source: Batch User Guide, using_awslogs.
    """
    for path, configuration in members_of(definition, "logConfiguration"):
        is_awslogs = isinstance(configuration, Mapping) and (
            configuration.get("logDriver") == "awslogs"
        )
        options = (configuration.get("options") or {}) if is_awslogs else {}
        group = options.get("awslogs-group", LOG_GROUP)
        is_made = str(options.get("awslogs-create-group", "")).lower() == "true"
        if group != LOG_GROUP and not is_made and options.get("awslogs-region", region) == region:
            yield (*path, "options", "awslogs-group"), str(group)


def log_group_problem(group: str, names: frozenset[str]) -> str | None:
    """What is wrong with a group, of those whose names begin with its own."""
    if group in names:
        return None
    return (
        f"there is no log group {group}, so no container would start: create it (aws logs "
        f"create-log-group --log-group-name {group}), or leave logConfiguration out"
    )
