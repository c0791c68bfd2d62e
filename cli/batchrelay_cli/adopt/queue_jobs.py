"""Jobs of a queue, by their ids or names: described, with every job that they depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from batchrelay.domain.limits import DESCRIBE_IDS_MAX, STEPS_MAX
from batchrelay.domain.values import JOB_ID
from batchrelay_cli.adopt.described_jobs import fill_with
from batchrelay_cli.adopt.draft import Draft, Path, entries, mapping, pipeline_name
from batchrelay_cli.errors import UsageProblem

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient


def drafted(batch: BatchClient, queue: str, jobs: Sequence[str], name: str | None) -> Draft:
    """Raises: UsageProblem, ClientError."""
    ids = [_job_id(batch, queue, job) for job in jobs]
    described = _with_dependencies(batch, ids)
    for job_id in ids:
        _check(described, job_id, queue)
    draft = Draft(source=f"queue {queue}", form="DescribeJobs", name=pipeline_name(name or queue))
    ordered = sorted(described.values(), key=lambda job: job.get("createdAt", 0))
    fill_with(draft, ordered, [partial(_number, number) for number in range(1, len(ordered) + 1)])
    return draft


def _number(number: int, _path: Path) -> int:
    """There are no lines: jobs are counted by their time."""
    return number


def _job_id(batch: BatchClient, queue: str, job: str) -> str:
    """Of an array's child, its parent; of a name, the latest job of the queue that is called so."""
    job_id = job.partition(":")[0]
    if JOB_ID.fullmatch(job_id):
        return job_id
    pages = batch.get_paginator("list_jobs").paginate(
        jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [job]}]
    )
    matches = [entry for page in pages for entry in page["jobSummaryList"]]
    if not matches:
        raise UsageProblem(f"--job {job}: no job of queue {queue} has this id or name")
    return str(max(matches, key=lambda entry: entry.get("createdAt", 0))["jobId"])


def _with_dependencies(batch: BatchClient, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Every job that is reached, by its id. A circle of dependencies is no circle here."""
    described: dict[str, Mapping[str, Any]] = {}
    asked: set[str] = set()
    waiting = list(dict.fromkeys(ids))
    while waiting:
        if len(asked) + len(waiting) > STEPS_MAX:
            raise UsageProblem(
                f"these jobs depend on more than {STEPS_MAX} jobs, which is all that a pipeline "
                "may have as steps"
            )
        asked |= set(waiting)
        page, waiting = waiting[:DESCRIBE_IDS_MAX], waiting[DESCRIBE_IDS_MAX:]
        for job in batch.describe_jobs(jobs=page)["jobs"]:
            described[job["jobId"]] = {**job}
            for dependency in entries(job.get("dependsOn")):
                other = str(mapping(dependency).get("jobId", "")).partition(":")[0]
                if other and other not in asked:
                    asked.add(other)
                    waiting.append(other)
    return described


def _check(described: Mapping[str, Mapping[str, Any]], job_id: str, queue: str) -> None:
    job = described.get(job_id)
    if job is None:
        raise UsageProblem(
            f"AWS Batch does not know job {job_id}: it forgets jobs seven days after their end"
        )
    own = str(job.get("jobQueue", "")).rpartition("job-queue/")[2]
    if own != queue.rpartition("job-queue/")[2]:
        raise UsageProblem(f"job {job_id} is in the queue {own}, not in {queue}")
