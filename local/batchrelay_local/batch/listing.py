"""ListJobs: one selector, one filter, pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batchrelay_local.batch.details import job_summary
from batchrelay_local.batch.errors import ClientError
from batchrelay_local.batch.model import Job, JobQueue, JobStatus

FILTER_PAGE_MAX, PAGE_MAX = 100, 1_000
"""Jobs of one answer. Source: ListJobs, maxResults."""


def check(request: dict[str, Any]) -> None:
    """Exactly one selector. Source: ListJobs."""
    selectors = [n for n in ("jobQueue", "arrayJobId", "multiNodeJobId") if request.get(n)]
    if selectors not in (["jobQueue"], ["arrayJobId"]):
        raise ClientError("Exactly one of jobQueue, arrayJobId or multiNodeJobId is wanted")


def children_of(request: dict[str, Any], parent: Job | None) -> dict[str, Any]:
    """The children of one parent; filters never apply to them."""
    status = _status(request)
    children = [] if parent is None else parent.children
    return _page(request, [job for job in children if job.status == status], PAGE_MAX)


def jobs_of(request: dict[str, Any], queue: JobQueue) -> dict[str, Any]:
    """The simple jobs and parents of one queue; with a filter the status is ignored."""
    if request.get("filters"):
        return _page(request, list(_filtered(request, queue)), FILTER_PAGE_MAX)
    status = _status(request)
    return _page(request, [job for job in queue.jobs.values() if job.status == status], PAGE_MAX)


def _status(request: dict[str, Any]) -> str:
    """No status means RUNNING only. Source: ListJobs, jobStatus."""
    status: str = request.get("jobStatus") or JobStatus.RUNNING
    if status not in list(JobStatus):
        raise ClientError(f"unknown jobStatus {status}")
    return status


def _filtered(request: dict[str, Any], queue: JobQueue) -> Iterator[Job]:
    """JOB_NAME: case is ignored, a final `*` is a prefix, newest first."""
    filters = request["filters"]
    if len(filters) != 1:
        raise ClientError("Only one filter can be used at a time")
    name, values = filters[0].get("name"), filters[0].get("values") or [""]
    if name != "JOB_NAME":
        raise ClientError(f"the filter {name} is not supported by this local AWS Batch")
    wanted = values[0].lower()
    prefix = wanted[:-1] if wanted.endswith("*") else None
    for job in reversed(queue.jobs.values()):
        found = job.spec.name.lower()
        if found == wanted or (prefix is not None and found.startswith(prefix)):
            yield job


def _page(request: dict[str, Any], jobs: list[Job], page_max: int) -> dict[str, Any]:
    size = min(request.get("maxResults") or page_max, page_max)
    start = _position(request.get("nextToken"))
    answer: dict[str, Any] = {
        "jobSummaryList": [job_summary(job) for job in jobs[start : start + size]]
    }
    if start + size < len(jobs):
        answer["nextToken"] = str(start + size)
    return answer


def _position(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise ClientError(f"nextToken {token!r} is not one of ours")
    return int(token)
