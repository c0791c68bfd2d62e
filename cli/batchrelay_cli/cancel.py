"""`batchrelay cancel`: stops every job that a run started."""

from __future__ import annotations

import click

from batchrelay_cli.completion import RunId
from batchrelay_cli.options import echo_json, output_option, stack_option
from batchrelay_cli.remote import ask, reached


@click.command(epilog='Example: batchrelay cancel 20260131t120000abc123 --reason "wrong input"')
@click.argument("run", type=RunId())
@click.option("--reason", default="", help="Kept in the run, in its notice and in its jobs.")
@stack_option
@output_option
def cancel(run: str, reason: str, stack: str, output: str) -> None:
    """Stop a run and every job that it started. Nothing to one that has ended."""
    with reached(stack) as wire:
        shown = ask(wire, "POST", "runs", run, "cancel", body={"reason": reason})
    if output == "json":
        echo_json(shown)
        return
    click.echo(f"run {run}: {shown['status']}")
    if shown["status"] == "CANCELLING":
        click.echo(f"it is CANCELLED when its jobs have ended: batchrelay status {run} --watch")
