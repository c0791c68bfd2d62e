"""`batchrelay history`: what happened in a run, in order."""

from __future__ import annotations

import click

from batchrelay_cli.client import Client
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option


@click.command(epilog="Example: batchrelay history kb50389d0b38db26e794e46fa")
@click.argument("run", type=RUN)
@stack_option
@output_option
def history(run: str, stack_name: str, output: str) -> None:
    """Show what happened in a run, in order."""
    with open_stack(stack_name) as stack:
        document = Client(stack).history(run)
    if output == "json":
        echo_json(document)
        return
    for moment in document["history"]:
        say(f"{moment['at']}  {moment['what']}")
