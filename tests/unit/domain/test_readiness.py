"""How a step begins, whole: its parts, or why it has none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batchrelay.domain.effects import Prepare, SubmitJob
from batchrelay.domain.events import (
    AttemptFailed,
    EffectsPostponed,
    GraceExpired,
    JobSubmitted,
    JobSucceeded,
    NoticeRefused,
    NoticeSent,
    PreparationBegun,
    Prepared,
    QueuesLeft,
    RunContinued,
)
from batchrelay.domain.limits import (
    CONTINUE_GRACE_S,
    NOTICE_GRACE_S,
    PREPARE_ATTEMPTS_MAX,
    SUBMISSIONS_MAX,
)
from batchrelay.domain.pipeline import NoticeRule, Step
from batchrelay.domain.postponed_effects import free_submissions
from batchrelay.domain.run import NoticeState, Run
from batchrelay.domain.run_size import state_bytes
from batchrelay.domain.step_state import Attempts, Part, StepState, StepStatus
from batchrelay.domain.transitions import advance
from tests.builders import T0, at, fold, key, run_of, step

SIZE = {"arrayProperties": {"size": "${params.n}"}}


def ended(label: str = "a", seconds: float = 2, part: int = 0) -> JobSucceeded:
    return JobSucceeded(at=at(seconds), key=key(label, part), job_id="j")


def after_a(*steps: Step, n: str = "3") -> Run:
    return advance(run_of(step("a"), *steps, params={"n": n}), ended())


def test_a_step_of_size_0_is_skipped_and_its_dependents_run() -> None:
    run = after_a(step("b", "a", request=SIZE), step("c", "b"), n="0")
    assert run.state("b") == StepState(
        status=StepStatus.SKIPPED, since=at(2), reason="0 children", children=0
    )
    assert run.state("c").status is StepStatus.SUBMITTING


def test_a_step_whose_size_is_no_number_fails_with_the_reason() -> None:
    run = after_a(step("b", "a", request=SIZE), step("c", "b"), n="ten")
    assert run.state("b") == StepState(
        status=StepStatus.FAILED,
        since=at(2),
        reason="arrayProperties.size must be a number, got 'ten'",
    )
    assert run.state("c") == StepState(
        status=StepStatus.SKIPPED, since=at(2), reason="needs b, which is FAILED"
    )


def test_a_step_whose_condition_does_not_hold_is_skipped_with_it() -> None:
    run = after_a(step("b", "a", when="params.n == 4"))
    assert run.state("b") == StepState(
        status=StepStatus.SKIPPED, since=at(2), reason="when: params.n == 4 does not hold"
    )


def test_a_step_is_submitted_in_parts_of_its_size() -> None:
    run = after_a(step("b", "a", request=SIZE), n="10001")
    assert run.state("b") == StepState(
        status=StepStatus.SUBMITTING,
        since=at(2),
        children=10_001,
        parts=(Part(size=5_001, since=at(2)), Part(size=5_000, since=at(2))),
    )


def test_a_step_continues_its_n_to_n_step_with_its_items() -> None:
    fan = step("a", file="s3://b/f", chunk=7)
    run = run_of(fan, step("b", "a", n_to_n_needs=frozenset({"a"})))
    event = Prepared(
        at=at(1),
        step="a",
        round=0,
        items=15,
        children=(3,),
        existing=2,
        chunk=7,
        manifest="s3://m/",
    )
    run = advance(run, event)
    first, second = run.state("a"), run.state("b")
    assert (second.items, second.chunk, second.existing, second.manifest) == (15, 7, 2, "s3://m/")
    assert (second.children, [part.size for part in second.parts]) == (3, [3])
    assert (first.status, second.status) == (StepStatus.SUBMITTING, StepStatus.SUBMITTING)


def test_a_step_with_items_is_prepared() -> None:
    run = after_a(step("b", "a", file="s3://b/f"))
    assert run.state("b") == StepState(status=StepStatus.PREPARING, since=at(2))


def test_a_preparation_that_fails_for_the_last_time_fails_its_step() -> None:
    run = run_of(step("a", file="s3://b/f"))
    for number in range(1, PREPARE_ATTEMPTS_MAX + 1):
        begun = PreparationBegun(at=at(10 * number), step="a", round=0)
        failed = AttemptFailed(at=at(10 * number + 5), step="a", round=0, reason="no access")
        run = advance(run, begun)
        before, run = run, advance(run, failed)
    assert before.state("a").status is StepStatus.PREPARING
    assert run.state("a") == StepState(
        status=StepStatus.FAILED,
        since=failed.at,
        reason=f"not prepared in {PREPARE_ATTEMPTS_MAX} attempts, the last: no access",
    )


# --- notices, queues, what is postponed

RULE = NoticeRule(topic="arn:t", on=frozenset({"SUCCEEDED"}))


def test_what_became_of_a_notice_is_recorded_once_and_after_the_end() -> None:
    open_run = run_of(step("a"), notify=(RULE, RULE))
    assert advance(open_run, NoticeSent(at=at(1), rule=0)) is open_run
    run = advance(open_run, ended())
    run = fold(run, NoticeSent(at=at(3), rule=0), NoticeRefused(at=at(3), rule=1))
    assert run.notices == {0: NoticeState.SENT, 1: NoticeState.REFUSED}
    assert advance(run, NoticeRefused(at=at(4), rule=0)) is run
    assert advance(run, NoticeSent(at=at(4), rule=2)) is run


def test_what_is_overdue_is_taken_over_with_the_time() -> None:
    run = replace(advance(run_of(step("a", workers=2), notify=(RULE,)), ended()), queues_since=T0)
    run = replace(run, end_event_since=T0)
    late = GraceExpired(at=at(2 + NOTICE_GRACE_S))
    taken = advance(run, late)
    assert (taken.notices_since, taken.queues_since) == (late.at, late.at)
    assert taken == replace(
        run, notices_since=late.at, queues_since=late.at, end_event_since=late.at
    )
    waiting = replace(run_of(step("a")), continue_since=T0)
    late = GraceExpired(at=at(CONTINUE_GRACE_S))
    assert advance(waiting, late).continue_since == late.at


def test_queues_that_are_left_are_deleted_only_after_the_end() -> None:
    run = run_of(step("a"))
    assert advance(run, QueuesLeft(at=at(1))) is run
    over = advance(run, ended())
    assert advance(over, QueuesLeft(at=at(5))) == replace(over, queues_since=at(5))


def submission(**fields: Any) -> SubmitJob:
    return SubmitJob(since=T0, key=replace(key("a"), **fields))


def test_only_a_submission_of_this_round_and_part_is_handed_back() -> None:
    run = run_of(step("a"))
    for stale in (submission(round=1), submission(part=1), submission(round=1, part=1)):
        changed = advance(run, EffectsPostponed(at=at(1), effects=(stale,)))
        assert changed == replace(run, continue_since=at(1))
    changed = advance(run, EffectsPostponed(at=at(1), effects=(submission(),)))
    assert changed.state("a").parts == (Part(size=1, since=None),)
    assert advance(changed, EffectsPostponed(at=at(2), effects=())) is changed


def test_only_the_same_preparation_is_handed_back() -> None:
    run = run_of(step("a", file="s3://b/f"))
    for stale in (
        Prepare(since=at(1), run_id="run1", step="a", round=0),
        Prepare(since=T0, run_id="run1", step="a", round=1),
    ):
        changed = advance(run, EffectsPostponed(at=at(1), effects=(stale,)))
        assert changed == replace(run, continue_since=at(1))
    same = Prepare(since=T0, run_id="run1", step="a", round=0)
    changed = advance(run, EffectsPostponed(at=at(1), effects=(same,)))
    assert changed.state("a") == StepState(status=StepStatus.PREPARING, since=None)
    again = advance(changed, RunContinued(at=at(3)))
    assert (again.state("a").since, again.continue_since) == (at(3), None)


def test_how_many_submissions_may_become_pending() -> None:
    run = run_of(step("a"), step("b"), step("c", size=25_000))
    assert free_submissions(run) == SUBMISSIONS_MAX - 5
    submitted = JobSubmitted(at=at(1), key=key("c", 1), job_id="j")
    assert free_submissions(fold(run, ended("a"), submitted)) == SUBMISSIONS_MAX - 3
    assert free_submissions(replace(run, continue_since=T0)) == 0


# --- room


def test_a_parameter_takes_its_quotes_and_signs() -> None:
    run = run_of(step("a"))
    both = replace(run, params={"é": "\n", "x": "yz"})
    assert state_bytes(both) - state_bytes(run) == len('"é":"\\n","x":"yz",'.encode())
    assert state_bytes(replace(run, trigger={"x": "yz"})) - state_bytes(run) == len('"x":"yz",')


def test_a_step_takes_room_for_attempts_only_while_it_is_prepared() -> None:
    attempts = Attempts(requests=1, begun=1, is_underway=True)
    run = run_of(step("a"))
    counted = run.with_step("a", replace(run.state("a"), attempts=attempts))
    assert state_bytes(counted) == state_bytes(run)
