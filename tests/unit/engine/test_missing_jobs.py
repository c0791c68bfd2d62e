"""A job that DescribeJobs leaves out: one answer decides nothing, and a job that is gone is not
waited for for ever."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.adapters.memory import MemoryJob
from batchrelay.domain.errors import Ambiguous
from batchrelay.domain.limits import JOB_MISSING_S, JOB_STOPPED_S, SUBMIT_GRACE_S
from batchrelay.domain.pending_effects import MISSING_REASON
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.step_state import JobOutcome
from tests.builders import MemoryCloud, pipeline, step
from verification.stress import missing_job

ORDER = StartRequest(run_id="run1", pipeline="test", version=1)


class Gone:
    """A cloud whose DescribeJobs leaves its jobs out on demand."""

    def __init__(self) -> None:
        self.cloud = MemoryCloud(pipeline(step("a"), step("b", "a")))
        self.cloud.engine.start(ORDER)
        self.is_missing = True
        self.looks, self.misses = 0, set[int]()
        self._describe = self.cloud.jobs.describe
        self.cloud.jobs.describe = self.describe  # type: ignore[method-assign,assignment]

    def describe(self, job_ids: list[str]) -> object:
        self.looks += 1
        return () if self.is_missing or self.looks in self.misses else self._describe(job_ids)

    @property
    def job(self) -> MemoryJob:
        return next(iter(self.cloud.jobs.jobs.values()))

    def reconciled(self, later_s: float) -> Run:
        self.cloud.clock.move(later_s)
        self.cloud.engine.reconcile("run1")
        self.cloud.prepare()
        return self.cloud.runs.load("run1")


def test_a_job_that_is_missing_for_an_hour_is_stopped_and_then_its_step_has_failed() -> None:
    gone = Gone()
    assert gone.reconciled(10_000).status is RunStatus.RUNNING, "one answer decides nothing"
    assert gone.reconciled(JOB_MISSING_S - 1).state("a").parts[0].is_given_up is False
    assert gone.job.report().outcome is None
    assert gone.reconciled(1).status is RunStatus.RUNNING, "its end may still be reported"
    assert (gone.job.outcome, gone.job.reason) == (JobOutcome.FAILED, MISSING_REASON)
    assert gone.reconciled(JOB_STOPPED_S - 1).status is RunStatus.RUNNING
    run = gone.reconciled(1)
    assert (run.status, run.state("a").reason) == (RunStatus.FAILED, f"1 × Lost: {MISSING_REASON}")
    assert run.duplicate_jobs == (), "it was stopped before"


@pytest.mark.parametrize("looks", [1, 2])
def test_a_report_ends_the_wait(looks: int) -> None:
    gone = Gone()
    gone.cloud.jobs.terminate = lambda *_: ()  # type: ignore[method-assign]
    for _ in range(looks):
        gone.reconciled(JOB_MISSING_S)
    gone.is_missing = False
    part = gone.reconciled(60).state("a").parts[0]
    assert (part.missing_since, part.is_given_up) == (None, False)
    gone.is_missing = True
    gone.reconciled(60)
    assert gone.reconciled(JOB_MISSING_S - 1).status is RunStatus.RUNNING, "an hour begins anew"


def test_a_job_that_is_there_when_it_is_to_be_stopped_goes_on() -> None:
    gone = Gone()
    gone.is_missing, gone.misses = False, {1, 2}  # the third look is that of its stop
    gone.reconciled(60)
    run = gone.reconciled(JOB_MISSING_S)
    assert (gone.looks, gone.job.outcome) == (3, None)
    part = run.state("a").parts[0]
    assert (part.missing_since, part.is_given_up, part.is_terminate_accepted) == (
        None,
        False,
        False,
    )


@pytest.mark.parametrize("cancel", [False, True])
def test_one_listing_without_a_submission_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, *, cancel: bool
) -> None:
    cloud = MemoryCloud(pipeline(step("a")))
    accept, find, looks = cloud.jobs.submit, cloud.jobs.find, iter([()])

    def lost(request: dict[str, Any]) -> str:
        accept(request)
        raise Ambiguous("500")

    monkeypatch.setattr(cloud.jobs, "submit", lost)
    monkeypatch.setattr(cloud.jobs, "find", lambda queue, name: next(looks, find(queue, name)))
    cloud.engine.start(ORDER)
    if cancel:
        cloud.engine.cancel("run1")
    cloud.clock.move(SUBMIT_GRACE_S)
    cloud.engine.reconcile("run1")
    [job] = cloud.jobs.jobs.values()
    assert job.outcome is (JobOutcome.FAILED if cancel else None)


def test_an_end_that_is_reported_later_is_its_end() -> None:
    gone = Gone()
    gone.reconciled(60)
    gone.cloud.jobs.end(gone.job.job_id, JobOutcome.SUCCEEDED)
    gone.is_missing = False
    assert gone.reconciled(JOB_MISSING_S).state("a").status == "SUCCEEDED"


def test_a_job_that_could_not_be_stopped_is_stopped_although_its_step_has_failed() -> None:
    gone = Gone()
    terminate = gone.cloud.jobs.terminate
    gone.cloud.jobs.terminate = lambda *_: ()  # type: ignore[method-assign]
    for later_s in (60, JOB_MISSING_S, JOB_STOPPED_S):
        run = gone.reconciled(later_s)
    assert run.status is RunStatus.FAILED
    assert list(gone.cloud.runs.open_runs()) == ["run1"]
    gone.cloud.jobs.terminate = terminate  # type: ignore[method-assign]
    assert gone.reconciled(1_000).duplicate_jobs == ()
    assert gone.job.outcome is JobOutcome.FAILED
    assert list(gone.cloud.runs.open_runs()) == []


def test_a_run_that_is_cancelled_ends_although_its_job_is_missing() -> None:
    gone = Gone()
    gone.cloud.engine.cancel("run1")
    for later_s in (60, JOB_MISSING_S, JOB_STOPPED_S):
        run = gone.reconciled(later_s)
    assert run.status is RunStatus.CANCELLED


def test_the_fault_is_gone() -> None:
    assert missing_job.main() == 0
