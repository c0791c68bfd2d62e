"""ListJobs: one selector, one filter, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from batch_local.details.jobs import job_summary
from batch_local.errors import ClientException
from batch_local.jobs.nodes import Node
from batch_local.model import Job, JobQueue, JobStatus
from batch_local.resources.pages import page_size, position_of

FILTER_PAGE_MAX, PAGE_MAX = 100, 1_000
"""Jobs of one answer. Source: ListJobs, maxResults."""


_SELECTORS = ("jobQueue", "arrayJobId", "multiNodeJobId")


def check(request: dict[str, Any]) -> None:
    """Exactly one selector. Source: ListJobs."""
    selectors = [name for name in _SELECTORS if request.get(name)]
    if len(selectors) != 1:
        raise ClientException(f"Exactly one of {', '.join(_SELECTORS)} is wanted")


def children_of(request: dict[str, Any], parent: Job | None) -> dict[str, Any]:
    """The children of one parent; filters never apply to them."""
    status = _status(request)
    children = [] if parent is None else parent.children
    return _page(request, children, lambda job: job.status == status, PAGE_MAX, job_summary)


def nodes_of(request: dict[str, Any], nodes: Sequence[Node]) -> dict[str, Any]:
    """The nodes of one multi-node parallel job; filters never apply to them."""
    status = _status(request)
    return _page(request, nodes, lambda node: node.status == status, PAGE_MAX, Node.summary)


def jobs_of(request: dict[str, Any], queue: JobQueue, known_at: int) -> dict[str, Any]:
    """The simple jobs and parents of one queue that were submitted by a time.

    With a filter the status is ignored, and the newest is first.
    """
    jobs = [job for job in queue.jobs.values() if job.created_at <= known_at]
    if request.get("filters"):
        return _page(request, jobs[::-1], _filter(request), FILTER_PAGE_MAX, job_summary)
    status = _status(request)
    return _page(request, jobs, lambda job: job.status == status, PAGE_MAX, job_summary)


def _status(request: dict[str, Any]) -> str:
    """No status means RUNNING only. Source: ListJobs, jobStatus."""
    status: str = request.get("jobStatus") or JobStatus.RUNNING
    if status not in list(JobStatus):
        raise ClientException(f"unknown jobStatus {status}")
    return status


def _filter(request: dict[str, Any]) -> Callable[[Job], bool]:
    """One filter; with it the status is ignored, but for SHARE_IDENTIFIER. Source: ListJobs."""
    filters = request["filters"]
    if len(filters) != 1:
        raise ClientException("Only one filter can be used at a time")
    name, values = filters[0].get("name", ""), filters[0].get("values") or [""]
    make = _FILTERS.get(name)
    if make is None:
        raise ClientException(f"unknown filter {name}: one of {', '.join(_FILTERS)}")
    matches = make(values[0])
    if name == "SHARE_IDENTIFIER" and request.get("jobStatus"):
        status = _status(request)
        return lambda job: matches(job) and job.status == status
    return matches


def _by_name(value: str) -> Callable[[Job], bool]:
    """Case is ignored, a final `*` is a prefix."""
    name = value.lower()
    if name.endswith("*"):
        return lambda job: job.spec.name.lower().startswith(name[:-1])
    return lambda job: job.spec.name.lower() == name


def _by_definition(value: str) -> Callable[[Job], bool]:
    """Case counts; a name means every revision, a final `*` a prefix, an ARN one revision."""
    if value.startswith("arn:"):
        return lambda job: job.spec.definition.arn == value
    if value.endswith("*"):
        return lambda job: job.spec.definition.name.startswith(value[:-1])
    return lambda job: job.spec.definition.name == value


def _by_time(later: bool) -> Callable[[str], Callable[[Job], bool]]:
    def make(value: str) -> Callable[[Job], bool]:
        if not value.isdecimal():
            raise ClientException(f"{value!r} is not a time in epoch milliseconds")
        time = int(value)
        return lambda job: job.created_at > time if later else job.created_at < time

    return make


_FILTERS: Mapping[str, Callable[[str], Callable[[Job], bool]]] = {
    "JOB_NAME": _by_name,
    "JOB_DEFINITION": _by_definition,
    "BEFORE_CREATED_AT": _by_time(later=False),
    "AFTER_CREATED_AT": _by_time(later=True),
    "SHARE_IDENTIFIER": lambda value: lambda job: job.spec.share == value,
}


Listed = TypeVar("Listed", Job, Node)


def _page(
    request: dict[str, Any],
    jobs: Sequence[Listed],
    matches: Callable[[Listed], bool],
    page_max: int,
    summary_of: Callable[[Listed], dict[str, Any]],
) -> dict[str, Any]:
    """One page: the token is where the next one begins, so nothing is looked at twice."""
    size = page_size(request, page_max)
    page: list[Listed] = []
    for position in range(position_of(request.get("nextToken")), len(jobs)):
        if matches(jobs[position]):
            if len(page) == size:
                return {
                    "jobSummaryList": [summary_of(job) for job in page],
                    "nextToken": str(position),
                }
            page.append(jobs[position])
    return {"jobSummaryList": [summary_of(job) for job in page]}
