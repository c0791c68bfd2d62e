"""Rounds that run failed items again: what the events of a step's failures make of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchrelay.domain.effects import Prepare, SubmitJob
from batchrelay.domain.events import (
    CancelRequested,
    PreparationFailed,
    SubmissionRefused,
)
from batchrelay.domain.failures import FailureClass, RetryFailed, Tolerate
from batchrelay.domain.n_to_n import upstream_failures
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.requests import submit_request
from batchrelay.domain.retry_rounds import is_tolerated, runs_again
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import (
    NO_ATTEMPTS,
    Attempts,
    JobOutcome,
    Part,
    StepState,
    StepStatus,
)
from batchrelay.domain.transitions import advance
from tests.builders import Flow, at, fold, key, run_of, step, variables_of
from tests.unit.domain.facts import FOLDER, collected, failed, submitted, succeeded

ONCE, TWICE = RetryFailed(rounds=1), RetryFailed(rounds=2)


def after_one_round(*, retry: RetryFailed | None = ONCE, tolerate: Tolerate | None = None) -> Run:
    run = run_of(step("a", size=10, retry_failed=retry, tolerate=tolerate), step("z", "a"))
    return fold(run, submitted("a"), failed("a", 3))


def test_a_round_with_failures_is_followed_by_the_preparation_of_the_next() -> None:
    run = after_one_round()
    assert run.state("a") == StepState(
        status=StepStatus.PREPARING,
        since=at(2),
        round=1,
        children=10,
        earlier_rounds=(
            (
                Part(
                    size=10, since=at(0), job_id="a-0-0", outcome=JobOutcome.FAILED, succeeded=7,
                    failed=3,
                ),
            ),
        ),
        job_reason="Array Child Job failed",
    )  # fmt: skip
    assert pending_effects(run) == (Prepare(run_id="run1", step="a", round=1, since=at(2)),)
    assert (run.state("a").succeeded, run.state("a").failed) == (7, 3)


def test_the_failed_items_are_a_smaller_array_with_their_numbers() -> None:
    run = advance(after_one_round(), collected("a", 3))
    assert run.state("a").status is StepStatus.SUBMITTING
    assert run.state("a").reason == "3 × ExitCode (exit code 1)"
    (effect,) = pending_effects(run)
    assert isinstance(effect, SubmitJob)
    assert effect.key == key("a", round=1)
    request = submit_request(run, effect.key)
    assert request["arrayProperties"] == {"size": 3}
    assert variables_of(request) == {
        "BATCHRELAY_RUN_ID": "run1",
        "BATCHRELAY_STEP": "a",
        "BATCHRELAY_ROUND": "1",
        "BATCHRELAY_PART": "0",
        "BATCHRELAY_ITEM_NUMBERS": f"{FOLDER}numbers.txt",
        "BATCHRELAY_OFFSET": "0",
        "BATCHRELAY_RESULTS": "s3://the-bucket/runs/run1/a/r1/results/",
    }


def test_one_failed_item_is_a_plain_job_that_knows_its_index() -> None:
    run = advance(after_one_round(), collected("a", 1))
    request = submit_request(run, key("a", round=1))
    assert "arrayProperties" not in request
    assert variables_of(request)["BATCHRELAY_INDEX"] == "0"


@pytest.mark.parametrize(
    ("own", "grown"),
    [
        ("1000", "1500"),
        ("${params.mib}", "3002"),
        (None, "384"),
        ("much", "much"),
        ("1" * 20, "1" * 20),
    ],
)
def test_memory_grows_from_what_the_request_says_once_it_is_expanded(
    own: str | None, grown: str
) -> None:
    """What AWS Batch will refuse is left to it."""
    processors, memory = {"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": own}
    amounts = [processors] if own is None else [processors, memory]
    retry = RetryFailed(
        rounds=1,
        overrides={"containerOverrides": {"resourceRequirements": [*amounts]}},
        memory_factor=1.5,
        memory_mib=256,
    )
    run = run_of(step("a", size=10, retry_failed=retry), params={"mib": "2001"})
    run = fold(run, submitted("a"), failed("a", 3), collected("a", 0, 3))
    request = submit_request(run, key("a", round=1))
    overrides = request["containerOverrides"]
    assert isinstance(overrides, dict)
    assert overrides["resourceRequirements"] == [processors, {"type": "MEMORY", "value": grown}]


def test_a_step_whose_items_succeed_in_the_end_has_succeeded() -> None:
    run = fold(
        advance(after_one_round(), collected("a", 3)),
        submitted("a", round_number=1),
        succeeded("a", round_number=1),
    )
    state = run.state("a")
    assert (state.status, state.reason) == (StepStatus.SUCCEEDED, "")
    assert (state.succeeded, state.failed) == (10, 0)
    assert run.state("z").status is StepStatus.SUBMITTING


@pytest.mark.parametrize(
    ("tolerate", "status", "run_status"),
    [
        (None, StepStatus.FAILED, RunStatus.FAILED),
        (Tolerate(count=2), StepStatus.FAILED, RunStatus.FAILED),
        (Tolerate(count=3), StepStatus.PARTIAL, RunStatus.RUNNING),
        (Tolerate(percent=29.9), StepStatus.FAILED, RunStatus.FAILED),
        (Tolerate(percent=30), StepStatus.PARTIAL, RunStatus.RUNNING),
    ],
)
def test_what_fails_in_the_last_round_is_tolerated_or_not(
    tolerate: Tolerate | None, status: StepStatus, run_status: RunStatus
) -> None:
    run = advance(after_one_round(tolerate=tolerate), collected("a", failed=3))
    state = run.state("a")
    assert (state.status, state.reason) == (status, "3 × ExitCode (exit code 1)")
    assert (state.round, state.failed, state.failed_items, state.failures) == (0, 3, 3, FOLDER)
    assert [part.job_id for part in state.parts] == ["a-0-0"]
    assert run.status is run_status


def test_a_run_with_a_partial_step_is_partial() -> None:
    run = advance(after_one_round(tolerate=Tolerate(count=3)), collected("a", failed=3))
    run = fold(run, submitted("z"), succeeded("z"))
    assert run.status is RunStatus.PARTIAL


def test_an_item_that_was_given_up_on_is_not_forgotten_by_a_good_round() -> None:
    run = advance(after_one_round(tolerate=Tolerate(count=1)), collected("a", 2, failed=1))
    run = fold(run, submitted("a", round_number=1), succeeded("a", round_number=1))
    assert run.state("a").status is StepStatus.PREPARING, "the final lists are still to be written"
    assert run.state("a").round == 2
    run = advance(run, collected("a", round_number=2))
    state = run.state("a")
    assert (state.status, state.round, state.failed) == (StepStatus.PARTIAL, 1, 1)


def test_what_was_given_up_in_an_earlier_round_counts_against_the_tolerance() -> None:
    retry, tolerate = RetryFailed(rounds=2), Tolerate(count=1)
    run = advance(after_one_round(retry=retry, tolerate=tolerate), collected("a", 2, failed=1))
    run = fold(run, submitted("a", round_number=1), failed("a", 1, round_number=1, of=2))
    run = advance(run, collected("a", failed=1, round_number=2))
    assert (run.state("a").status, run.state("a").failed) == (StepStatus.FAILED, 2)


@pytest.mark.parametrize(("failed_items", "expected"), [(4, True), (5, False)])
def test_a_percentage_is_of_the_items_and_not_of_the_children(
    failed_items: int, expected: bool
) -> None:
    a = step("a", file="s3://b/k", chunk=4, tolerate=Tolerate(percent=10))
    run = run_of(a).with_step("a", StepState(items=40, children=10, parts=(Part(size=10),)))
    assert is_tolerated(run, a, failed_items) is expected


def test_attempts_of_one_preparation_do_not_count_against_the_next() -> None:
    run = after_one_round()
    tried = replace(run.state("a"), attempts=Attempts(requests=2, begun=3), resume=FOLDER)
    state = advance(run.with_step("a", tried), collected("a", 3)).state("a")
    assert (state.attempts, state.resume) == (NO_ATTEMPTS, "")


def collecting() -> Run:
    """A step that neither retries nor tolerates failures, while its causes are collected."""
    run = fold(run_of(step("a", size=10), step("z", "a")), submitted("a"))
    return advance(run, failed("a", 3))


def test_a_step_that_does_not_go_on_has_failed_with_its_causes() -> None:
    run = collecting()
    state = run.state("a")
    assert (state.status, state.job_reason) == (StepStatus.PREPARING, "Array Child Job failed")
    assert pending_effects(run) == (Prepare(run_id="run1", step="a", round=1, since=at(2)),)
    ended = advance(run, replace(collected("a", failed=3), reason="3 × ExitCode"))
    state = ended.state("a")
    assert (ended.status, state.status, state.round) == (RunStatus.FAILED, StepStatus.FAILED, 0)
    assert (state.reason, state.job_reason, state.failed) == ("3 × ExitCode", "", 3)
    assert [part.job_id for part in state.parts] == ["a-0-0"]


def test_a_job_whose_failures_are_not_listed_has_failed_for_its_reason() -> None:
    ended = advance(collecting(), replace(collected("a"), reason=""))
    state = ended.state("a")
    assert (state.status, state.reason) == (StepStatus.FAILED, "Array Child Job failed")


def test_a_failed_step_stays_failed_when_its_run_is_stopped() -> None:
    stopped = advance(collecting(), CancelRequested(at=at(4)))
    state = stopped.state("a")
    assert (state.status, state.reason) == (StepStatus.FAILED, "Array Child Job failed")
    assert (state.round, state.job_reason, [part.failed for part in state.parts]) == (0, "", [3])


def test_a_step_without_jobs_has_failed_at_once() -> None:
    refused = SubmissionRefused(at=at(1), key=key("a"), reason="no such queue: x")
    run = advance(run_of(step("a", size=10)), refused)
    state = run.state("a")
    assert (state.status, state.reason) == (StepStatus.FAILED, "no such queue: x")


@pytest.mark.parametrize("round_number", [0, 2])
def test_failures_of_another_round_are_stale(round_number: int) -> None:
    run = after_one_round()
    assert advance(run, collected("a", 3, round_number=round_number)) is run


def test_failures_of_a_step_that_has_gone_on_are_stale() -> None:
    run = advance(after_one_round(), collected("a", 3))
    assert advance(run, collected("a", 3)) is run


def test_a_run_that_is_stopped_collects_nothing() -> None:
    run = run_of(step("a", size=10, retry_failed=ONCE))
    run = fold(run, submitted("a"), CancelRequested(at=at(1)))
    run = advance(run, replace(failed("a", 3), stopped_at=at(0)))
    assert run.state("a").status is StepStatus.CANCELLED
    assert run.status is RunStatus.CANCELLED


def test_a_cancel_ends_the_search_for_failures_with_the_jobs_of_the_round_before() -> None:
    run = advance(after_one_round(), CancelRequested(at=at(4)))
    state = run.state("a")
    assert (state.status, state.round) == (StepStatus.CANCELLED, 0)
    assert [part.job_id for part in state.parts] == ["a-0-0"]


def test_failures_that_cannot_be_collected_fail_the_step() -> None:
    event = PreparationFailed(at=at(5), step="a", round=1, reason="the list is damaged")
    state = advance(after_one_round(), event).state("a")
    assert (state.status, state.reason) == (
        StepStatus.FAILED,
        "Array Child Job failed; the list is damaged",
    )
    assert (state.round, len(state.parts), state.failed) == (0, 1, 3)


def test_a_job_of_an_earlier_round_changes_nothing() -> None:
    run = advance(after_one_round(), collected("a", 3))
    assert advance(run, failed("a", 3)) is run
    assert advance(run, succeeded("a")) is run


# --- pairs


PAIRED: Flow = {"n_to_n_needs": frozenset({"a"})}


def pairs_after_one_round() -> Run:
    run = run_of(step("a", size=10, retry_failed=ONCE), step("b", "a", **PAIRED), step("z", "b"))
    run = fold(run, submitted("a"), submitted("b"))
    return fold(run, failed("a", 1), failed("b", 2))


def test_the_step_behind_waits_for_the_one_before_it() -> None:
    run = pairs_after_one_round()
    assert run.state("a").status is StepStatus.PREPARING
    assert run.state("b").status is StepStatus.ACTIVE
    run = fold(
        run, collected("a", 1), submitted("a", round_number=1), succeeded("a", round_number=1)
    )
    assert run.state("a").status is StepStatus.SUCCEEDED
    assert run.state("b").status is StepStatus.PREPARING


def test_a_later_round_of_the_step_behind_depends_on_no_job() -> None:
    run = fold(
        pairs_after_one_round(),
        collected("a", 1),
        submitted("a", round_number=1),
        succeeded("a", round_number=1),
        collected("b", 1, failed=0),
    )
    request = submit_request(run, key("b", round=1))
    assert "dependsOn" not in request


def test_failures_of_the_step_before_count_as_its_own_business() -> None:
    run = run_of(
        step("a", size=10, tolerate=Tolerate(count=1)), step("b", "a", **PAIRED), step("z", "b")
    )
    run = fold(run, submitted("a"), submitted("b"), failed("a", 1), failed("b", 1))
    run = fold(run, collected("a", failed=1), collected("b", upstream=1))
    assert run.state("b").status is StepStatus.PARTIAL
    assert run.state("z").status is StepStatus.SUBMITTING


def test_behind_a_step_that_failed_nothing_is_tolerated() -> None:
    run = fold(pairs_after_one_round(), collected("a", failed=1), collected("b", upstream=2))
    assert (run.state("a").status, run.state("b").status) == (StepStatus.FAILED, StepStatus.FAILED)
    assert run.status is RunStatus.FAILED


def test_items_that_failed_upstream_are_not_forgotten_by_a_good_round() -> None:
    a = step("a", size=10, retry_failed=ONCE, tolerate=Tolerate(count=1))
    run = fold(run_of(a, step("b", "a", **PAIRED)), submitted("a"), submitted("b"))
    run = fold(run, failed("a", 2), failed("b", 2), collected("a", 1, failed=1))
    run = fold(run, submitted("a", round_number=1), succeeded("a", round_number=1))
    run = fold(run, collected("a", round_number=2), collected("b", 1, upstream=1))
    run = fold(run, submitted("b", round_number=1), succeeded("b", round_number=1))
    assert run.state("b").status is StepStatus.PREPARING
    run = advance(run, collected("b", round_number=2))
    assert (run.state("b").status, run.state("b").upstream_items) == (StepStatus.PARTIAL, 1)
    assert upstream_failures(run, run.pipeline.step("b")) == 1


def test_a_step_that_comes_late_waits_until_no_item_runs_again() -> None:
    run = run_of(
        step("a", size=10, retry_failed=ONCE), step("slow"), step("b", "a", "slow", **PAIRED)
    )
    run = fold(run, submitted("a"), submitted("slow"), failed("a", 1), collected("a", 1))
    run = fold(run, submitted("a", round_number=1), succeeded("slow"))
    assert run.state("b").status is StepStatus.WAITING
    run = advance(run, succeeded("a", round_number=1))
    assert run.state("b").status is StepStatus.PREPARING, "its pairs ended without a job"
    assert run.state("b").first_parts == (Part(size=10, outcome=JobOutcome.FAILED, failed=10),)


# --- which failures run again


@pytest.mark.parametrize(
    ("retry", "named", "code", "round_number", "expected"),
    [
        (ONCE, FailureClass.EXIT_CODE, 1, 1, True),
        (ONCE, FailureClass.EXIT_CODE, 1, 2, False),
        (TWICE, FailureClass.EXIT_CODE, 1, 2, True),
        (ONCE, FailureClass.NOT_SUBMITTED, None, 1, False),
        (ONCE, FailureClass.UPSTREAM, None, 1, False),
        (None, FailureClass.EXIT_CODE, 1, 1, False),
        (RetryFailed(rounds=1, when=frozenset({"Timeout"})), FailureClass.EXIT_CODE, 1, 1, False),
        (RetryFailed(rounds=1, when=frozenset({"Timeout"})), FailureClass.TIMEOUT, None, 1, True),
        (
            RetryFailed(rounds=1, when=frozenset({"ExitCode:75"})),
            FailureClass.EXIT_CODE,
            75,
            1,
            True,
        ),
        (
            RetryFailed(rounds=1, when=frozenset({"ExitCode:75"})),
            FailureClass.EXIT_CODE,
            7,
            1,
            False,
        ),
    ],
)
def test_which_failures_run_again(
    retry: RetryFailed | None,
    named: FailureClass,
    code: int | None,
    round_number: int,
    expected: bool,
) -> None:
    a = step("a", size=10, retry_failed=retry)
    run = run_of(a).with_step(
        "a", StepState(round=round_number, earlier_rounds=((),) * round_number)
    )
    assert runs_again(run, a, named, code) is expected


@pytest.mark.parametrize(
    ("named", "round_number", "expected"),
    [
        (FailureClass.UPSTREAM, 1, True),
        (FailureClass.UPSTREAM, 2, False),
        (FailureClass.EXIT_CODE, 2, True),
        (FailureClass.EXIT_CODE, 3, False),
    ],
)
def test_the_round_of_the_pairs_is_one_more(
    named: FailureClass, round_number: int, expected: bool
) -> None:
    b = step("b", "a", retry_failed=ONCE, n_to_n_needs=frozenset({"a"}))
    run = run_of(step("a", size=10), b).with_step(
        "b", StepState(round=round_number, earlier_rounds=((),) * round_number)
    )
    assert runs_again(run, b, named, 1) is expected
