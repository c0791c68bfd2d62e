"""`batchrelay resume`: a run that waits at its budget goes on."""

from __future__ import annotations

import click

from batchrelay_cli.client import Client
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import PAUSED_RUN
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option


@click.command(epilog="Example: batchrelay resume kb50389d0b38db26e794e46fa --budget 80")
@click.argument("run", type=PAUSED_RUN)
@click.option(
    "--budget", required=True, type=float, metavar="USD", help="Its new budget: what it may cost."
)
@stack_option
@output_option
def resume(run: str, budget: float, stack_name: str, output: str) -> None:
    """Let a PAUSED run go on, with another budget."""
    with open_stack(stack_name) as stack:
        document = Client(stack).resume(run, budget_usd=budget)
    if output == "json":
        echo_json(document)
    else:
        say(f"run {run}: {document['status']}; batchrelay status {run} --watch")
