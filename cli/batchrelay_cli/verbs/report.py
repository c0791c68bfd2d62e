"""`batchrelay report`: a run as one HTML file, as a document for programs, as a trace."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from batchrelay.domain.values import counted
from batchrelay.prices import Prices
from batchrelay.report.page import page
from batchrelay.report.trace import trace
from batchrelay_cli.client import Client
from batchrelay_cli.client.report import collected
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import console, say
from batchrelay_cli.verbs.completion import RUN
from batchrelay_cli.verbs.options import prices_option, read_prices, stack_option
from batchrelay_cli.verbs.report_watch import watch_report
from batchrelay_cli.views.run_table import RunDocument

STDOUT = "-"
KB = 1_000


@click.command(epilog="Example: batchrelay report kb50389d0b38db26e794e46fa")
@click.argument("run", type=RUN)
@click.argument("other", type=RUN, required=False)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Where to write; - is standard output. By default RUN.html in this folder.",
)
@click.option("--json", "is_json", is_flag=True, help="The document, for programs: RUN.json.")
@click.option("--trace", "is_trace", is_flag=True, help="For ui.perfetto.dev: RUN.trace.json.")
@click.option("--watch", "is_watch", is_flag=True, help="Serve it here while the run goes on.")
@prices_option
@stack_option
def report(run: str, other: str | None, out: Path | None, **options: Any) -> None:
    """Write what is known of a run into one HTML file; with OTHER, beside another run.

    It reads AWS Batch and the stack's bucket with the AWS settings of your environment.
    """
    form = _form(options)
    if other is not None and form in ("json", "trace"):
        raise UsageProblem(f"--{form} is of one run: leave {other} out")
    if out is not None and form == "watch":
        raise UsageProblem("--watch writes no file: leave --out out")
    prices = read_prices(options["prices"])
    with open_stack(options["stack_name"]) as stack:
        before = None if other is None else _collected(stack, other, prices)
        if form == "watch":
            watch_report(lambda: _collected(stack, run, prices), before)
            return
        document = _collected(stack, run, prices)
    path = out or Path(f"{document['run']['id']}.{_ENDINGS[form]}")
    text = _text(form, document, before)
    if str(path) == STDOUT:
        sys.stdout.buffer.write(text.encode())  # whose texts are escaped already
    else:
        write_report(path, text)
        say(f"wrote {path} ({len(text.encode()) / KB:,.0f} KB): {_OPENED_BY[form]}")
    for step in document["steps"]:
        for note in step["notes"]:
            say(f"step {step['step']}: {note}", err=True)
    if document["next"] is not None and str(path) != STDOUT:
        say(f"next: {document['next']['command']}\n  {document['next']['why']}", keep="\n")


def _form(options: Mapping[str, Any]) -> str:
    """Raises: UsageProblem, if it is to be several."""
    chosen = [form for form in ("json", "trace", "watch") if options[f"is_{form}"]]
    if len(chosen) > 1:
        raise UsageProblem(f"--{' and --'.join(chosen)} exclude each other: write one of them")
    return chosen[0] if chosen else "html"


_ENDINGS = {"html": "html", "json": "json", "trace": "trace.json"}
_OPENED_BY = {
    "html": "open it in a browser",
    "json": "docs/reference/run-report.md describes it",
    "trace": "open it at https://ui.perfetto.dev, or with any viewer of Chrome's traces",
}


def _text(form: str, document: dict[str, Any], other: dict[str, Any] | None) -> str:
    match form:
        case "json":
            return json.dumps(document, indent=1)
        case "trace":
            return json.dumps(trace(document))
        case _:
            return page(document, other)


def write_report(path: Path, text: str) -> None:
    """Raises: UsageProblem."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}") from None


def check_report_path(path: Path) -> None:
    """That there is a place for it, before hours are spent. Raises: UsageProblem."""
    if not path.parent.is_dir():
        raise UsageProblem(f"--report {path}: there is no folder {path.parent}")


def _collected(stack: Stack, run_id: str, prices: Prices) -> dict[str, Any]:
    return collected_on_screen(stack, Client(stack).status(run_id), prices)


def collected_on_screen(stack: Stack, run: RunDocument, prices: Prices) -> dict[str, Any]:
    """The report document of a run, with progress for who waits."""
    with _progress() as progress:
        return collected(stack, run, prices, progress)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    screen = console(stderr=True)
    with screen.status("collecting") as status:
        yield lambda done, total: status.update(
            f"collecting: {done:,} of {counted(total, 'children')}"
        )
