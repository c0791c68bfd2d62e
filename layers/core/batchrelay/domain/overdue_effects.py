"""Effects that are overdue: the process that saves this alone performs them, and their grace begins
anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from batchrelay.domain.cancellation import overdue_taken_over
from batchrelay.domain.run import DuplicateJob, Run
from batchrelay.domain.values import JobKey


def termination_taken_over(run: Run, job_id: str, now: datetime) -> Run:
    """A TerminateJob: of a duplicate job, or of a run that is being stopped."""
    if all(duplicate.job_id != job_id for duplicate in run.duplicate_jobs):
        return run if run.stop is None else overdue_taken_over(run, now)
    others = (other for other in run.duplicate_jobs if other.job_id != job_id)
    return replace(run, duplicate_jobs=(*others, DuplicateJob(job_id=job_id, since=now)))


def part_taken_over(run: Run, key: JobKey, now: datetime) -> Run:
    """A SubmitJob, or what makes sure that there is none."""
    step = run.pipeline.step_of_label(key.label)
    assert step is not None, key
    state = run.state(step.name)
    part = replace(state.parts[key.part], since=now)
    return run.with_step(step.name, replace(state, parts=state.with_part(key.part, part)))
