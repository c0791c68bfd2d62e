"""What the steps of a pipeline took in its last runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchrelay.aws_lambda.reports import report_sources
from batchrelay.domain.errors import InvalidItems, NotDone, Refused
from batchrelay.domain.requests import results_of_round
from batchrelay.domain.run import RunStatus
from batchrelay.preparation.chunk_size import RECORDS_READ
from batchrelay.preparation.measures import item_measures
from batchrelay_cli.client.api import Client
from batchrelay_cli.client.documents import Run
from batchrelay_cli.stack.client import Stack

RUNS_READ = 3
"""Ended runs: as many as `chunk: auto` looks for."""

RUNS_LISTED = 20
"""Among which those are: the others are open."""

CHILDREN_READ = 100
"""Children of a step: one call of DescribeJobs."""


def earlier_runs(stack: Stack, pipeline: str) -> list[Run]:
    """The last runs that have ended, as the API answers them, the newest first."""
    client = Client(stack)
    page = client.runs(pipeline, limit=RUNS_LISTED)
    ended = [run["runId"] for run in page["runs"] if RunStatus(run["status"]).is_terminal]
    return [client.status(run_id) for run_id in ended[:RUNS_READ]]


def seconds_of_items(stack: Stack, step: Mapping[str, Any], *, by_child: bool) -> list[float]:
    """Of those of a step that ended well: as its result records say, else as AWS Batch does.

    A sample: of the first records, or of the first children of the first job. Nothing if both are
    gone, or may not be read.

    Args:
        by_child: whether a child counts as one item.
    """
    return ([] if by_child else _by_records(stack, step)) or _by_jobs(stack, step, by_child)


def _by_records(stack: Stack, step: Mapping[str, Any]) -> list[float]:
    if step["results"] is None:
        return []
    objects = report_sources(stack.make_client).objects
    folder = results_of_round(step["results"], step["round"], 0)
    try:
        items = list(item_measures(objects, folder, RECORDS_READ))
    except InvalidItems:
        return []
    return [item.seconds for item in items if item.is_done]


def _by_jobs(stack: Stack, step: Mapping[str, Any], by_child: bool) -> list[float]:
    job = next((job for job in step["jobs"] if job["jobId"]), None)
    if job is None:
        return []
    is_array = job["children"] > 1
    count = min(job["children"], CHILDREN_READ)
    ids = [f"{job['jobId']}:{n}" for n in range(count)] if is_array else [job["jobId"]]
    try:
        details = list(report_sources(stack.make_client).jobs.details(ids))
    except (NotDone, Refused):
        return []
    items = 1.0 if by_child else items_per_child(step)
    return [
        (detail.stopped_at - detail.started_at).total_seconds() / items
        for detail in details
        if detail.status == "SUCCEEDED" and detail.stopped_at and detail.started_at
    ]


def items_per_child(step: Mapping[str, Any]) -> float:
    """On average, of the first round: the last child has the rest, workers take what comes."""
    first = min((job["round"] for job in step["jobs"]), default=0)
    children = sum(job["children"] for job in step["jobs"] if job["round"] == first)
    items = (step["items"] or 0) - (step["existing"] or 0)
    return max(1.0, items / children) if children else 1.0
