"""`batchrelay logs`: what a child printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click

from batchrelay_cli.aws import Wire
from batchrelay_cli.live import printable
from batchrelay_cli.options import UsageProblem, echo_json, output_option, stack_option
from batchrelay_cli.remote import ask, reached


@click.command(epilog="Example: batchrelay logs 20260131t120000abc123/migrate:17")
@click.argument("child", metavar="RUN/STEP[:INDEX]")
@stack_option
@output_option
def logs(child: str, stack: str, output: str) -> None:
    """Print a child's log: by its index within the step, or of the first child that failed."""
    where, colon, number = child.partition(":")
    run, slash, step = where.partition("/")
    if not slash or not run or not step or (colon and re.fullmatch(r"[0-9]{1,9}", number) is None):
        raise UsageProblem(f"{child!r}: write RUN/STEP or RUN/STEP:INDEX")
    with reached(stack) as wire:
        shown = ask(wire, "GET", "runs", run, "steps", step)
        job = _job(wire, shown, int(number) if colon else None)
        lines = wire.log_of(job)
    if output == "json":
        echo_json({"jobId": job["jobId"], "status": job["status"], "lines": lines})
        return
    for line in lines:
        click.echo(printable(line))
    if not lines:
        click.echo(f"job {job['jobId']} is {job['status']} and has printed nothing", err=True)


def _job(wire: Wire, step: Mapping[str, Any], index: int | None) -> Mapping[str, Any]:
    job_id = _job_id(wire, step, index)
    described = wire.describe([job_id])
    if not described:
        raise UsageProblem(f"AWS Batch no longer knows job {job_id}: it keeps them for seven days")
    return described[0]


def _job_id(wire: Wire, step: Mapping[str, Any], index: int | None) -> str:
    jobs = [job for job in step["jobs"] if job["jobId"] is not None]
    if not jobs:
        raise UsageProblem(f"step {step['step']} is {step['status']}: it has no job")
    if index is None:
        failed = next((job for job in jobs if job["outcome"] == "FAILED"), jobs[0])
        if failed["children"] == 1:
            return str(failed["jobId"])
        return wire.failed_child(failed["jobId"]) or f"{failed['jobId']}:0"
    left = index
    for job in step["jobs"]:
        if left < job["children"]:
            if job["jobId"] is None:
                raise UsageProblem(f"child {index} of step {step['step']} has no job yet")
            return job["jobId"] if job["children"] == 1 else f"{job['jobId']}:{left}"
        left -= job["children"]
    raise UsageProblem(
        f"step {step['step']} has no child {index}: 0 to {(step['children'] or 1) - 1}"
    )
