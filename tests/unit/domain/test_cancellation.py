"""A run is ended before its time: in any state, and distinguished from failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batchrelay.api.views import history, run_document
from batchrelay.domain.effects import (
    DeleteQueues,
    Notify,
    PublishRunEnd,
    SubmitJob,
    TerminateJob,
    WithdrawSubmission,
)
from batchrelay.domain.events import (
    CancelRequested,
    DeadlinePassed,
    GraceExpired,
    JobFailed,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    JobTerminated,
    QueuesDeleted,
    QueuesLeft,
    RunEndPublished,
    SubmissionWithdrawn,
)
from batchrelay.domain.limits import REASON_CHARS_MAX, SUBMIT_GRACE_S
from batchrelay.domain.notices import notice_of
from batchrelay.domain.pending_effects import is_open, pending_effects
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.stops import Stop, StopCause
from batchrelay.domain.transitions import advance
from tests.builders import MemoryCloud, at, fold, key, pipeline, run_of, step, steps_of

REASON = "enough"
JOB_REASON = "batchrelay: enough"
CANCEL = CancelRequested(at=at(5), reason="enough")


def submitted(label: str, part: int = 0) -> JobSubmitted:
    return JobSubmitted(at=at(1), key=key(label, part), job_id=f"job-{label}-{part}")


def failed(
    label: str, part: int = 0, *, stopped_at: float | None = 6, reason: str = "exit code 1"
) -> JobFailed:
    return JobFailed(
        at=at(7),
        key=key(label, part),
        job_id=f"job-{label}-{part}",
        succeeded=3,
        failed=7,
        reason=reason,
        stopped_at=None if stopped_at is None else at(stopped_at),
    )


def statuses(run: Run) -> dict[str, StepStatus]:
    return {step.name: run.state(step.name).status for step in run.pipeline.steps}


def test_what_runs_is_terminated_and_what_waits_never_begins() -> None:
    run = fold(run_of(step("a", size=10), step("b", "a")), submitted("a"), CANCEL)
    assert run.status is RunStatus.CANCELLING
    assert run.stop == Stop(cause=StopCause.CANCEL, reason=REASON, requested_at=at(5), since=at(5))
    assert statuses(run) == {"a": StepStatus.ACTIVE, "b": StepStatus.CANCELLED}
    stop = TerminateJob(run_id="run1", job_id="job-a-0", reason=JOB_REASON, since=at(5))
    assert pending_effects(run) == (stop,)
    job_terminated = fold(run, JobTerminated(at=at(6), job_id="job-a-0", failed=2))
    assert pending_effects(job_terminated) == ()
    assert is_open(job_terminated)
    ended = fold(job_terminated, failed("a"))
    assert statuses(ended) == {"a": StepStatus.CANCELLED, "b": StepStatus.CANCELLED}
    assert (ended.status, ended.ended_at) == (RunStatus.CANCELLED, at(7))
    [part] = ended.state("a").parts
    assert (part.outcome, part.succeeded, part.failed, part.stopped) == (
        JobOutcome.CANCELLED,
        3,
        2,
        5,
    )


def test_a_cancellation_is_idempotent_and_nothing_to_a_run_that_has_ended() -> None:
    run = fold(run_of(step("a")), submitted("a"), CANCEL)
    assert advance(run, replace(CANCEL, at=at(9), reason="again")) is run
    ended = fold(run, failed("a"))
    assert advance(ended, CANCEL) is ended


def test_a_job_that_failed_before_has_failed() -> None:
    run = fold(run_of(step("a"), step("b")), submitted("a"), submitted("b"), CANCEL)
    ended = fold(run, failed("a", stopped_at=4), failed("b"))
    assert statuses(ended) == {"a": StepStatus.FAILED, "b": StepStatus.CANCELLED}
    assert ended.status is RunStatus.CANCELLED


@pytest.mark.parametrize("stopped_at", [4, None])
def test_a_job_that_was_terminated_was_stopped_whatever_its_clock_says(
    stopped_at: float | None,
) -> None:
    run = fold(run_of(step("a")), submitted("a"), CANCEL)
    job_terminated = fold(run, JobTerminated(at=at(6), job_id="job-a-0"))
    assert fold(job_terminated, failed("a", stopped_at=stopped_at)).status is RunStatus.CANCELLED
    says_so = failed("a", stopped_at=stopped_at, reason=f"{JOB_REASON}, exit code 143")
    assert fold(run, says_so).status is RunStatus.CANCELLED


def test_a_job_that_succeeds_all_the_same_has_succeeded() -> None:
    """Nothing was stopped, so nothing was cancelled."""
    run = fold(run_of(step("a")), submitted("a"), CANCEL)
    ended = fold(run, JobSucceeded(at=at(7), key=key("a"), job_id="job-a-0"))
    assert (statuses(ended), ended.status) == ({"a": StepStatus.SUCCEEDED}, RunStatus.SUCCEEDED)


def published_at(seconds: float) -> PublishRunEnd:
    return PublishRunEnd(run_id="run1", redrive=0, since=at(seconds))


def test_a_submission_in_flight_is_withdrawn_only_after_its_grace() -> None:
    run = fold(run_of(step("a")), CANCEL)
    assert pending_effects(run) == (WithdrawSubmission(key=key("a"), since=at(0)),)
    adopted = fold(run, submitted("a"))
    assert [type(effect) for effect in pending_effects(adopted)] == [TerminateJob]
    gone = fold(run, SubmissionWithdrawn(at=at(400), key=key("a")))
    assert (gone.status, pending_effects(gone)) == (RunStatus.CANCELLED, (published_at(400),))
    duplicate = fold(gone, submitted("a"))
    assert [type(effect) for effect in pending_effects(duplicate)] == [TerminateJob, PublishRunEnd]


def test_parts_that_wait_for_others_never_begin() -> None:
    run = run_of(step("a", size=25_000, sequential=True))
    run = fold(run, submitted("a"), CANCEL)
    assert [part.outcome for part in run.state("a").parts] == [None, *[JobOutcome.CANCELLED] * 2]
    assert fold(run, failed("a")).status is RunStatus.CANCELLED


def test_a_preparation_is_not_waited_for_and_its_queue_is_deleted() -> None:
    run = fold(run_of(step("a", file="s3://b/plan.json", workers=2)), CANCEL)
    assert (statuses(run), run.status) == ({"a": StepStatus.CANCELLED}, RunStatus.CANCELLED)
    deletion = DeleteQueues(run_id="run1", since=at(5))
    assert pending_effects(run) == (deletion, published_at(5))
    run = fold(run, QueuesDeleted(at=at(6)), RunEndPublished(at=at(6), redrive=0))
    assert pending_effects(run) == ()
    assert pending_effects(fold(run, QueuesLeft(at=at(7)))) == (deletion,)


def test_a_stop_that_was_not_delivered_is_pending_anew() -> None:
    run = fold(run_of(step("a")), submitted("a"), CANCEL)
    later = at(5 + SUBMIT_GRACE_S)
    again = fold(run, GraceExpired(at=later))
    assert again.stop is not None
    assert (again.stop.requested_at, again.stop.since) == (at(5), later)
    assert advance(again, GraceExpired(at=later + timedelta(seconds=1))) is again


@pytest.mark.parametrize(("seconds", "status"), [(59, "RUNNING"), (60, "CANCELLING")])
def test_a_deadline_is_kept(seconds: float, status: str) -> None:
    run = fold(run_of(step("a"), timeout_s=60), submitted("a"))
    assert fold(run, DeadlinePassed(at=at(seconds))).status == status


def test_a_run_that_took_too_long_has_failed_and_says_so() -> None:
    rule = NoticeRule(topic="arn:aws:sns:x", on=frozenset({"FAILED"}))
    run = fold(run_of(step("a", size=10), timeout_s=60, notify=(rule,)), submitted("a"))
    ended = fold(run, DeadlinePassed(at=at(60)), failed("a", stopped_at=61))
    assert (statuses(ended), ended.status) == ({"a": StepStatus.CANCELLED}, RunStatus.FAILED)
    assert pending_effects(ended) == (
        Notify(run_id="run1", rule=0, since=at(7)),
        published_at(7),
    )
    message = notice_of(ended, 0).message
    assert "It was stopped: the run's timeout of 60 s has passed." in message
    assert "a: CANCELLED, 3 of 10 children succeeded, 7 stopped" in message


def test_a_run_without_a_timeout_has_no_deadline() -> None:
    run = run_of(step("a"))
    assert advance(run, DeadlinePassed(at=at(10**9))) is run


def test_a_long_reason_is_shortened() -> None:
    run = fold(run_of(step("a")), replace(CANCEL, reason="x" * 2_000))
    assert run.stop is not None
    assert len(run.stop.reason) == REASON_CHARS_MAX


# --- through the engine


def started(*steps: object, **options: object) -> MemoryCloud:
    cloud = MemoryCloud(pipeline(*steps, **options))  # type: ignore[arg-type]
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    return cloud


def test_a_cancel_stops_the_jobs_at_once_and_reconcile_polls_their_end() -> None:
    cloud = started(step("a", size=25_000), step("b", "a"))
    handled = cloud.engine.handle("run1", [CancelRequested(at=cloud.clock.now(), reason="enough")])
    assert [type(effect) for effect in handled.performed] == [TerminateJob] * 3
    assert {job.reason for job in cloud.jobs.jobs.values()} == {JOB_REASON}
    cloud.clock.move(60)
    assert cloud.engine.reconcile("run1").run.status is RunStatus.CANCELLED
    assert list(cloud.runs.open_runs()) == []


def test_a_job_that_had_ended_before_is_not_called_stopped() -> None:
    cloud = started(step("a"), step("b", "a"))
    [job_id] = cloud.jobs.jobs
    cloud.jobs.end(job_id, JobOutcome.FAILED, "exit code 1", at=cloud.clock.now())
    cloud.clock.move(1)
    run = cloud.engine.handle("run1", [CancelRequested(at=cloud.clock.now())]).run
    assert statuses(run) == {"a": StepStatus.FAILED, "b": StepStatus.CANCELLED}
    assert run.status is RunStatus.CANCELLED


def test_reconcile_keeps_the_deadline() -> None:
    cloud = started(step("a"), timeout_s=3_600)
    cloud.clock.move(3_599)
    assert cloud.engine.reconcile("run1").run.status is RunStatus.RUNNING
    cloud.clock.move(1)
    assert cloud.engine.reconcile("run1").run.status is RunStatus.CANCELLING
    assert cloud.engine.reconcile("run1").run.status is RunStatus.FAILED


def test_an_unrecorded_submission_is_found_and_stopped() -> None:
    """The handler died between SubmitJob and its save; then the run was cancelled."""
    cloud = started(step("a"))
    run = cloud.runs.load("run1")
    state = run.state("a")
    [part] = state.parts
    lost = replace(part, job_id=None)
    cloud.runs.runs["run1"] = run.with_step(
        "a", replace(state, status=StepStatus.SUBMITTING, parts=(lost,))
    )
    handled = cloud.engine.handle("run1", [CancelRequested(at=cloud.clock.now())])
    assert handled.run.status is RunStatus.CANCELLING
    cloud.clock.move(SUBMIT_GRACE_S)
    handled = cloud.engine.reconcile("run1")
    assert [type(effect) for effect in handled.performed] == [WithdrawSubmission, TerminateJob]
    assert cloud.engine.reconcile("run1").run.status is RunStatus.CANCELLED
    assert len(cloud.jobs.jobs) == 1


def test_nothing_is_submitted_for_a_run_that_is_being_stopped() -> None:
    run = fold(run_of(step("a"), step("b", "a")), submitted("a"), CANCEL)
    ended = fold(run, JobSucceeded(at=at(7), key=key("a"), job_id="job-a-0"))
    assert not any(isinstance(effect, SubmitJob) for effect in pending_effects(ended))
    assert ended.status is RunStatus.CANCELLED


def test_the_queue_of_a_preparation_that_ends_late_is_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = started(step("a", file="s3://b/plan.json", workers=2))
    cloud.objects.objects["s3://b/plan.json"] = b'{"Items": [1, 2, 3]}'
    create = cloud.queues.create

    def cancelled_meanwhile(name: str) -> str:
        cloud.engine.handle("run1", [CancelRequested(at=cloud.clock.now())])
        return create(name)

    monkeypatch.setattr(cloud.queues, "create", cancelled_meanwhile)
    handled = cloud.engine.prepare("run1", "a", 0)
    assert handled.run.status is RunStatus.CANCELLED
    assert cloud.queues.messages == {}
    assert list(cloud.runs.open_runs()) == []


def test_children_that_we_stopped_are_not_counted_as_failed() -> None:
    """Reconcile learns of them while the job is being stopped."""
    run = fold(run_of(step("a", size=10)), submitted("a"), CANCEL)
    job_terminated = fold(run, JobTerminated(at=at(6), job_id="job-a-0", failed=1))
    progress = JobProgressed(
        at=at(7), key=key("a"), job_id="job-a-0", succeeded=3, failed=6, running=1
    )
    [part] = fold(job_terminated, progress, failed("a")).state("a").parts
    assert (part.succeeded, part.failed, part.stopped) == (3, 1, 6)


def test_the_history_has_no_submission_that_never_was() -> None:
    run = fold(
        run_of(step("a")),
        CANCEL,
        GraceExpired(at=at(400)),
        SubmissionWithdrawn(at=at(401), key=key("a")),
    )
    assert not any("submitted" in str(moment["what"]) for moment in history(run))
    [shown] = steps_of(run_document(run))
    assert shown["startedAt"] is None
