"""What comes of terminations, also of jobs that have ended, are missing, or are duplicates."""

from __future__ import annotations

from dataclasses import replace

from batchrelay.domain.errors import NotDone
from batchrelay.domain.events import (
    JobFailed,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    JobTerminated,
)
from batchrelay.domain.limits import DUPLICATE_JOBS_MAX
from batchrelay.domain.pending_effects import DUPLICATE_REASON, MISSING_REASON
from batchrelay.domain.run import DuplicateJob
from batchrelay.domain.step_state import JobOutcome
from batchrelay.engine.duplicate_jobs import stop_unnoted
from batchrelay.engine.effects import Performer
from tests.builders import T0, key
from tests.unit.engine.performing import NOW, Jobs, at_work, events_of, report, termination


def test_jobs_are_terminated_together_with_their_reason(performer: Performer, jobs: Jobs) -> None:
    run = at_work("a", "b", "c")
    jobs.reports = (report("a", None, failed=3), report("b", None))
    jobs.lives_on = frozenset({"j-c"})
    effects = (
        termination("j-a"),
        termination("j-x", "other"),
        termination("j-b"),
        termination("j-c"),
    )
    assert events_of(performer, run, *effects) == (
        JobTerminated(at=NOW, job_id="j-a", failed=3),
        JobTerminated(at=NOW, job_id="j-b", failed=0),
        JobTerminated(at=NOW, job_id="j-x", failed=0),
    )
    assert jobs.calls == [
        ("describe", "j-a", "j-x", "j-b", "j-c"),
        ("terminate", ("j-a", "j-b", "j-c"), "why"),
        ("terminate", ("j-x",), "other"),
    ]


def test_a_job_that_has_ended_by_now_has_ended_of_its_own(performer: Performer, jobs: Jobs) -> None:
    run = at_work("a", "b")
    jobs.reports = (
        report("a", JobOutcome.SUCCEEDED),
        report("b", JobOutcome.FAILED, succeeded=1, failed=2),
        report("x", JobOutcome.FAILED, failed=1),
    )
    effects = (termination("j-a"), termination("j-b"), termination("j-x", "other"))
    assert events_of(performer, run, *effects) == (
        JobSucceeded(at=NOW, key=key("a"), job_id="j-a"),
        JobFailed(at=NOW, key=key("b"), job_id="j-b", succeeded=1, failed=2, reason=""),
        JobTerminated(at=NOW, job_id="j-x", failed=1),
    )
    assert jobs.calls[1:] == [("terminate", ("j-x",), "other")]


def test_a_job_that_was_missing_and_is_there_goes_on(performer: Performer, jobs: Jobs) -> None:
    run = at_work("a", "b")
    jobs.reports = (report("a", None, running=1), report("b", None))
    effects = (termination("j-a", MISSING_REASON), termination("j-b"))
    assert events_of(performer, run, *effects) == (
        JobProgressed(at=NOW, key=key("a"), job_id="j-a", succeeded=0, failed=0, running=1),
        JobTerminated(at=NOW, job_id="j-b", failed=0),
    )


def test_a_duplicate_without_room_is_stopped_at_once(jobs: Jobs) -> None:
    duplicates = tuple(DuplicateJob(job_id=str(n), since=T0) for n in range(DUPLICATE_JOBS_MAX))
    full = replace(at_work("a"), duplicate_jobs=duplicates)
    results = [
        JobSubmitted(at=NOW, key=key("a"), job_id=job_id) for job_id in ("j-a", "0", "y", "x", "z")
    ]
    assert stop_unnoted(jobs, replace(full, duplicate_jobs=duplicates[1:]), results) is None
    assert jobs.calls == []
    assert stop_unnoted(jobs, full, results[:2]) is None
    assert jobs.calls == []
    assert stop_unnoted(jobs, full, results) is None
    assert jobs.calls == [("terminate", ("y", "x", "z"), DUPLICATE_REASON)]
    jobs.lives_on = frozenset({"x", "y"})
    problem = stop_unnoted(jobs, full, results)
    assert (type(problem), str(problem)) == (
        NotDone,
        "run run1: duplicate jobs may run on: x, y",
    )
