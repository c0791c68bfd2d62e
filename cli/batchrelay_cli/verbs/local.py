"""`batchrelay local up`: a local cloud that stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import click

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.client import Stack, local_client_factory
from batchrelay_cli.stack.local_lifetime import end_with, stay
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.local_fire import fire
from batchrelay_cli.verbs.options import output_option
from batchrelay_cli.views.notice import notice_lines
from batchrelay_local.launch import CloudError, LocalCloud

NOTICE_WAIT_S = 20
"""Seconds of one question for the next notice: as long as SQS waits. Source: ReceiveMessage."""

OPEN_WARNING = (
    "OPEN: this cloud requires no signature. Any program and any web page on this machine "
    "can read it and run code as you."
)


@click.group(epilog="Example: batchrelay local up")
def local() -> None:
    """The AWS on this machine."""


local.add_command(fire)


@local.command(epilog="Example: batchrelay local up --only batch --port 4566")
@click.option(
    "--only",
    type=click.Choice(["batch"]),
    help="Without batchrelay's own stack: an AWS Batch, and an otherwise empty AWS around it.",
)
@click.option("--port", default=0, type=click.IntRange(0, 65_535), help="A free one by default.")
@click.option("--chaos", default="", metavar="seed=N[,FAULT=P]", help="Play faults of AWS.")
@click.option(
    "--assume",
    default="",
    metavar="NAME=VALUE[,…]",
    help="Choose otherwise where AWS is silent: docs/reference/local-batch.md.",
)
@click.option(
    "--services",
    default="",
    metavar="NAME[,…]",
    help="Services of MiniStack beside those that batchrelay needs, such as states,ecr.",
)
@click.option(
    "--allow-origin",
    "allowed_origins",
    multiple=True,
    metavar="ORIGIN",
    help="A web page that may send signed requests, such as http://localhost:3000.",
)
@click.option(
    "--open",
    "is_open",
    is_flag=True,
    help="Require no signature: any program and any web page may run code as you.",
)
@output_option
def up(only: str | None, services: str, is_open: bool, output: str, **cloud_options: Any) -> None:
    """Start a local cloud and keep it up until Ctrl-C. Jobs start in folders of their own.

    Every request must be signed with the access key that is printed, which every SDK does. The
    notices of runs are printed on standard error, as SNS sends them.
    """
    try:
        cloud = LocalCloud.start(
            directory=Path.cwd(),
            stack=only is None,
            services=[name for name in services.split(",") if name],
            open=is_open,
            **cloud_options,
        )
    except CloudError as error:
        raise UsageProblem(str(error)) from None
    end_with(cloud)
    if is_open:
        click.secho(OPEN_WARNING, fg="red", bold=True, err=True)
    try:
        stack = _own_stack(cloud) if cloud.outputs else None
        notices = None if stack is None else stack.subscribe()  # before a run can be started
        if output == "json":
            click.echo(json.dumps(_document(cloud)))
        else:
            for line in exports(cloud):
                click.echo(line)
        if stack is None or notices is None:
            stay()
        _print_notices(stack, notices)
    finally:
        cloud.stop()


def _own_stack(cloud: LocalCloud) -> Stack:
    return Stack(make_client=local_client_factory(cloud.environment), outputs=cloud.outputs)


def _print_notices(stack: Stack, queue_url: str) -> NoReturn:
    """Until Ctrl-C. Standard output is for `export` lines, or JSON."""
    while True:
        notice = stack.next_notice(queue_url, NOTICE_WAIT_S)
        for line in () if notice is None else notice_lines(notice):
            say(line, err=True, keep="\t")


def exports(cloud: LocalCloud) -> list[str]:
    """What any SDK and the aws CLI need to talk to a cloud, for a shell."""
    return [
        *(f"export {name}={value}" for name, value in cloud.environment.items()),
        *([f"# API: {cloud.outputs['ApiUrl']} (requests are signed)"] if cloud.outputs else []),
        "# Ctrl-C ends it",
    ]


def _document(cloud: LocalCloud) -> dict[str, Any]:
    return {
        "endpoint": cloud.endpoint,
        "environment": cloud.environment,
        "outputs": dict(cloud.outputs),
    }
