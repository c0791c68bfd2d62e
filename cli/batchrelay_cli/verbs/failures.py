"""`batchrelay failures`: why items of a run failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import console
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option
from batchrelay_cli.verbs.status import LINE_CHARS
from batchrelay_cli.views.failure_table import StepFailures
from batchrelay_cli.views.item import item_text

NO_ITEM = "no item of it failed"


@click.command(epilog="Example: batchrelay failures kb50389d0b38db26e794e46fa/align")
@click.argument("place", type=RUN, metavar="RUN[/STEP]")
@stack_option
@output_option
def failures(place: str, stack_name: str, output: str) -> None:
    """Show why items of a run failed, by cause, with the end of one log each.

    Exit codes: 0 shown, or nothing failed, 2 no such run or step.
    """
    run_id, slash, step = place.partition("/")
    if not run_id or (slash and not step) or "/" in step or ":" in place:
        raise UsageProblem(f"{place!r}: write RUN or RUN/STEP")
    with open_stack(stack_name) as stack:
        client = Client(stack)
        whole = None if step else client.failures(run_id)
        steps = [client.step_failures(run_id, step)] if whole is None else whole["steps"]
        if output == "json":
            echo_json(whole or steps[0])
            return
        run = client.status(run_id)
        shown = [_step(stack, run, entry) for entry in steps]
    screen = console()
    if not screen.is_terminal:
        screen = console(width=LINE_CHARS)
    shown = [entry for entry in shown if entry.has_failures]
    if not shown:
        screen.print(_nothing(run, step))
    for entry in shown:
        entry.show(screen)


def _step(stack: Stack, run: Mapping[str, Any], document: Mapping[str, Any]) -> StepFailures:
    [step] = [step for step in run["steps"] if step["step"] == document["step"]]
    samples = [cause["sample"] for cause in document["causes"] if cause["sample"] is not None]
    numbers = {sample["number"] for sample in samples} - {None}
    items = {number: item_text(stack, step, number) for number in numbers}
    return StepFailures(run_id=run["runId"], step=step, failures=document, items=items)


def _nothing(run: Mapping[str, Any], step: str) -> str:
    """That nothing failed, and why a run or a step may have ended so all the same."""
    if not step:
        why = f" ({run['stopped']})" if run["stopped"] else ""
        return f"run {run['runId']} is {run['status']}{why}: {NO_ITEM}"
    [one] = [one for one in run["steps"] if one["step"] == step]
    why = f" ({one['reason']})" if one["reason"] else ""
    return f"step {step} of run {run['runId']} is {one['status']}{why}: {NO_ITEM}"
