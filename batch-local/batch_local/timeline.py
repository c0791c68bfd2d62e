"""What happened: every job, child and attempt, with its times, its end and its processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from batch_local.model import Attempt, ContainerRun, Job

VERSION = 1
"""Of the document; a field that is removed or means something else raises it."""


def timeline(jobs: Iterable[Job], now: int) -> dict[str, Any]:
    """The document `timeline.json`. Times are epoch milliseconds; what is not known is left out.

    Args:
        jobs: simple jobs and parents.
    """
    return {"version": VERSION, "takenAt": now, "jobs": [_job(job) for job in jobs]}


def _job(job: Job) -> dict[str, Any]:
    spec = job.spec
    document = _known(
        jobId=job.id,
        jobName=spec.name,
        jobQueue=spec.queue.name,
        jobDefinition=f"{spec.definition.name}:{spec.definition.revision}",
        arraySize=spec.size if job.is_parent else None,
        arrayIndex=job.index,
        status=str(job.status),
        statusReason=job.status_reason,
        createdAt=job.created_at,
        startedAt=job.started_at,
        stoppedAt=job.stopped_at,
    )
    if job.is_parent:
        return document | {"children": [_job(child) for child in job.children]}
    return document | {"attempts": [_attempt(attempt) for attempt in job.attempts]}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    own = _known(
        startedAt=attempt.started_at,
        stoppedAt=attempt.stopped_at,
        exitCode=attempt.exit_code,
        reason=attempt.reason,
        statusReason=attempt.status_reason,
    )
    return own | {"containers": [_container(run) for run in attempt.containers]}


def _container(run: ContainerRun) -> dict[str, Any]:
    return _known(
        name=run.spec.name,
        node=run.spec.node,
        pid=run.pid,
        exitCode=run.exit_code,
        reason=run.reason,
        logGroupName=run.spec.log_target.group,
        logStreamName=run.log_stream,
    )


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
