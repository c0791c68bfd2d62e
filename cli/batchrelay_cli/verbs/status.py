"""`batchrelay status`: a run and its steps, once or as they change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from batchrelay_cli.client import Client, Run
from batchrelay_cli.client.waiting import waiting_of
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import console, say
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import (
    echo_json,
    exit_code,
    output_option,
    prices_option,
    read_prices,
    stack_option,
)
from batchrelay_cli.verbs.report import collected_on_screen
from batchrelay_cli.views.cost import cost_lines, with_cost
from batchrelay_cli.views.run_table import TableDisplay, run_table
from batchrelay_cli.views.waiting import WaitingJobs, waiting_document, waiting_lines

LINE_CHARS = 240
"""Of a line that no terminal shows."""


@click.command(epilog="Example: batchrelay status kb50389d0b38db26e794e46fa --watch")
@click.argument("run", type=RUN)
@click.option("--watch", is_flag=True, help="Until it has ended.")
@click.option(
    "--cost", "has_cost", is_flag=True, help="And an estimate of its cost; asks for each child."
)
@prices_option
@stack_option
@output_option
def status(
    run: str, watch: bool, has_cost: bool, prices: Path | None, stack_name: str, output: str
) -> None:
    """Show a run. Exit codes: 0 SUCCEEDED, 1 FAILED or CANCELLED, 3 still running, 4 PARTIAL.

    --cost reads what `report` reads: AWS Batch and the stack's bucket, with the AWS settings of
    your environment.
    """
    if prices is not None and not has_cost:
        raise UsageProblem("--prices is for --cost: write both")
    price_list = read_prices(prices)
    screen = console()
    if not screen.is_terminal:
        screen = console(width=LINE_CHARS)  # a reason must be there to be found
    with open_stack(stack_name) as stack:
        client = Client(stack)
        if watch and screen.is_terminal and output != "json":
            document = _watch(client, run, screen)
        else:
            document = client.wait(run) if watch else client.status(run)
            if output != "json":
                screen.print(run_table(document, datetime.now(UTC)))
        answer: Mapping[str, Any] = document
        if waiting := _waiting(stack, document):
            answer = {**answer, "waiting": [waiting_document(one) for one in waiting]}
        if output != "json":
            _print(screen, (line for one in waiting for line in waiting_lines(one)))
        if has_cost:
            report = collected_on_screen(stack, document, price_list)
            answer = with_cost(answer, report)
            if output != "json":
                _print(screen, cost_lines(report))
    if output == "json":
        echo_json(answer)
    raise SystemExit(exit_code(document["status"]))


def _print(screen: Console, lines: Iterable[str]) -> None:
    for line in lines:
        screen.print(line)


def _waiting(stack: Stack, run: Run) -> list[WaitingJobs]:
    """Why jobs do not start; what could not be asked goes to standard error."""
    waiting = waiting_of(stack, run, datetime.now(UTC))
    for note in waiting.notes:
        say(note, err=True)
    return waiting.jobs


def _watch(client: Client, run: str, screen: Console) -> Run:
    with TableDisplay(screen) as display:
        for document in client.watch(run):
            display.show(document)
    return document
