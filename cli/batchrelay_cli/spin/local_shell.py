"""A shell on this machine with the folder and the environment of a child of a local cloud.

The values of the child's variables are data: some names are left out, because a shell runs or
expands what they hold when it starts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from batchrelay.domain.job_containers import (
    containers_of_job,
    default_container,
    variables_of_container,
)
from batchrelay_cli.spin.command import job_path
from batchrelay_cli.spin.definition import chosen_name
from batchrelay_cli.spin.node import Node
from batchrelay_cli.views.child import attempts_of

_ACTED_ON = re.compile(
    r"ENV|BASH_ENV|BASH_FUNC_.*|BASHOPTS|SHELLOPTS|IFS|R?PS[0-4]|[RS]?PROMPT[0-9]?|PROMPT_COMMAND"
    r"|HOME|ZDOTDIR|FPATH|INPUTRC|HISTFILE|MAIL|MAILPATH"
)
"""Variables that sh, bash or zsh run, expand, take their start files from, or write their history
to. HOME is often /tmp, where anyone may put a .bashrc. Source: POSIX, sh; bash(1), zsh(1)."""

_PROCESSES = Path("/proc")
"""Of Linux; elsewhere the folder of a child that runs is not known."""


def container_here(job: Mapping[str, Any], wanted: str | None) -> Mapping[str, Any]:
    """The container of a JobDetail: without a name that which failed, else the first essential one.
    Raises: UsageProblem, if no container has that name."""
    containers = containers_of_job(job)
    if wanted is None:
        return default_container(job)
    name = chosen_name([str(one.get("name", "")) for one in containers], wanted, "")
    return next(one for one in containers if one.get("name") == name)


def child_variables(
    job: Mapping[str, Any],
    container: Mapping[str, Any],
    size: int,
    programs: str,
    node: Node | None = None,
) -> dict[str, str]:
    """What the child's process has, as AWS Batch gives it; of a child that never began, what it
    would have. Source: UG, job_env_vars."""
    index = job.get("arrayProperties", {}).get("index")
    array = {"AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": str(size)}
    variables = {
        **variables_of_container(container),
        "AWS_BATCH_JOB_ID": str(job["jobId"]),
        "AWS_BATCH_JOB_ATTEMPT": str(max(1, attempts_of(job)[0])),
        "AWS_BATCH_JQ_NAME": str(job["jobQueue"]).rpartition("/")[2],
        "AWS_BATCH_CE_NAME": "shell",
        **({} if index is None else array),
    }
    if node is not None:
        variables |= node.variables(str(job["jobId"]).partition("#")[0])
    return {**variables, "PATH": job_path(variables, programs)}


def without_code(variables: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Those that a shell takes for data, and the names of the others."""
    left_out = sorted(name for name in variables if _ACTED_ON.fullmatch(name))
    return {name: variables[name] for name in variables.keys() - set(left_out)}, left_out


def folder_of_process(job_id: str, container: Mapping[str, Any]) -> str | None:
    """Where the first process of a container is, if it runs and this machine says so."""
    variables = {**variables_of_container(container), "AWS_BATCH_JOB_ID": job_id}
    variables.pop("PATH", None)  # more may stand in it
    marks = {f"{name}={value}".encode() for name, value in variables.items()}
    for pid in sorted(int(entry.name) for entry in _PROCESSES.glob("[0-9]*")):
        with suppress(OSError):  # another user's, or it has ended
            environment = (_PROCESSES / str(pid) / "environ").read_bytes().split(b"\0")
            if marks.issubset(environment) and pid != os.getpid():
                return str((_PROCESSES / str(pid) / "cwd").readlink())
    return None
