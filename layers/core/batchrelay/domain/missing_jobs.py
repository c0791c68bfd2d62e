"""Jobs that DescribeJobs leaves out. One answer decides nothing.

A missing job is terminated only when every look of an hour has missed it. Its part has failed only
when no event and no look reports the job after that. Until then a report ends the wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from batchrelay.domain.copies import replace
from batchrelay.domain.limits import DUPLICATE_JOBS_MAX, JOB_MISSING_S, JOB_STOPPED_S
from batchrelay.domain.run import DuplicateJob, Run
from batchrelay.domain.step_state import Part

MISSING = "AWS Batch no longer knows this job"


def after_missing_look(part: Part, at: datetime) -> Part:
    """The part after one more look that missed its job; the same object if that is no news."""
    if part.missing_since is None:
        return replace(part, missing_since=at)
    if part.is_given_up or not _has_passed(part.missing_since, JOB_MISSING_S, at):
        return part
    return replace(part, missing_since=at, is_given_up=True)


def is_missing_for_good(part: Part, at: datetime) -> bool:
    """Whether the part has failed: its job was to be terminated, and stays missing."""
    if part.missing_since is None or not part.is_given_up:
        return False
    return _has_passed(part.missing_since, JOB_STOPPED_S, at)


def reported(part: Part) -> Part:
    """The part, whose job AWS Batch reports."""
    if part.missing_since is None:
        return part
    return replace(part, missing_since=None, is_given_up=False)


def still_to_terminate(run: Run, part: Part, at: datetime) -> Run:
    """A job that could not be terminated so far is to be terminated although its part failed."""
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
