"""`batchrelay story`: what happened in a run, in order."""

from __future__ import annotations

import click

from batchrelay_cli.stack.api_client import ask, reached
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option


@click.command(epilog="Example: batchrelay story 20260131t120000abc123")
@click.argument("run", type=RUN)
@stack_option
@output_option
def story(run: str, stack: str, output: str) -> None:
    """Tell what happened in a run, in order."""
    with reached(stack) as wire:
        told = ask(wire, "GET", "runs", run, "story")
    if output == "json":
        echo_json(told)
        return
    for moment in told["story"]:
        say(f"{moment['at']}  {moment['what']}")
