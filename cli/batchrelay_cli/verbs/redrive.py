"""`batchrelay redrive`: a run that has ended goes on with what failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from batchrelay.domain.redrive import Again
from batchrelay.domain.values import counted
from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import (
    echo_json,
    output_option,
    params_option,
    parse_params,
    stack_option,
)


@click.command(epilog="Example: batchrelay redrive kb50389d0b38db26e794e46fa/align --memory x2")
@click.argument("place", metavar="RUN[/STEP]", type=RUN)
@click.option("--class", "classes", multiple=True, metavar="CLASS", help="Only these failures.")
@click.option("--memory", metavar="xN", help="Give what runs again N times the memory.")
@click.option("--queue", help="Send it to another job queue.")
@params_option
@click.option("--plan", is_flag=True, help="Only show what would run again.")
@stack_option
@output_option
def redrive(
    place: str,
    classes: tuple[str, ...],
    memory: str | None,
    queue: str | None,
    params: tuple[str, ...],
    plan: bool,
    stack_name: str,
    output: str,
) -> None:
    """Run again what failed in a run that has ended, and what depends on it."""
    run, _, step = place.partition("/")
    if not run or place.endswith("/"):
        raise UsageProblem(f"{place!r}: write RUN or RUN/STEP")
    for option, value in (("--memory", memory), ("--queue", queue)):
        if value == "":
            raise UsageProblem(f"{option} is empty: write its value, or leave it out")
    order: dict[str, Any] = {
        "step": step or None,
        "classes": list(classes),
        "memory": memory,
        "queue": queue,
        "params": parse_params(params),
    }
    with open_stack(stack_name) as stack:
        client = Client(stack)
        planned = client.redrive_plan(run, **order) if plan else None
        again = None if plan else client.redrive(run, **order)
    if output == "json":
        echo_json(planned or again)
    for entry in planned["steps"] if planned and output == "text" else ():
        say(_line(entry))
    if again and output == "text":
        say(f"run {run}: {again['status']}; batchrelay status {run} --watch")


def _line(entry: Mapping[str, Any]) -> str:
    what = f"{entry['step']}: {entry['again']}"
    if entry["failed"] is not None:
        stopped = f" and {entry['stopped']:,} stopped" if entry["stopped"] else ""
        total = counted(entry["total"] or 0, entry["counted"])
        what += f", {entry['failed']:,} failed{stopped} of {total}"
    elif entry["again"] == Again.FAILED_ITEMS:
        what += " of these classes: which they are is found out when it runs"
    return f"{what} ({entry['reason']})" if entry["reason"] else what
