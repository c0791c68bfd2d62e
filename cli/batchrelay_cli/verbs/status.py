"""`batchrelay status`: a run and its steps, once or as they change."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from batchrelay.domain.run import StepStatus
from batchrelay.domain.values import printable
from batchrelay_cli.stack.api_client import ask, reached
from batchrelay_cli.stack.client import Wire
from batchrelay_cli.terminal import console
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import (
    STILL_RUNNING,
    echo_json,
    exit_code,
    output_option,
    stack_option,
)
from batchrelay_cli.views.run_table import Progress, coloured

POLL_S = 2.0
"""Seconds between two looks: a Lambda invocation each."""


OLD_S = 30
"""Seconds after which counts are shown with their time: AWS Batch was asked within a few."""

LINE_CHARS = 240
"""Of a line that no terminal shows."""


@click.command(epilog="Example: batchrelay status 20260131t120000abc123 --watch")
@click.argument("run", type=RUN)
@click.option("--watch", is_flag=True, help="Until it has ended.")
@stack_option
@output_option
def status(run: str, watch: bool, stack: str, output: str) -> None:
    """Show a run. Exit codes: 0 SUCCEEDED, 1 FAILED or CANCELLED, 3 still running, 4 PARTIAL."""
    screen = console()
    if not screen.is_terminal:
        screen = console(width=LINE_CHARS)  # a reason must be there to be found
    with reached(stack) as wire:
        if watch and screen.is_terminal and output != "json":
            shown = _watch(wire, run, screen)
            raise SystemExit(exit_code(shown["status"]))
        shown = _ended(wire, run) if watch else ask(wire, "GET", "runs", run)
    if output == "json":
        echo_json(shown)
    else:
        screen.print(run_table(shown, datetime.now(UTC)))
    raise SystemExit(exit_code(shown["status"]))


def _ended(wire: Wire, run: str) -> Mapping[str, Any]:
    while exit_code((shown := ask(wire, "GET", "runs", run))["status"]) == STILL_RUNNING:
        time.sleep(POLL_S)
    return shown


def _watch(wire: Wire, run: str, screen: Console) -> Mapping[str, Any]:
    with Live(console=screen, transient=False, auto_refresh=False) as live:
        while True:
            shown = ask(wire, "GET", "runs", run)
            live.update(run_table(shown, datetime.now(UTC)), refresh=True)
            if exit_code(shown["status"]) != STILL_RUNNING:
                return shown
            time.sleep(POLL_S)


def run_table(run: Mapping[str, Any], now: datetime) -> Group:
    """One line for the run, and one for each step."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "status", "children", "elapsed", ""):
        table.add_column(heading, justify="right" if heading == "elapsed" else "left")
    for step in run["steps"]:
        table.add_row(
            step["step"],
            coloured(StepStatus(step["status"])),
            _progress(step),
            _elapsed(step, now),
            printable(step["reason"] or (f"blocked: {step['blocked']}" if step["blocked"] else "")),
        )
    return Group(*map(Text, _title(run, now)), table)


def _title(run: Mapping[str, Any], now: datetime) -> Iterator[str]:
    title = f"{run['pipeline']} version {run['version']}, run {run['runId']}: {run['status']}"
    title += f" after {_seconds(run['startedAt'], run['endedAt'], now)}"
    yield printable(title + (f" ({run['stopped']})" if run["stopped"] else ""))
    if run.get("cause"):
        yield printable(f"started by {run['cause']}")
    as_of = run.get("asOf")
    if as_of and (now - datetime.fromisoformat(as_of)).total_seconds() > OLD_S:
        yield f"counts as of {as_of}: AWS Batch gave no newer ones"


def _progress(step: Mapping[str, Any]) -> str:
    return Progress(
        done=step["succeeded"],
        failed=step["failed"],
        stopped=step["stopped"],
        running=step["running"],
        total=step["children"],
        items=step["items"],
        chunk=step["chunk"] or 0,
        upstream=step["upstream"],
    ).render()


def _elapsed(step: Mapping[str, Any], now: datetime) -> str:
    if step["startedAt"] is None:
        return ""
    ended = step["since"] if StepStatus(step["status"]).is_terminal else None
    return _seconds(step["startedAt"], ended, now)


def _seconds(start: str, end: str | None, now: datetime) -> str:
    until = now if end is None else datetime.fromisoformat(end)
    return f"{max(0.0, (until - datetime.fromisoformat(start)).total_seconds()):.1f} s"
