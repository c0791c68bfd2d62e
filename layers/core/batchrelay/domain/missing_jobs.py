"""Jobs that DescribeJobs leaves out. One answer decides nothing: a job that is missing is stopped
only when every look of an hour has missed it, and its part has failed only when no event and no
look has it after that. Until then a report of it ends the wait, and an end of it is its end.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from batchrelay.domain.events import JobMissing
from batchrelay.domain.limits import DUPLICATE_JOBS_MAX, JOB_MISSING_S, JOB_STOPPED_S
from batchrelay.domain.run import DuplicateJob, Part, Run

MISSING = "AWS Batch no longer knows this job"


def missed_events(part: Part, event: JobMissing) -> Part | None:
    """The part after one more look that missed its job; None if it has failed."""
    if part.missing_since is None:
        return replace(part, missing_since=event.at)
    if not part.is_given_up:
        is_over = _has_passed(part.missing_since, JOB_MISSING_S, event.at)
        return replace(part, missing_since=event.at, is_given_up=True) if is_over else part
    return None if _has_passed(part.missing_since, JOB_STOPPED_S, event.at) else part


def reported(part: Part) -> Part:
    """The part, of whose job AWS Batch says something."""
    if part.missing_since is None:
        return part
    return replace(part, missing_since=None, is_given_up=False)


def still_stopped(run: Run, part: Part, at: datetime) -> Run:
    """A job that could not be stopped so far is stopped although its part has failed."""
    if (
        not part.is_to_be_stopped
        or part.job_id is None
        or len(run.duplicate_jobs) >= DUPLICATE_JOBS_MAX
    ):
        return run
    return replace(
        run, duplicate_jobs=(*run.duplicate_jobs, DuplicateJob(job_id=part.job_id, since=at))
    )


def _has_passed(since: datetime, seconds: int, now: datetime) -> bool:
    return now >= since + timedelta(seconds=seconds)
