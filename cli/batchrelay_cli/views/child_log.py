"""The log of one child of a run: which job it is, what that printed, or why it printed nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.job_containers import (
    attempts_of_job,
    is_pod,
    judged_container,
    log_place,
)
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.client import LOG_LINES_MAX, Log, Stack, never_ran
from batchrelay_cli.views.child import (
    Place,
    attempts_of,
    failed_dependency,
    jobs_of_round,
    place_of,
)
from batchrelay_cli.views.item_rounds import latest_child


@dataclass(frozen=True, kw_only=True)
class ChildJob:
    """A job of a step, as AWS Batch describes it, and where it stands in its run."""

    job: Mapping[str, Any]
    place: Place
    is_later: bool = False
    """Whether it had an item in a round behind the first."""


def child_job(
    stack: Stack,
    run: Mapping[str, Any],
    step: Mapping[str, Any],
    number: int | None,
    round_number: int | None,
) -> ChildJob:
    """The latest of an item, by its number; with a round, by the index within that round; without
    a number, of the first child that failed.

    Raises: UsageProblem: there is no such child, or AWS Batch knows its job no more.
    """
    is_item = number is not None and round_number is None and step["chunk"] == 1  # else a child
    latest = latest_child(stack, step, number) if is_item and number is not None else None
    job = _job(stack, _of_round(step, round_number), number, latest)
    place = place_of(run, job["jobId"]) or Place(step=step["step"], index=None, round=0)
    return ChildJob(job=job, place=place, is_later=latest is not None)


@dataclass(frozen=True, kw_only=True)
class ChildLog:
    """What a child printed."""

    child: ChildJob
    log: Log
    why: str
    """Why it printed nothing; nothing if it did."""

    @property
    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "jobId": self.child.job["jobId"],
            "round": self.child.place.round,
            "index": self.child.place.index,
            "attempt": attempts_of(self.child.job)[0] or None,
            "status": self.child.job["status"],
            "isCut": self.log.is_cut,
            "lines": self.log.lines,
        }


def child_log(
    stack: Stack, run: Mapping[str, Any], child: ChildJob, lines_max: int = LOG_LINES_MAX
) -> ChildLog:
    """The last lines of its latest attempt."""
    log = stack.log_of(child.job, lines_max)
    why = "" if log.lines else why_empty(stack, run, child.job)
    return ChildLog(child=child, log=log, why=why)


def _of_round(step: Mapping[str, Any], round_number: int | None) -> Mapping[str, Any]:
    """The step with the jobs of one round only; without a number, with those of every round."""
    if round_number is None:
        return step
    jobs = jobs_of_round(step, round_number)
    if not jobs and step["jobs"]:
        last = max(job["round"] for job in step["jobs"])
        raise UsageProblem(f"step {step['step']} has no round {round_number}: 0 to {last}")
    return {**step, "jobs": jobs}


def why_empty(stack: Stack, run: Mapping[str, Any], job: Mapping[str, Any]) -> str:
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
    container = judged_container(job)
    if is_pod(job) and attempts_of_job(job) and "exitCode" in container:
        pod = attempts_of_job(job)[-1].get("podName")
        return f"AWS Batch has no log of a pod: read that of {pod} where its cluster keeps it"
    if log_place(job) is None:
        texts = (text for text in (job.get("statusReason"), container.get("reason")) if text)
        why = ": ".join(dict.fromkeys(texts))
        return f"job {job['jobId']} is {job['status']} and has not run{f': {why}' if why else ''}"
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
    jobs = [job for job in step["jobs"] if job["jobId"] is not None]
    if not step["jobs"] or (index is None and not jobs):
        raise UsageProblem(f"step {step['step']} is {step['status']}: it has no job{_why(step)}")
    if index is not None:
        return _job_id_at(step, index)
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
    first_round = min(job["round"] for job in step["jobs"])
    jobs = [job for job in step["jobs"] if job["round"] == first_round]
    for job in jobs:
        if offset < job["children"]:
            if job["jobId"] is None:
                has = "never had a job" if job["outcome"] else "has no job yet"
                raise UsageProblem(f"child {index} of step {step['step']} {has}{_why(step)}")
            return job["jobId"] if job["children"] == 1 else f"{job['jobId']}:{offset}"
        offset -= job["children"]
    last = sum(job["children"] for job in jobs) - 1
    raise UsageProblem(f"step {step['step']} has no child {index}: 0 to {last}")


def _why(step: Mapping[str, Any]) -> str:
    return f" ({step['reason']})" if step["reason"] else ""
