"""A run that has ended goes on with what failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchrelay.domain.effects import Notify, Prepare, PublishRunEnd, SubmitJob
from batchrelay.domain.events import (
    CancelRequested,
    FailuresCollected,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    NoticeSent,
    PreparationFailed,
    RedriveRequested,
    RunEndPublished,
)
from batchrelay.domain.failures import FailureClass, RetryFailed, Tolerate
from batchrelay.domain.notices import notice_of
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.redrive import Again, steps_to_redrive
from batchrelay.domain.requests import submit_request
from batchrelay.domain.retry_rounds import collects_failures, runs_again
from batchrelay.domain.run import NoticeState, Redrive, Run, RunStatus
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.transitions import advance
from tests.builders import Flow, at, fold, key, run_of, step

FOLDER = "s3://the-bucket/runs/run1/a/r1/20260101t000005000000/"
PAIRED: Flow = {"n_to_n_needs": frozenset({"a"})}


def submitted(label: str, round_number: int = 0) -> JobSubmitted:
    job_id = f"{label}-{round_number}"
    return JobSubmitted(at=at(1), key=key(label, round=round_number), job_id=job_id)


def failed(label: str, count: int = 1, round_number: int = 0, of: int = 10) -> JobFailed:
    return JobFailed(
        at=at(2),
        key=key(label, round=round_number),
        job_id=f"{label}-{round_number}",
        succeeded=of - count,
        failed=count,
        reason="Array Child Job failed",
    )


def succeeded(label: str, round_number: int = 0) -> JobSucceeded:
    job_id = f"{label}-{round_number}"
    return JobSucceeded(at=at(3), key=key(label, round=round_number), job_id=job_id)


def collected(
    name: str, *children: int, failed: int = 0, upstream: int = 0, round_number: int = 1
) -> FailuresCollected:
    return FailuresCollected(
        at=at(5), step=name, round=round_number, failed=failed, upstream=upstream,
        reason="why", failures=FOLDER, children=children,
    )  # fmt: skip


PUBLISHED = RunEndPublished(at=at(4), redrive=0)


def redrive(number: int = 1, **more: object) -> RedriveRequested:
    request = Redrive(number=number, at=at(9), **more)  # type: ignore[arg-type]
    return RedriveRequested(at=at(9), redrive=request)


def failed_run(**flow: object) -> Run:
    """Its step `a` failed, and what needs it was skipped."""
    run = run_of(
        step("first"), step("a", "first", size=10, **flow), step("z", "a"),  # type: ignore[arg-type]
        notify=(NoticeRule(topic="t", on=frozenset({"FAILED", "SUCCEEDED"})),),
    )  # fmt: skip
    run = fold(run, submitted("first"), succeeded("first"), submitted("a"), failed("a"))
    return fold(run, NoticeSent(at=at(4), rule=0), PUBLISHED)


def test_a_failed_run_goes_on_with_its_failed_items_and_what_depends_on_them() -> None:
    run = failed_run()
    assert run.status is RunStatus.FAILED
    run = advance(run, redrive())
    assert (run.status, run.ended_at, run.notices) == (RunStatus.RUNNING, None, {})
    assert run.state("first").status is StepStatus.SUCCEEDED
    state = run.state("a")
    assert (state.status, state.round, state.redrive_round) == (StepStatus.PREPARING, 1, 1)
    assert run.state("z").status is StepStatus.WAITING
    assert pending_effects(run) == (Prepare(run_id="run1", step="a", round=1, since=at(9)),)
    run = fold(run, collected("a", 1), submitted("a", 1), succeeded("a", 1))
    assert run.state("a").status is StepStatus.SUCCEEDED
    assert run.state("z").round == 1
    run = fold(run, submitted("z", 1), succeeded("z", 1))
    assert run.status is RunStatus.SUCCEEDED
    assert pending_effects(run) == (
        Notify(run_id="run1", rule=0, since=at(3)),
        PublishRunEnd(run_id="run1", redrive=1, since=at(3)),
    )
    assert notice_of(run, 0).id == "run1-0-succeeded-1"


def test_a_second_redrive_at_the_same_moment_changes_nothing() -> None:
    run = advance(failed_run(), redrive())
    assert advance(run, redrive()) is run
    assert advance(run, redrive(2)) is run


def test_a_run_that_runs_or_has_succeeded_is_not_redriven() -> None:
    run = run_of(step("a"))
    assert advance(run, redrive()) is run
    run = fold(run, submitted("a"), succeeded("a"))
    assert run.status is RunStatus.SUCCEEDED
    assert advance(run, redrive()) is run


def test_a_run_whose_end_is_not_reported_yet_is_not_redriven() -> None:
    run = run_of(step("a"), notify=(NoticeRule(topic="t", on=frozenset({"FAILED"})),))
    run = fold(run, submitted("a"), failed("a", of=1))
    for reported in (NoticeSent(at=at(4), rule=0), PUBLISHED):
        assert advance(run, redrive()) is run
        run = advance(run, reported)
    assert advance(run, redrive()) is not run


def test_each_end_of_a_run_is_published_and_a_late_answer_acknowledges_no_other() -> None:
    run = fold(failed_run(), redrive(), collected("a", failed=1))
    assert (run.status, run.end_event) == (RunStatus.FAILED, None)
    assert PublishRunEnd(run_id="run1", redrive=1, since=at(5)) in pending_effects(run)
    assert advance(run, PUBLISHED) is run
    assert advance(run, replace(PUBLISHED, redrive=1)).end_event is NoticeState.SENT


def test_a_step_that_did_not_fail_cannot_be_named() -> None:
    run = failed_run()
    assert advance(run, redrive(step="first")) is run
    assert advance(run, redrive(step="a")) is not run


def test_what_was_made_of_less_is_made_anew() -> None:
    run = run_of(step("a", size=10, tolerate=Tolerate(count=1)), step("z", "a"))
    run = fold(run, submitted("a"), failed("a"), collected("a", failed=1))
    run = fold(run, submitted("z"), succeeded("z"))
    assert run.status is RunStatus.PARTIAL
    assert steps_to_redrive(run) == {"a": Again.FAILED_ITEMS, "z": Again.WHOLE}
    run = fold(run, PUBLISHED, redrive())
    assert run.state("z").status is StepStatus.WAITING
    run = fold(run, collected("a", 1), submitted("a", 1), succeeded("a", 1))
    [effect] = pending_effects(run)
    assert isinstance(effect, SubmitJob)
    assert effect.key == key("z", round=1)
    run = fold(run, submitted("z", 1), succeeded("z", 1))
    assert run.status is RunStatus.SUCCEEDED
    assert run.state("a").failed == 0


def test_what_fails_again_is_counted_anew() -> None:
    run = run_of(step("a", size=10, tolerate=Tolerate(count=2)))
    run = fold(run, submitted("a"), failed("a", 2), collected("a", failed=2), PUBLISHED, redrive())
    run = fold(run, collected("a", 2), submitted("a", 1), failed("a", 1, 1, of=2))
    run = advance(run, collected("a", failed=1, round_number=2))
    state = run.state("a")
    assert (state.status, state.round, state.failed) == (StepStatus.PARTIAL, 1, 1)
    assert fold(run, replace(PUBLISHED, redrive=1), redrive(2)).state("a").redrive_round == 2


def test_a_cancelled_run_goes_on_from_where_it_stopped() -> None:
    run = run_of(step("a", size=10), step("z", "a"))
    run = fold(run, submitted("a"), CancelRequested(at=at(2)))
    run = advance(run, replace(failed("a", 4), stopped_at=at(3)))
    assert run.status is RunStatus.CANCELLED
    run = fold(run, PUBLISHED, redrive())
    assert (run.status, run.stop) == (RunStatus.RUNNING, None)
    assert run.state("a").status is StepStatus.PREPARING
    assert run.state("z").status is StepStatus.WAITING
    run = fold(run, collected("a", 6), submitted("a", 1), succeeded("a", 1))
    assert run.state("z").status is StepStatus.SUBMITTING


def test_a_step_without_jobs_begins_anew() -> None:
    run = run_of(step("first"), step("a", "first", size=10))
    run = fold(run, CancelRequested(at=at(1)), submitted("first"))
    run = advance(run, replace(failed("first", of=1), stopped_at=at(3)))
    assert steps_to_redrive(run) == {"first": Again.FAILED_ITEMS, "a": Again.WHOLE}


def test_a_step_whose_list_could_not_be_read_begins_anew() -> None:
    run = run_of(step("a", file="s3://b/list.json"), step("b", "a", **PAIRED))
    run = advance(run, PreparationFailed(at=at(1), step="a", round=0, reason="no such key"))
    assert run.status is RunStatus.FAILED
    assert steps_to_redrive(run) == {"a": Again.WHOLE, "b": Again.WHOLE}


def test_the_second_half_of_a_pair_begins_anew_with_the_first() -> None:
    first = step("first", size=10, tolerate=Tolerate(count=1))
    run = run_of(first, step("a", "first", size=10), step("b", "a", **PAIRED))
    run = fold(run, submitted("first"), failed("first"), collected("first", failed=1))
    run = fold(run, submitted("a"), submitted("b"), succeeded("a"), failed("b", 2))
    again = {"first": Again.FAILED_ITEMS, "a": Again.WHOLE, "b": Again.WHOLE}
    assert steps_to_redrive(run) == again


def test_of_a_queue_only_what_was_left_runs_again() -> None:
    run = run_of(step("a", size=10, workers=3))
    run = fold(run, submitted("a"), failed("a"))
    assert steps_to_redrive(run) == {"a": Again.FAILED_ITEMS}


def test_a_pair_waits_for_its_first_half_again() -> None:
    run = run_of(step("a", size=10), step("b", "a", **PAIRED))
    run = fold(run, submitted("a"), submitted("b"), failed("a"), failed("b", 2))
    assert run.status is RunStatus.FAILED
    run = fold(run, PUBLISHED, redrive())
    assert run.state("a").status is StepStatus.PREPARING
    assert run.state("b").status is StepStatus.ACTIVE
    run = fold(run, collected("a", 1), submitted("a", 1), succeeded("a", 1))
    assert run.state("b").status is StepStatus.PREPARING
    run = fold(run, collected("b", 2), submitted("b", 1), succeeded("b", 1))
    assert run.status is RunStatus.SUCCEEDED


def test_a_redriven_run_may_be_cancelled() -> None:
    run = fold(advance(failed_run(), redrive()), CancelRequested(at=at(10)))
    assert run.status is RunStatus.CANCELLED
    assert run.state("a").round == 0


def test_the_rounds_of_a_redrive_may_have_another_queue_and_more_memory() -> None:
    needs = {"resourceRequirements": [{"type": "MEMORY", "value": "1000"}]}
    run = run_of(step("a", size=10, request={"containerOverrides": needs}))
    run = fold(run, submitted("a"), failed("a"))
    run = fold(run, PUBLISHED, redrive(queue="on-demand", memory_factor=1.5))
    run = advance(run, collected("a", 1))
    request = submit_request(run, key("a", round=1))
    assert request["jobQueue"] == "on-demand"
    overrides = request["containerOverrides"]
    assert isinstance(overrides, dict)
    assert overrides["resourceRequirements"] == [{"type": "MEMORY", "value": "1500"}]


def test_the_timeout_of_a_redriven_run_begins_anew() -> None:
    run = run_of(step("a"), timeout_s=60)
    run = fold(run, submitted("a"), failed("a", of=1), PUBLISHED, redrive())
    assert run.deadline == at(69)


@pytest.mark.parametrize(
    ("classes", "named", "code", "expected"),
    [
        (frozenset(), FailureClass.NOT_SUBMITTED, None, True),
        (frozenset({"Timeout"}), FailureClass.EXIT_CODE, 1, False),
        (frozenset({"Timeout"}), FailureClass.TIMEOUT, None, True),
        (frozenset({"ExitCode:3"}), FailureClass.EXIT_CODE, 3, True),
        (frozenset({"Timeout"}), FailureClass.UPSTREAM, None, True),
    ],
)
def test_a_redrive_may_be_of_some_classes(
    classes: frozenset[str], named: FailureClass, code: int | None, expected: bool
) -> None:
    run = advance(failed_run(), redrive(classes=classes))
    assert runs_again(run, run.pipeline.step("a"), named, code) is expected


def test_rounds_of_retry_failed_follow_those_of_a_redrive() -> None:
    run = failed_run(retry_failed=RetryFailed(rounds=1))
    run = fold(run, collected("a", failed=1), NoticeSent(at=at(6), rule=0), PUBLISHED, redrive())
    run = fold(run, collected("a", 1), submitted("a", 1), failed("a", 1, 1, of=1))
    a = run.pipeline.step("a")
    assert run.state("a").round == 2
    assert runs_again(run, a, FailureClass.EXIT_CODE, 1)
    run = fold(run, collected("a", 1, round_number=2), submitted("a", 2), failed("a", 1, 2, of=1))
    assert run.state("a").round == 3
    assert not runs_again(run, a, FailureClass.EXIT_CODE, 1)


def test_a_pair_does_not_depend_on_a_job_that_was_stopped_before_the_redrive() -> None:
    run = run_of(step("a", size=10), step("slow"), step("b", "a", "slow", **PAIRED))
    run = fold(run, submitted("a"), submitted("slow"), CancelRequested(at=at(2)))
    run = advance(run, replace(failed("a", 4), stopped_at=at(3)))
    run = advance(run, replace(failed("slow", of=1), stopped_at=at(3)))
    assert run.status is RunStatus.CANCELLED
    run = fold(run, PUBLISHED, redrive(), collected("a", 6), collected("slow", 1))
    run = fold(run, submitted("slow", 1), succeeded("slow", 1), submitted("a", 1))
    run = advance(run, succeeded("a", 1))
    assert run.state("b").status is StepStatus.PREPARING
    assert [part.job_id for part in run.state("b").first_parts] == [None]


def test_the_third_step_of_a_chain_of_pairs_collects_its_failures() -> None:
    first = step("a", size=10, retry_failed=RetryFailed(rounds=1))
    last: Flow = {"n_to_n_needs": frozenset({"b"})}
    run = run_of(first, step("b", "a", **PAIRED), step("c", "b", **last))
    assert collects_failures(run, run.pipeline.step("c"))
