"""dependsOn: what a job may wait for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.errors import ClientException
from batch_local.model import Job, JobSpec

_TYPES = (None, "N_TO_N", "SEQUENTIAL")


def check_dependencies(
    spec: JobSpec,
    find: Callable[[str], Job | None],
    exists: Callable[[str], bool],
    assume: Assumptions = DOCUMENTED,
) -> None:
    """Whether each entry says what to wait for, and it is there. Raises: ClientException."""
    for entry in spec.depends_on:
        kind, job_id = entry.get("type"), entry.get("jobId", "")
        _check_entry(spec, entry, assume)
        if not job_id:
            continue
        if ":" in job_id and assume.child_dependency == "refused":
            raise ClientException(f"Job {job_id} is a child; a job cannot depend on it")
        if not exists(job_id) and assume.unknown_dependency == "refused":
            raise ClientException(f"Job {job_id} does not exist")
        other = find(job_id.partition(":")[0])
        if other is not None:
            _check_other(spec, kind, other, assume)


def _check_entry(spec: JobSpec, entry: Mapping[str, str], assume: Assumptions) -> None:
    """What an entry says by itself. Source: SubmitJob, dependsOn; Batch UG, job_dependencies."""
    kind, job_id = entry.get("type"), entry.get("jobId", "")
    if kind not in _TYPES:
        raise ClientException(
            f"unknown dependency type {kind}: write N_TO_N or SEQUENTIAL, or leave it out"
        )
    if kind == "SEQUENTIAL" and spec.size is not None:
        if job_id:
            raise ClientException("Job Id cannot be set when dependency type is SEQUENTIAL")
        return
    if kind == "SEQUENTIAL" and not job_id:
        raise ClientException(
            "A SEQUENTIAL dependency orders the children of an array job, and this job has no "
            "arrayProperties: leave it out, or write the jobId of the job to wait for"
        )
    if not job_id:
        raise ClientException("A dependency needs a jobId: write the id that SubmitJob returned")
    if kind == "N_TO_N" and spec.size is None and assume.n_to_n_unequal == "refused":
        raise ClientException(
            "N_TO_N dependencies must be between array jobs of the same size, and this job has no "
            "arrayProperties: leave type out to wait for the whole of it, or write the size of "
            f"Job {job_id} into arrayProperties"
        )


def _check_other(spec: JobSpec, kind: str | None, other: Job, assume: Assumptions) -> None:
    if kind == "N_TO_N" and other.spec.size != spec.size and assume.n_to_n_unequal == "refused":
        size = "is a simple job" if other.spec.size is None else f"has {other.spec.size} children"
        raise ClientException(
            f"N_TO_N dependencies must be between array jobs of the same size, and Job {other.id} "
            f"{size}, this one {spec.size}: leave type out to wait for the whole of it"
        )
    if other.spec.queue is not spec.queue and assume.other_queue_dependency == "refused":
        raise ClientException(f"Job {other.id} is in another queue; a job cannot depend on it")
