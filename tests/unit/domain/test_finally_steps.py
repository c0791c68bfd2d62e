"""Finally steps: when they begin, what they know, and what stops them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batchrelay.api.redrive import plan_document
from batchrelay.api.views import history, run_document
from batchrelay.domain.effects import SubmitJob, TerminateJob, WithdrawSubmission
from batchrelay.domain.errors import InvalidPipeline
from batchrelay.domain.events import (
    CancelRequested,
    DeadlinePassed,
    GraceExpired,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    JobTerminated,
    RunDequeued,
)
from batchrelay.domain.finally_steps import ordinary_status, stop_of
from batchrelay.domain.limits import SUBMIT_GRACE_S
from batchrelay.domain.notices import notice_of
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.pipeline import NoticeRule, Overlap, Pipeline
from batchrelay.domain.redrive import Again, RedriveOrder, event_of, steps_to_redrive
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.start_check import start_problems
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.stops import StopCause
from batchrelay.domain.transitions import new_run
from tests.builders import at, fold, key, run_of, step, variables_of

CANCEL = CancelRequested(at=at(5), reason="enough")
CANCEL_ALL = CancelRequested(at=at(7), reason="hangs", stops_finally=True)
RULE = NoticeRule(topic="${env.topicArn}", on=frozenset({"FAILED", "CANCELLED"}))


def two(*, timeout_s: int | None = None, **flow: Any) -> Run:
    """One that works, one that cleans up."""
    return run_of(
        step("clean", is_finally=True, **flow),
        step("work"),
        timeout_s=timeout_s,
        notify=(RULE,),
    )


def submitted(name: str, round_number: int = 0) -> JobSubmitted:
    return JobSubmitted(at=at(1), key=key(name, round=round_number), job_id=f"{name}{round_number}")


def succeeded(name: str, round_number: int = 0) -> JobSucceeded:
    return JobSucceeded(at=at(8), key=key(name, round=round_number), job_id=f"{name}{round_number}")


def failed(name: str, *, stopped_at: float = 6, round_number: int = 0) -> JobFailed:
    return JobFailed(
        at=at(8),
        key=key(name, round=round_number),
        job_id=f"{name}{round_number}",
        succeeded=0,
        failed=1,
        reason="exit code 1",
        stopped_at=at(stopped_at),
    )


def submissions(run: Run) -> list[str]:
    return [e.key.label for e in pending_effects(run) if isinstance(e, SubmitJob)]


def terminations(run: Run) -> list[tuple[str, str]]:
    return [(e.job_id, e.reason) for e in pending_effects(run) if isinstance(e, TerminateJob)]


def test_finally_steps_come_last_in_the_order_of_the_steps() -> None:
    assert [each.name for each in two().pipeline.order] == ["work", "clean"]
    assert [each.name for each in two().pipeline.ordinary_steps] == ["work"]


@pytest.mark.parametrize(
    "steps",
    [
        (step("a"), step("f", "a", is_finally=True)),
        (step("f", is_finally=True), step("a", "f")),
    ],
)
def test_ordinary_and_finally_steps_do_not_need_each_other(steps: Any) -> None:
    with pytest.raises(InvalidPipeline, match="only one of them is finally"):
        Pipeline(name="p", version=1, steps=steps)


@pytest.mark.parametrize(
    ("end", "status"), [(succeeded, RunStatus.SUCCEEDED), (failed, RunStatus.FAILED)]
)
def test_a_finally_step_begins_when_the_others_have_ended(end: Any, status: RunStatus) -> None:
    run = fold(two(), submitted("work"))
    assert submissions(run) == []
    run = fold(run, end("work"))
    assert run.status is RunStatus.RUNNING
    assert submissions(run) == ["clean"]
    assert ordinary_status(run) is status
    ended = fold(run, submitted("clean"), succeeded("clean"))
    assert (ended.status, ended.state("clean").status) == (status, StepStatus.SUCCEEDED)


def test_a_finally_step_knows_what_the_others_came_to() -> None:
    request = {"containerOverrides": {"command": ["echo", "${run.status}"]}}
    clean = step("clean", is_finally=True, request=request)
    run = fold(run_of(step("work"), clean), submitted("work"), failed("work"))
    overrides: Any = submit_request(run, key("clean"))["containerOverrides"]
    assert overrides["command"] == ["echo", "FAILED"]
    assert variables_of(submit_request(run, key("clean")))["BATCHRELAY_RUN_STATUS"] == "FAILED"
    ordinary = variables_of(submit_request(run_of(step("work")), key("work")))
    assert "BATCHRELAY_RUN_STATUS" not in ordinary


@pytest.mark.parametrize(
    ("end", "status"), [(succeeded, StepStatus.SKIPPED), (failed, StepStatus.SUBMITTING)]
)
def test_a_finally_step_may_run_only_after_a_failure(end: Any, status: StepStatus) -> None:
    run = fold(two(when="${run.status} != SUCCEEDED"), submitted("work"), end("work"))
    assert run.state("clean").status is status
    assert not list(start_problems(run))


def test_a_start_does_not_know_yet_what_the_run_comes_to() -> None:
    wrong = {"containerOverrides": {"command": ["x" * 10_000]}}
    clean = step("clean", is_finally=True, when="${run.status} == FAILED", request=wrong)
    assert [p.step for p in start_problems(run_of(step("work"), clean))] == ["clean"]


def test_a_finally_step_that_failed_makes_the_run_failed() -> None:
    run = fold(two(), submitted("work"), succeeded("work"), submitted("clean"), failed("clean"))
    assert run.status is RunStatus.FAILED


def test_a_finally_step_behind_a_failed_one_is_skipped() -> None:
    steps = (step("work"), step("f", is_finally=True), step("g", "f", is_finally=True))
    run = fold(
        run_of(*steps),
        submitted("work"),
        succeeded("work"),
        submitted("f"),
        failed("f"),
    )
    assert run.state("g").status is StepStatus.SKIPPED


def test_a_cancelled_run_still_cleans_up() -> None:
    run = fold(two(), submitted("work"), CANCEL)
    assert terminations(run) == [("work0", "batchrelay: enough")]
    assert run.state("clean").status is StepStatus.WAITING
    run = fold(run, JobTerminated(at=at(6), job_id="work0"), failed("work"))
    assert run.status is RunStatus.CANCELLING
    assert submissions(run) == ["clean"]
    assert ordinary_status(run) is RunStatus.CANCELLED
    run = fold(run, submitted("clean"))
    assert terminations(run) == []
    again = replace(CANCEL, at=at(9))
    assert fold(run, again) is run
    assert fold(run, DeadlinePassed(at=at(10**6))) is run
    assert fold(run, succeeded("clean")).status is RunStatus.CANCELLED


def test_a_finally_step_of_a_cancelled_run_may_fail_of_its_own() -> None:
    run = fold(two(), submitted("work"), CANCEL, failed("work"), submitted("clean"))
    ended = fold(run, failed("clean", stopped_at=7))
    assert ended.state("clean").status is StepStatus.FAILED
    assert ended.status is RunStatus.CANCELLED


def test_a_cancellation_may_stop_the_finally_steps_too() -> None:
    run = fold(two(), submitted("work"), CANCEL_ALL, failed("work", stopped_at=8))
    assert run.state("clean").status is StepStatus.CANCELLED
    assert run.status is RunStatus.CANCELLED


def test_a_later_cancellation_stops_the_finally_step_at_work() -> None:
    run = fold(two(), submitted("work"), CANCEL, failed("work"), submitted("clean"), CANCEL_ALL)
    assert terminations(run) == [("clean0", "batchrelay: hangs")]
    assert (run.stop, run.finally_stop) != (None, None)
    assert fold(run, replace(CANCEL_ALL, at=at(9))) is run
    early, late = failed("clean", stopped_at=6), failed("clean", stopped_at=8)
    assert fold(run, early).state("clean").status is StepStatus.FAILED
    ended = fold(run, late)
    assert ended.state("clean").status is StepStatus.CANCELLED
    assert ended.status is RunStatus.CANCELLED
    assert "Its finally steps were stopped: hangs." in notice_of(ended, 0).message
    whats = [str(entry["what"]) for entry in history(ended)]
    assert "stop of the finally steps asked for: hangs" in whats
    document = run_document(ended)
    assert (document["stopped"], document["finallyStopped"]) == ("enough", "hangs")


def test_a_submission_of_a_finally_step_is_withdrawn_when_it_is_stopped() -> None:
    run = fold(two(), submitted("work"), succeeded("work"), CANCEL_ALL)
    assert run.status is RunStatus.CANCELLING
    assert [type(effect) for effect in pending_effects(run)] == [WithdrawSubmission]


def test_a_cancellation_when_only_finally_steps_go_on_changes_nothing() -> None:
    run = fold(two(), submitted("work"), succeeded("work"))
    assert fold(run, CANCEL) is run


def test_a_termination_of_a_finally_step_is_taken_over_alone() -> None:
    run = fold(two(), submitted("work"), CANCEL, failed("work"), submitted("clean"), CANCEL_ALL)
    late = at(7 + SUBMIT_GRACE_S)
    taken = fold(run, GraceExpired(at=late))
    assert taken.finally_stop is not None
    assert (taken.stop, taken.finally_stop.since) == (run.stop, late)


def test_a_run_that_never_began_has_nothing_to_clean_up() -> None:
    run = new_run(
        run_id="run1",
        pipeline=two().pipeline,
        params={},
        environment={},
        at=at(0),
        overlap=Overlap.QUEUE,
    )
    ended = fold(run, CANCEL)
    assert {state.status for state in ended.steps.values()} == {StepStatus.CANCELLED}
    assert ended.status is RunStatus.CANCELLED
    assert fold(fold(run, RunDequeued(at=at(1))), CANCEL).finally_stop is None


def test_the_finally_steps_of_a_run_that_took_too_long_run() -> None:
    run = fold(two(timeout_s=60), submitted("work"), DeadlinePassed(at=at(61)))
    run = fold(run, failed("work", stopped_at=62), submitted("clean"))
    assert ordinary_status(run) is RunStatus.FAILED
    assert fold(run, DeadlinePassed(at=at(10**5))) is run
    assert fold(run, succeeded("clean")).status is RunStatus.FAILED


def test_a_timeout_does_not_stop_finally_steps() -> None:
    run = fold(two(timeout_s=60), submitted("work"), succeeded("work"), submitted("clean"))
    assert fold(run, DeadlinePassed(at=at(61))) is run


@pytest.mark.parametrize("first", [(), (CANCEL,)])
def test_finally_steps_are_stopped_when_the_lists_expire(first: Any) -> None:
    run = fold(two(), submitted("work"), *first, failed("work"), submitted("clean"))
    expired = DeadlinePassed(at=at(89 * 86_400), open_days_max=89)
    assert fold(run, replace(expired, at=at(88 * 86_400))) is run
    stopped = fold(run, expired)
    assert stopped.finally_stop is not None
    assert stopped.finally_stop.cause is StopCause.TIMEOUT
    assert stop_of(stopped, stopped.pipeline.step("work")) == run.stop
    assert fold(stopped, expired) is stopped


def redriven(run: Run, only: str = "") -> Run:
    return fold(run, event_of(run, RedriveOrder(step=only), at(20)))


def sent(run: Run) -> Run:
    return replace(run, notices_since=None, end_event_since=None)


def test_a_redrive_runs_the_finally_steps_again() -> None:
    run = fold(two(), submitted("work"), failed("work"), submitted("clean"), succeeded("clean"))
    run = sent(run)
    assert steps_to_redrive(run) == {"work": Again.FAILED_ITEMS, "clean": Again.WHOLE}
    plan: Any = plan_document(run, RedriveOrder(), lambda *_: None)["steps"]
    assert [entry["step"] for entry in plan] == ["work", "clean"]
    assert redriven(run).state("clean").status is StepStatus.WAITING


def test_a_finally_step_that_failed_alone_is_redriven_alone() -> None:
    run = fold(two(), submitted("work"), CANCEL, failed("work"), submitted("clean"))
    run = sent(fold(run, failed("clean", stopped_at=7)))
    assert steps_to_redrive(run, "clean") == {"clean": Again.FAILED_ITEMS}
    again = redriven(run, "clean")
    assert again.status is RunStatus.RUNNING
    assert ordinary_status(again) is RunStatus.CANCELLED
    assert redriven(run).stop is None
