"""What runs on this machine for one item: a process, or a container, with the job's environment."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.spin.definition import ENTRYPOINT_TAG, Container

WORKER = "batchrelay-worker"

ENGINES = ("docker", "podman")

CONTAINER_NAME = "batchrelay-spin"

_FOR_AWS = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
)  # fmt: skip
"""Variables of the caller that a container needs to reach AWS."""

_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program, its own variables, and where it starts."""

    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(repr=False)
    """Of the job; the caller's own environment is under them."""
    directory: str | None
    """None for an empty folder that is removed at the end."""
    container: str = ""
    """The name of its container; empty for a process."""

    @property
    def environment(self) -> dict[str, str]:
        """All of it."""
        return user_environment() | dict(self.variables)

    @property
    def words_text(self) -> str:
        """The command alone, as a line of a shell."""
        return " ".join(map(shell_word, self.argv))

    @property
    def shell_text(self) -> str:
        """What does the same when it is pasted into a shell with the caller's environment."""
        folder = '"$(mktemp -d)"' if self.directory is None else shell_word(self.directory)
        words = [f"{name}={value}" for name, value in self.variables.items()]
        line = " ".join(map(shell_word, ("env", *words, *self.argv)))
        return f"(cd {folder} && exec {line})"


def user_environment() -> dict[str, str]:
    """The caller's environment, without variables that would be taken for those of a job."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BATCHRELAY_", "AWS_BATCH_"))
    }


def shell_word(text: str) -> str:
    """A word for bash, zsh or ksh, on one line, which cannot act on the terminal."""
    if text.isprintable():
        return shlex.quote(text)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + "".join(map(_shell_character, escaped)) + "'"


def _shell_character(char: str) -> str:
    """Every byte of what is not printable, as its escape."""
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode(errors="surrogateescape"))


def job_variables(item: Mapping[str, Any], container: Container) -> dict[str, str]:
    """The variables of the item's job, AWS Batch's own among them. Source: UG, job_env_vars."""
    job_id = item["jobId"] or "spin"
    queue = str(item["request"]["jobQueue"]).rpartition("job-queue/")[2]
    own = {
        "AWS_BATCH_JOB_ID": job_id,
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": queue,
        "AWS_BATCH_CE_NAME": "spin",
    }
    if item["index"] is not None:
        own |= {
            "AWS_BATCH_JOB_ID": f"{job_id}:{item['index']}",
            "AWS_BATCH_JOB_ARRAY_INDEX": str(item["index"]),
            "AWS_BATCH_JOB_ARRAY_SIZE": str(item["size"]),
        }
    if container.node is not None:
        own |= container.node.variables(job_id)
    return {**container.environment, **own}


def process_command(
    container: Container,
    variables: Mapping[str, str],
    *,
    entrypoint: tuple[str, ...] | None,
    directory: str | None,
) -> Command:
    """The job as a process, as the local cloud runs it. Raises: UsageProblem."""
    before = container.entrypoint if entrypoint is None else entrypoint
    argv = (*before, *container.command)
    if not argv:
        raise UsageProblem(
            f"job definition {container.definition} has no command: its image has. Write it as "
            f"--entrypoint COMMAND or as the tag {ENTRYPOINT_TAG}, or use --docker"
        )
    where = directory or folder_here(container.directory)
    path = job_path(variables, container.programs)
    command = Command(argv=argv, variables={**variables, "PATH": path}, directory=where)
    if not _is_program(argv[0], path, where):
        raise UsageProblem(
            f"{argv[0]} is not on this machine: install it, choose the folder that has it with "
            f"--dir, write what stands before the command with --entrypoint or as the tag "
            f"{ENTRYPOINT_TAG} of the job definition, or use --docker"
        )
    return command


def folder_here(folder: str) -> str | None:
    """The folder of a job definition, if this machine has it."""
    return folder if folder and Path(folder).is_dir() else None


def job_path(variables: Mapping[str, str], programs: str) -> str:
    """PATH of a job's process: with the programs of its definition before it, and the worker
    behind."""
    path = variables.get("PATH") or user_environment().get("PATH", os.defpath)
    if programs and Path(programs).is_dir():
        path = os.pathsep.join((programs, path))
    own = Path(sys.executable).parent
    has_own = shutil.which(WORKER, path=path) is None and (own / WORKER).exists()
    return os.pathsep.join((path, str(own))) if has_own else path


def _is_program(name: str, path: str, directory: str | None) -> bool:
    if "/" not in name:
        return shutil.which(name, path=path) is not None
    return shutil.which(str(Path(directory or "/", name))) is not None


def container_command(container: Container, variables: Mapping[str, str]) -> Command:
    """The job as a container of its image. Values are handed over by name: no list of processes
    shows them. Raises: UsageProblem."""
    user = user_environment()
    engine = next(filter(None, map(shutil.which, ENGINES)), None)
    if engine is None:
        raise UsageProblem("neither docker nor podman is on this machine: install one of them")
    passed_on = {name: user[name] for name in _FOR_AWS if name in user}
    names = sorted({*variables, *passed_on})
    name = f"{CONTAINER_NAME}-{os.getpid()}"
    is_here = any(host in user.get("AWS_ENDPOINT_URL", "") for host in _LOOPBACK)
    options = [
        "--rm", "--init", "--name", name,
        *(("--network", "host") if is_here else ()),
        *(("--memory", f"{container.memory_mib}m") if container.memory_mib else ()),
    ]  # fmt: skip
    for variable in names:
        options += ["--env", variable]
    words = container.command
    if container.has_own_entrypoint:
        options += ["--entrypoint", container.entrypoint[0]]
        words = (*container.entrypoint[1:], *words)
    argv = (engine, "run", *options, container.image, *words)
    return Command(argv=argv, variables=variables, directory="/", container=name)
