"""`batchrelay logs`: what a child printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click

from batchrelay.domain.job_containers import log_place
from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import LOG_LINES_MAX
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option
from batchrelay_cli.views.child import attempts_of, summary_of
from batchrelay_cli.views.child_log import child_job, child_log


@click.command(epilog="Example: batchrelay logs kb50389d0b38db26e794e46fa/migrate:17")
@click.argument("child", metavar="RUN/STEP[:INDEX]")
@click.option("--round", "round_number", type=click.IntRange(0), help="Of this round.")
@stack_option
@output_option
def logs(child: str, round_number: int | None, stack_name: str, output: str) -> None:
    """Print a child's log: the latest of an item, by its number; with --round, by the index within
    that round; without a number, of the first child that failed.

    Which child and which attempt it is goes to standard error.
    """
    where, colon, number = child.partition(":")
    run, slash, step = where.partition("/")
    if not slash or not run or not step or (colon and re.fullmatch(r"[0-9]{1,9}", number) is None):
        raise UsageProblem(f"{child!r}: write RUN/STEP or RUN/STEP:INDEX")
    with open_stack(stack_name) as stack:
        client = Client(stack)
        run_document = client.status(run)
        one = client.step(run, step)  # says which steps there are
        job = child_job(stack, run_document, one, int(number) if colon else None, round_number)
        printed = child_log(stack, run_document, job)
    if output == "json":
        echo_json(printed.document)
        return
    if not colon or job.is_later or attempts_of(job.job)[0] > 1:
        say(f"{run}/{job.place.text}: {summary_of(job.job)}", err=True)
    if printed.log.is_cut:
        say(_cut(job.job), err=True)
    for line in printed.log.lines:
        say(line.removesuffix("\r"), keep="\t")
    if printed.why:
        say(f"{run}/{job.place.text}: {printed.why}", err=True)


def _cut(job: Mapping[str, Any]) -> str:
    group, stream = log_place(job) or ("", "")
    return (
        f"the last {LOG_LINES_MAX:,} lines; all of them: aws logs filter-log-events "
        f"--log-group-name '{group}' --log-stream-names '{stream}'"
    )
