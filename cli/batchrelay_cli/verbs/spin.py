"""`batchrelay spin`: one item of a run again, on this machine."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from botocore.exceptions import ClientError

from batchrelay.domain.job_containers import failed_container
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import counted
from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.definition_containers import kind_of
from batchrelay_cli.pipeline_file.merged_containers import number_of_nodes
from batchrelay_cli.spin.command import (
    Command,
    container_command,
    job_variables,
    process_command,
)
from batchrelay_cli.spin.container_end import LINES, NOT_FOUND, problem_of
from batchrelay_cli.spin.definition import Container, container_of, definition_of, words_of
from batchrelay_cli.spin.node import chosen_node, no_nodes
from batchrelay_cli.spin.process import Ended, run_command
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import cut_line, say
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import stack_option
from batchrelay_cli.views.child import summary_of
from batchrelay_cli.views.item import item_at
from batchrelay_cli.views.item_rounds import items_of_child, latest_child, round_of

MIB = 1_024 * 1_024

_MISSING_HERE = (
    "127 often means a program that is not on this machine: --dir chooses the folder that has it, "
    "--docker its image"
)
_MISSING_IN_IMAGE = "127 often means a program that is not in the image"


@click.command(epilog="Example: batchrelay spin kb50389d0b38db26e794e46fa/align:4711")
@click.argument("place", type=RUN, metavar="RUN/STEP[:ITEM]")
@click.option(
    "--dir",
    "directory",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    metavar="DIR",
    help="Start in this folder; else in that of the job definition, or in an empty one.",
)
@click.option("--entrypoint", metavar="COMMAND", help="Put this before the command.")
@click.option("--container", metavar="NAME", help="Of several; else the one that failed.")
@click.option(
    "--node",
    type=click.IntRange(0),
    metavar="INDEX",
    help="Of a multi-node job; else the one that failed, or the main node.",
)
@click.option("--docker", is_flag=True, help="Run the image in a container.")
@click.option("--print", "is_printed", is_flag=True, help="Only print the shell command.")
@stack_option
def spin(
    place: str,
    directory: str | None,
    entrypoint: str | None,
    container: str | None,
    node: int | None,
    docker: bool,
    is_printed: bool,
    stack_name: str,
) -> None:
    """Run one item again on this machine, with its input and environment; the run stays as it is.

    Its log is the output; all else goes to standard error. Exit code: that of the program; 2 if it
    was not started.
    """
    if docker and (directory is not None or entrypoint is not None):
        raise UsageProblem("--dir and --entrypoint are for a process: an image has both")
    run, step, number = _place(place)
    with open_stack(stack_name) as stack:
        item = Client(stack).item(run, step, int(number or 0))
        whole = Client(stack).step(run, step)
        if not number and max(whole["items"] or 0, whole["children"] or 0) > 1:
            raise UsageProblem(f"step {step} has several items: write {run}/{step}:ITEM")
        text = _item_text(stack, item)
        child = Child.of(stack, whole, item)
        one = _container(stack, item["request"], child, container, node)
        jobs = list(_job_lines(stack, whole, item, child, one))
    variables = job_variables(item, one)
    one = one.expanded(variables)
    command = _command(one, variables, directory, entrypoint, is_container=docker)
    for line in _beginning(item, text, jobs, whole["output"], one, command):
        say(line, err=True)
    if is_printed:
        say(command.shell_text)
        return
    raise SystemExit(_run(command, one))


@dataclass(frozen=True, kw_only=True)
class Child:
    """The jobs that had an item, where AWS Batch says so."""

    first: str | None
    """In the first round; an array, of a step with a work queue."""
    later: str | None
    """In the last round in which it ran again."""

    @classmethod
    def of(cls, stack: Stack, step: Mapping[str, Any], item: Mapping[str, Any]) -> Child:
        """By the step's document, and the item's."""
        job_id, index = item["jobId"], item["index"]
        first = job_id if job_id is None or index is None else f"{job_id}:{index}"
        later = None if job_id is None else latest_child(stack, step, item["number"])
        return cls(first=first, later=later)


def _container(
    stack: Stack, request: Mapping[str, Any], child: Child, wanted: str | None, node: int | None
) -> Container:
    """The one of a job's that runs here. Raises: UsageProblem, ClientError."""
    definition = definition_of(stack.batch, str(request["jobDefinition"]))
    chosen, job_id = None, child.later or child.first
    if kind_of(definition) == "nodeProperties":
        count = number_of_nodes(request, definition)
        main = int(definition["nodeProperties"].get("mainNode", 0))
        chosen = chosen_node(stack, job_id, count=count, main=main, wanted=node)
        job_id = job_id and chosen.id(job_id)
    else:
        no_nodes(node)
    is_asked = wanted is None and kind_of(definition) != "containerProperties"
    jobs = stack.describe([job_id]) if job_id and is_asked else []
    failed = str(failed_container(jobs[0]).get("name", "")) if jobs else ""
    return container_of(definition, request, node=chosen, wanted=wanted, failed=failed)


def _command(
    container: Container,
    variables: Mapping[str, str],
    directory: str | None,
    entrypoint: str | None,
    *,
    is_container: bool,
) -> Command:
    if is_container:
        return container_command(container, variables)
    before = None if entrypoint is None else words_of(entrypoint, "--entrypoint")
    return process_command(container, variables, entrypoint=before, directory=directory)


def _place(place: str) -> tuple[str, str, str]:
    """Run, step, and the item's number or nothing. Raises: UsageProblem."""
    match = re.fullmatch(r"([^/:]+)/([^/:]+)(?::([0-9]{1,10}))?", place, re.ASCII)
    if match is None:
        raise UsageProblem(f"{place!r}: write RUN/STEP:ITEM, or RUN/STEP for a step of one job")
    return match[1], match[2], match[3] or ""


def _item_text(stack: Stack, item: Mapping[str, Any]) -> str:
    """The item, as far as it is shown; nothing of a step without items. Raises: UsageProblem."""
    if item["manifest"] is None:
        return ""
    try:
        text = item_at(stack, item["manifest"], item["row"], item["entry"])
    except ClientError as error:
        code = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code == 404:
            raise UsageProblem(
                f"the items of step {item['step']} are no longer in S3 ({item['manifest']}): they "
                "expire after the stack's RunTtlDays, or were deleted. Start a new run"
            ) from None
        raise UsageProblem(f"{item['manifest']} cannot be read with your rights: {error}") from None
    if text is None:
        raise UsageProblem(f"step {item['step']} has no item {item['number']}")
    return text


def _job_lines(
    stack: Stack,
    step: Mapping[str, Any],
    item: Mapping[str, Any],
    child: Child,
    container: Container,
) -> Iterator[str]:
    """What had the item in the first round, and what had it last; of what is not known, nothing."""
    if step["chunk"] is None:
        yield from _worker_lines(stack, step)
    if child.first is None:
        return
    items = items_of_child(step, item)
    beside = f" ({items})" if items else ""
    first = child.first if container.node is None else container.node.id(child.first)
    yield f"job {first} of round {item['round']}{beside}: {_state_text(stack, first)}"
    if child.later is not None:
        round_number = round_of(step, child.later)
        state = _state_text(stack, child.later)
        yield f"it ran again: job {child.later} of round {round_number}: {state}"


def _worker_lines(stack: Stack, step: Mapping[str, Any]) -> Iterator[str]:
    """Of a step with a work queue: whichever worker was free received the item, and its later
    rounds have the items only that were left."""
    for job in step["jobs"]:
        if job["jobId"] is not None:
            workers = counted(job["children"], "workers")
            which = f"one of its {workers}" if job["children"] > 1 else "its worker"
            had = "received it" if job["round"] == step["jobs"][0]["round"] else "may have had it"
            place = f"job {job['jobId']} of round {job['round']} ({which} {had})"
            yield f"{place}: {_state_text(stack, job['jobId'])}"


def _state_text(stack: Stack, job_id: str) -> str:
    """`attempt 1 of 1, FAILED, exit code 1`; of an array, which has no attempts, its status."""
    jobs = stack.describe([job_id])
    if not jobs:
        return "AWS Batch no longer knows it"
    is_array = bool(jobs[0].get("arrayProperties", {}).get("size"))
    return str(jobs[0]["status"]) if is_array else summary_of(jobs[0])


def _beginning(
    item: Mapping[str, Any],
    text: str,
    jobs: Sequence[str],
    output: str | None,
    container: Container,
    command: Command,
) -> Iterator[str]:
    """What runs, with what, and what it may change."""
    yield f"item {item['number']} of step {item['step']} of run {item['runId']}: {text}".rstrip(
        ": "
    )
    for line in jobs:
        yield f"  {line}"
    if item["status"] == StepStatus.SUCCEEDED:
        yield f"  note: step {item['step']} has SUCCEEDED, so this item did not fail for good"
    if container.node is not None:
        yield f"  node: {container.node.index} of {container.node.count}"
    if container.name:
        yield f"  container: {container.name}"
    yield f"  command: {command.words_text}"
    yield f"  in: {command.directory or 'an empty folder, which is removed at the end'}"
    for name in ("BATCHRELAY_MANIFEST", "AWS_BATCH_JOB_ARRAY_INDEX", "BATCHRELAY_OFFSET"):
        if name in command.variables:
            yield f"  {name}={command.variables[name]}"
    where = f"below {output}" if output else "where its job writes"
    yield f"  it writes its own output {where}, as its job does, and may overwrite what is there"
    if container.missing:
        yield f"  not here: {'; '.join(container.missing)}"
    if container.secrets:
        names = ", ".join(container.secrets)
        yield f"  left out, because only AWS Batch reads its value: {names} (set it yourself)"


def _run(command: Command, container: Container) -> int:
    """Run it; its exit code. Raises: UsageProblem: it was not started."""
    last_lines: deque[str] = deque(maxlen=LINES)

    def write(line: str) -> None:
        click.echo(cut_line(line))
        last_lines.append(line)

    try:
        ended = run_command(command, write)
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{command.argv[0]}: {error}") from None
    if command.container and (
        problem := problem_of(command.argv[0], ended.exit_code, list(last_lines))
    ):
        raise UsageProblem(problem)
    say(_end(ended, container), err=True)
    if ended.exit_code == NOT_FOUND:
        say(_MISSING_IN_IMAGE if command.container else _MISSING_HERE, err=True)
    return ended.exit_code


def _end(ended: Ended, container: Container) -> str:
    of = f" of {container.memory_mib:,} MiB" if container.memory_mib else ""
    memory = f"peak memory {ended.memory_bytes / MIB:,.0f} MiB{of}"
    return f"exit code {ended.exit_code}, {ended.seconds:.1f} s, {memory}"
