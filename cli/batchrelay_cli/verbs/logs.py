"""`batchrelay logs`: what a child printed."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import click

from batchrelay.domain.job_containers import log_place
from batchrelay.domain.step_state import StepStatus
from batchrelay_cli import INTERRUPTED
from batchrelay_cli.client import Client
from batchrelay_cli.client.api import POLL_S
from batchrelay_cli.client.follow import Follower, JobsOfRun, OneJob
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import LOG_LINES_MAX
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.options import echo_json, exit_code, output_option, stack_option
from batchrelay_cli.views.child import attempts_of, summary_of
from batchrelay_cli.views.child_log import child_job, child_log, why_empty


@click.command(epilog="Example: batchrelay logs kb50389d0b38db26e794e46fa/migrate:17")
@click.argument("child", metavar="RUN/STEP[:INDEX]")
@click.option("--round", "round_number", type=click.IntRange(0), help="Of this round.")
@click.option("--follow", "-f", is_flag=True, help="As it grows; also of a whole RUN.")
@stack_option
@output_option
def logs(child: str, round_number: int | None, follow: bool, stack_name: str, output: str) -> None:
    """Print a child's log: the latest of an item, by its number; with --round, by the index within
    that round; without a number, of the first child that failed.

    Which child and which attempt it is goes to standard error. --follow goes on until the child
    has ended; without a number, the step or the run, and prints what runs from now on. Its exit
    code is that of `status`.
    """
    run, step, number = _place(child, is_run_enough=follow)
    if follow and output == "json":
        raise UsageProblem("--follow prints lines: leave --output json out")
    if round_number is not None and follow and number is None:
        raise UsageProblem("--round is of one child: write RUN/STEP:INDEX")
    with open_stack(stack_name) as stack:
        client = Client(stack)
        if follow:
            raise SystemExit(_follow(client, run, step, number, round_number))
        run_document = client.status(run)
        one = client.step(run, step)  # says which steps there are
        job = child_job(stack, run_document, one, number, round_number)
        printed = child_log(stack, run_document, job)
    if output == "json":
        echo_json(printed.document)
        return
    if number is None or job.is_later or attempts_of(job.job)[0] > 1:
        say(f"{run}/{job.place.text}: {summary_of(job.job)}", err=True)
    if printed.log.is_cut:
        say(_cut(job.job), err=True)
    for line in printed.log.lines:
        _say(line)
    if printed.why:
        say(f"{run}/{job.place.text}: {printed.why}", err=True)


def _place(child: str, *, is_run_enough: bool) -> tuple[str, str, int | None]:
    """Run, step or nothing, number. Raises: UsageProblem."""
    where, colon, number = child.partition(":")
    run, slash, step = where.partition("/")
    is_run = is_run_enough and run and not slash and not colon
    is_number = not colon or re.fullmatch(r"[0-9]{1,9}", number)
    if not (is_run or (run and step and is_number)):
        raise UsageProblem(f"{child!r}: write RUN/STEP or RUN/STEP:INDEX")
    return run, step, int(number) if colon else None


def _say(line: str, label: str = "") -> None:
    say((f"{label} | " if label else "") + line.removesuffix("\r"), keep="\t")


def _follow(
    client: Client, run: str, step: str, number: int | None, round_number: int | None
) -> int:
    """Print lines until the end; the exit code."""
    try:
        if number is None:
            return _follow_jobs(client, run, step)
        return _follow_child(client, run, step, number, round_number)
    except KeyboardInterrupt:
        return INTERRUPTED


def _follow_jobs(client: Client, run: str, step: str) -> int:
    if step:
        client.step(run, step)  # says which steps there are
    jobs = JobsOfRun(client=client, run_id=run, step=step or None)
    for label, line in Follower(stack=client.stack, jobs=jobs).lines():
        _say(line, label)
    say(f"{run}/{step}: {jobs.status}" if step else f"{run}: {jobs.status}", err=True)
    return 0 if jobs.status == StepStatus.SKIPPED else exit_code(jobs.status)


def _follow_child(
    client: Client, run: str, step: str, number: int, round_number: int | None
) -> int:
    while True:
        document, one = client.status(run), client.step(run, step)
        if StepStatus(one["status"]).is_terminal or any(job["jobId"] for job in one["jobs"]):
            break
        time.sleep(POLL_S)
    child = child_job(client.stack, document, one, number, round_number)
    follower = Follower(stack=client.stack, jobs=OneJob(child.job["jobId"]))
    has_printed = False
    for label, line in follower.lines():
        has_printed = True
        _say(line, label)
    job = {**child.job, **follower.last_job}
    why = "" if has_printed else f"; {why_empty(client.stack, client.status(run), job)}"
    say(f"{run}/{child.place.text}: {summary_of(job)}{why}", err=True)
    return exit_code(job["status"])


def _cut(job: Mapping[str, Any]) -> str:
    group, stream = log_place(job) or ("", "")
    return (
        f"the last {LOG_LINES_MAX:,} lines; all of them: aws logs filter-log-events "
        f"--log-group-name '{group}' --log-stream-names '{stream}'"
    )
