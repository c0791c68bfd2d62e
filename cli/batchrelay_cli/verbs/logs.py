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
from batchrelay_cli.stack.client import LOG_LINES_MAX, Log, Stack, never_ran
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option
from batchrelay_cli.views.child import (
    Place,
    attempts_of,
    failed_dependency,
    jobs_of_round,
    place_of,
    summary_of,
)
from batchrelay_cli.views.item_rounds import latest_child


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
        run_document = Client(stack).status(run)
        one = Client(stack).step(run, step)  # says which steps there are
        is_item = colon and round_number is None and one["chunk"] == 1  # of chunks, it is a child
        latest = latest_child(stack, one, int(number)) if is_item else None
        job = _job(stack, _of_round(one, round_number), int(number) if colon else None, latest)
        log = stack.log_of(job)
        place = place_of(run_document, job["jobId"]) or Place(step=step, index=None, round=0)
        why = "" if log.lines else _why_empty(stack, run_document, job)
    if output == "json":
        echo_json(_document(job, log, place))
        return
    if not colon or latest is not None or attempts_of(job)[0] > 1:
        say(f"{run}/{place.text}: {summary_of(job)}", err=True)
    if log.is_cut:
        say(_cut(job), err=True)
    for line in log.lines:
        say(line.removesuffix("\r"), keep="\t")
    if why:
        say(f"{run}/{place.text}: {why}", err=True)


def _of_round(step: Mapping[str, Any], round_number: int | None) -> Mapping[str, Any]:
    """The step with the jobs of one round only; without a number, with those of every round."""
    if round_number is None:
        return step
    jobs = jobs_of_round(step, round_number)
    if not jobs and step["jobs"]:
        last = max(job["round"] for job in step["jobs"])
        raise UsageProblem(f"step {step['step']} has no round {round_number}: 0 to {last}")
    return {**step, "jobs": jobs}


def _document(job: Mapping[str, Any], log: Log, place: Place) -> dict[str, Any]:
    return {
        "jobId": job["jobId"],
        "round": place.round,
        "index": place.index,
        "attempt": attempts_of(job)[0] or None,
        "status": job["status"],
        "isCut": log.is_cut,
        "lines": log.lines,
    }


def _cut(job: Mapping[str, Any]) -> str:
    group, stream = log_place(job) or ("", "")
    return (
        f"the last {LOG_LINES_MAX:,} lines; all of them: aws logs filter-log-events "
        f"--log-group-name '{group}' --log-stream-names '{stream}'"
    )


def _why_empty(stack: Stack, run: Mapping[str, Any], job: Mapping[str, Any]) -> str:
    """Why a job printed nothing: most often it never ran."""
    if never_ran(job):
        first = failed_dependency(stack, job["jobId"])
        place = None if first is None else place_of(run, first["jobId"])
        if place is None:
            return "it never ran, because a job on which it depends failed"
        return (
            f"it never ran, because {place.text} failed, on which it depends: "
            f"{place.command(run['runId'])}"
        )
    if log_place(job) is None:
        why = f": {job['statusReason']}" if job.get("statusReason") else ""
        return f"job {job['jobId']} is {job['status']} and has not run{why}"
    return f"job {job['jobId']} is {job['status']} and has printed nothing"


def _job(
    stack: Stack, step: Mapping[str, Any], index: int | None, latest: str | None
) -> Mapping[str, Any]:
    job_id = latest or _job_id(stack, step, index)
    jobs = stack.describe([job_id])
    if not jobs:
        raise UsageProblem(f"AWS Batch no longer knows job {job_id}: it keeps them for seven days")
    return jobs[0]


def _job_id(stack: Stack, step: Mapping[str, Any], index: int | None) -> str:
    if index is not None:
        return _job_id_at(step, index)
    jobs = [job for job in step["jobs"] if job["jobId"] is not None]
    if not jobs:
        raise UsageProblem(f"step {step['step']} is {step['status']}: it has no job{_why(step)}")
    failed_job = next((job for job in _latest_first(jobs) if job["outcome"] == "FAILED"), None)
    if failed_job is None:  # a child may have failed while the others go on
        at_work = [job for job in jobs if job["children"] > 1 and job["outcome"] == "SUBMITTED"]
        child_ids = (stack.failed_child(job["jobId"]) for job in at_work if step["failed"])
        return next(filter(None, child_ids), None) or _first_child(jobs[0])
    if failed_job["children"] == 1:
        return str(failed_job["jobId"])
    return stack.failed_child(failed_job["jobId"]) or _first_child(failed_job)


def _latest_first(jobs: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the latest round first: what failed before may have succeeded since."""
    return sorted(jobs, key=lambda job: -int(job["round"]))


def _first_child(job: Mapping[str, Any]) -> str:
    return str(job["jobId"]) if job["children"] == 1 else f"{job['jobId']}:0"


def _job_id_at(step: Mapping[str, Any], index: int) -> str:
    offset = index
    first_round = min((job["round"] for job in step["jobs"]), default=0)
    jobs = [job for job in step["jobs"] if job["round"] == first_round]
    for job in jobs:
        if offset < job["children"]:
            if job["jobId"] is None:
                has = "never had a job" if job["outcome"] else "has no job yet"
                raise UsageProblem(f"child {index} of step {step['step']} {has}{_why(step)}")
            return job["jobId"] if job["children"] == 1 else f"{job['jobId']}:{offset}"
        offset -= job["children"]
    last = (sum(job["children"] for job in jobs) or step["children"] or 1) - 1
    raise UsageProblem(f"step {step['step']} has no child {index}: 0 to {last}")


def _why(step: Mapping[str, Any]) -> str:
    return f" ({step['reason']})" if step["reason"] else ""
