"""Events that were missed: reconcile polls AWS Batch for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from batchrelay.codec.job_detail import end_of, progress_of
from batchrelay.domain.events import Event, JobBlocked, JobMissing
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.limits import STUCK_S
from batchrelay.domain.requests import step_of
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import Part
from batchrelay.domain.values import JobKey
from batchrelay.ports import Jobs

STUCK_REASON = f"RUNNABLE for over {STUCK_S // 60} minutes"


def missed_events(run: Run, jobs: Jobs, now: datetime) -> Iterator[Event]:
    """What DescribeJobs says of the jobs at work, and which of them it leaves out."""
    active = {job_id: (key, part) for job_id, key, part in active_jobs(run)}
    reports = jobs.describe(tuple(active)) if active else ()
    for report in reports:
        key = active[report.job_id][0]
        yield _event_of(report, key, now, waits_for_others=_waits_for_others(run, key))
    for job_id in active.keys() - {report.job_id for report in reports}:
        yield JobMissing(at=now, key=active[job_id][0], job_id=job_id)


def active_jobs(run: Run) -> Iterator[tuple[str, JobKey, Part]]:
    """The jobs that AWS Batch has and has not ended: jobId, key and part."""
    for step in run.pipeline.order:
        state = run.state(step.name)
        for number, part in enumerate(state.parts):
            if part.is_active and part.job_id is not None:
                key = JobKey(run_id=run.id, label=step.label, round=state.round, part=number)
                yield part.job_id, key, part


def _waits_for_others(run: Run, key: JobKey) -> bool:
    """Whether `maxRunning` may be why none of a part has begun: children of another part run."""
    step = step_of(run, key)
    others = (p for number, p in enumerate(run.state(step.name).parts) if number != key.part)
    return step.max_running is not None and any(part.running for part in others)


def _event_of(report: JobReport, key: JobKey, now: datetime, *, waits_for_others: bool) -> Event:
    """The event in a report of a job: its end, that it is blocked, or its progress."""
    end = end_of(report, key, now)
    if end is not None:
        return end
    since = report.waits_since
    if since is not None and now >= since + timedelta(seconds=STUCK_S) and not waits_for_others:
        reason = report.reason or STUCK_REASON
        return JobBlocked(at=now, key=key, job_id=report.job_id, reason=reason)
    return progress_of(report, key, now)
