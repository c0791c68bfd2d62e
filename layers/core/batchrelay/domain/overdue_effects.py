"""Effects that are overdue: the process that saves this alone performs them, and their grace begins
anew."""

from __future__ import annotations

from datetime import datetime

from batchrelay.domain.cancellation import overdue_taken_over
from batchrelay.domain.copies import replace
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import DuplicateJob, Run
from batchrelay.domain.values import JobKey


def termination_taken_over(run: Run, job_id: str, now: datetime) -> Run:
    """A TerminateJob: of a duplicate job, or of a run or a step that is being stopped."""
    if all(duplicate.job_id != job_id for duplicate in run.duplicate_jobs):
        step = _step_of_job(run, job_id)
        if stop_of(run, step) is not None:
            return overdue_taken_over(run, step, now)
        return _early_stop_taken_over(run, step, now)
    others = (other for other in run.duplicate_jobs if other.job_id != job_id)
    return replace(run, duplicate_jobs=(*others, DuplicateJob(job_id=job_id, since=now)))


def _step_of_job(run: Run, job_id: str) -> Step:
    return next(
        run.pipeline.step(name)
        for name, state in run.steps.items()
        if any(part.job_id == job_id for part in state.parts)
    )


def _early_stop_taken_over(run: Run, step: Step, now: datetime) -> Run:
    state = run.state(step.name)
    if state.early_stop is None:
        return run
    return run.with_step(step.name, replace(state, early_stop=replace(state.early_stop, since=now)))


def part_taken_over(run: Run, key: JobKey, now: datetime) -> Run:
    """A SubmitJob, or what makes sure that there is none."""
    step = run.pipeline.step_of_label(key.label)
    assert step is not None, key
    state = run.state(step.name)
    part = replace(state.parts[key.part], since=now)
    return run.with_step(step.name, replace(state, parts=state.with_part(key.part, part)))
