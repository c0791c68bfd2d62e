"""`batchrelay shell`: a shell where a child runs."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.spin.command import Command, folder_here
from batchrelay_cli.spin.definition import (
    DIRECTORY_TAG,
    PROGRAMS_TAG,
    definition_of,
    words_of,
)
from batchrelay_cli.spin.local_shell import (
    child_variables,
    container_here,
    folder_of_process,
    without_code,
)
from batchrelay_cli.spin.node import Node, node_of_job
from batchrelay_cli.spin.task_shell import (
    check_programs,
    cluster_of,
    container_name,
    described_task,
    execute_command,
    task_of,
)
from batchrelay_cli.stack.access import is_local, open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import stack_option
from batchrelay_cli.views.child import summary_of
from batchrelay_cli.views.child_log import child_job


@click.command(epilog="Example: batchrelay shell kb50389d0b38db26e794e46fa/align:17")
@click.argument("child", type=RUN, metavar="RUN/STEP[:INDEX]")
@click.option("--round", "round_number", type=click.IntRange(0), help="Of this round.")
@click.option(
    "--container",
    metavar="NAME",
    help="Of several; else the one that failed, or the first essential one.",
)
@click.option(
    "--node",
    type=click.IntRange(0),
    metavar="INDEX",
    help="Of a multi-node job; else the one that failed, or the main node.",
)
@click.option("--command", default="/bin/sh", show_default=True, help="The shell, or a command.")
@click.option("--print", "is_printed", is_flag=True, help="Only print what opens it.")
@stack_option
def shell(
    child: str,
    round_number: int | None,
    container: str | None,
    node: int | None,
    command: str,
    is_printed: bool,
    stack_name: str,
) -> None:
    """Open a shell in the container of a child that runs, by ECS Exec; on a local cloud, in the
    folder and with the environment of a child, also of one that has ended.

    Exit code: that of the shell; 2 if there was none.
    """
    match = re.fullmatch(r"([^/:]+)/([^/:]+)(?::([0-9]{1,9}))?", child, re.ASCII)
    if match is None:
        raise UsageProblem(f"{child!r}: write RUN/STEP:INDEX, or RUN/STEP for a step of one job")
    if not command.strip():
        raise UsageProblem("--command is empty: leave it out for /bin/sh")
    run, step, number = match[1], match[2], match[3]
    with open_stack(stack_name) as stack:
        client = Client(stack)
        one = client.step(run, step)
        if number is None and (one["children"] or 0) > 1:
            raise UsageProblem(f"step {step} has several children: write {run}/{step}:INDEX")
        where = child_job(stack, client.status(run), one, int(number or 0), round_number)
        chosen, job = node_of_job(stack, where.job, node)
        place = where.place.text + (f" node {chosen.index}" if chosen else "")
        say(f"{run}/{place}: {summary_of(job)}", err=True)
        if is_local(stack):
            words = words_of(command, "--command")
            started = _here(stack, one, job, chosen, container, words)
        else:
            started = _in_task(stack, job, container, command)
    if is_printed:
        say(started.shell_text if started.variables else started.words_text)
        return
    if not started.variables:
        check_programs(started.argv)
    raise SystemExit(_run(started))


def _in_task(stack: Stack, job: Mapping[str, Any], container: str | None, command: str) -> Command:
    """What opens it in AWS. Raises: UsageProblem, ClientError."""
    task_arn = task_of(job, container)
    cluster = cluster_of(task_arn, job)
    task = described_task(stack.make_client("ecs"), cluster, task_arn, job)
    words = execute_command(task_arn, cluster, container_name(task, job, container), command)
    return Command(argv=words, variables={}, directory=".")


def _here(
    stack: Stack,
    step: Mapping[str, Any],
    job: Mapping[str, Any],
    node: Node | None,
    container: str | None,
    words: tuple[str, ...],
) -> Command:
    """What opens it on this machine. Raises: UsageProblem."""
    tags = definition_of(stack.batch, str(job["jobDefinition"])).get("tags", {})
    parent_id = re.split("[:#]", str(job["jobId"]))[0]
    size = next(int(part["children"]) for part in step["jobs"] if part["jobId"] == parent_id)
    chosen = container_here(job, container)
    given = child_variables(job, chosen, size, tags.get(PROGRAMS_TAG, ""), node)
    variables, left_out = without_code(given)
    at_work = folder_of_process(str(job["jobId"]), chosen)
    folder = folder_here(at_work or tags.get(DIRECTORY_TAG, ""))
    if chosen.get("name"):
        say(f"container: {chosen['name']}", err=True)
    say(f"in: {folder or 'an empty folder, which is removed at the end'}", err=True)
    secrets = [entry["name"] for entry in chosen.get("secrets", ())]
    for names, why in (
        (left_out, "a shell would act on its value"),
        (secrets, "only AWS Batch reads its value"),
    ):
        if names:
            say(f"left out, because {why}: {', '.join(names)}", err=True)
    return Command(argv=words, variables=variables, directory=folder)


def _run(command: Command) -> int:
    """Its exit code, 128 + n after signal n. Raises: UsageProblem: it was not started."""
    numbers = (signal.SIGINT, signal.SIGQUIT)  # the terminal sends them to the shell, too
    before = [signal.signal(number, lambda *_: None) for number in numbers]
    try:
        with _folder(command.directory) as folder:
            code = subprocess.call(command.argv, cwd=folder, env=command.environment)
    except OSError as error:
        raise UsageProblem(f"{command.words_text}: {error.strerror}") from None
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _folder(folder: str | None) -> AbstractContextManager[str]:
    if folder is not None:
        return nullcontext(folder)
    return tempfile.TemporaryDirectory(prefix="batchrelay-shell-", ignore_cleanup_errors=True)
