"""Duplicate jobs that a run has no note of: they are stopped at once, or nothing ever would."""

from __future__ import annotations

from collections.abc import Iterable

from batchrelay.domain.errors import NotDone
from batchrelay.domain.events import Event, JobSubmitted
from batchrelay.domain.limits import DUPLICATE_JOBS_MAX
from batchrelay.domain.pending_effects import DUPLICATE_REASON
from batchrelay.domain.run import Run
from batchrelay.ports import Jobs


def stop_unnoted(jobs: Jobs, run: Run, results: Iterable[Event]) -> NotDone | None:
    """Stop the submitted jobs that the run has not adopted and has no room to note.

    Args:
        run: with the results folded into it.

    Returns: what is to be raised if some of them may run on, with their ids.
    """
    if len(run.duplicate_jobs) < DUPLICATE_JOBS_MAX:
        return None
    known = {duplicate.job_id for duplicate in run.duplicate_jobs}
    known |= {part.job_id or "" for state in run.steps.values() for part in state.every_part}
    submitted = [event.job_id for event in results if isinstance(event, JobSubmitted)]
    unnoted = [job_id for job_id in submitted if job_id not in known]
    stopped = jobs.terminate(unnoted, DUPLICATE_REASON) if unnoted else ()
    left = sorted(set(unnoted) - set(stopped))
    return NotDone(f"run {run.id}: duplicate jobs may run on: {', '.join(left)}") if left else None
