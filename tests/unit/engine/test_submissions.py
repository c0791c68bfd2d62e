"""What comes of submissions: jobs, refusals, withdrawals, and what stays pending."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchrelay.adapters.memory import MemoryClock
from batchrelay.domain.effects import Effect, SubmitJob, WithdrawSubmission
from batchrelay.domain.errors import Ambiguous, Refused, Throttled
from batchrelay.domain.events import (
    EffectsPostponed,
    JobSubmitted,
    SubmissionRefused,
    SubmissionWithdrawn,
)
from batchrelay.engine.effects import Pending, Performed, Performer
from tests.builders import T0, at, key, run_of, step
from tests.unit.engine.performing import NOW, Jobs, events_of, submission


def withdrawal() -> WithdrawSubmission:
    return WithdrawSubmission(since=T0, key=key("a"))


def test_each_answer_of_a_submission_is_its_event(performer: Performer, jobs: Jobs) -> None:
    run = run_of(*(step(name) for name in "abcd"))
    jobs.answers = ["j", Refused("no queue"), Throttled("later"), Ambiguous("timeout")]
    assert events_of(performer, run, *(submission(name) for name in "abcd")) == (
        JobSubmitted(at=NOW, key=key("a"), job_id="j"),
        SubmissionRefused(at=NOW, key=key("b"), reason="no queue"),
        EffectsPostponed(at=NOW, effects=(submission("c"),)),
    )
    assert jobs.calls == [("submit", *(key(name).name for name in "abcd"))]


def test_what_a_submission_raises_is_the_problem(performer: Performer, jobs: Jobs) -> None:
    run = run_of(step("a"), step("b"), step("c"))
    first, second = RuntimeError("first"), RuntimeError("second")
    jobs.answers = [first, second, "j"]
    effects: list[Pending] = [(submission(name), False) for name in "abc"]
    assert performer.perform(run, effects, goes_on=True) == Performed(
        events=(JobSubmitted(at=NOW, key=key("c"), job_id="j"),), problem=first
    )


def test_a_submission_that_is_overdue_is_left_to_reconcile(
    performer: Performer, jobs: Jobs
) -> None:
    late = replace(performer, clock=MemoryClock(time=at(SubmitJob.GRACE_S)))
    assert events_of(late, run_of(step("a")), submission()) == ()
    assert jobs.calls == []


FIND = ("find", "queue", key("a").name)


def test_a_submission_is_looked_up_twice_before_it_is_made_again(
    performer: Performer, jobs: Jobs
) -> None:
    jobs.listings, jobs.answers = [(), ()], ["j"]
    submitted = JobSubmitted(at=NOW, key=key("a"), job_id="j")
    assert events_of(performer, run_of(step("a")), submission(), again=True) == (submitted,)
    assert jobs.calls == [FIND, FIND, ("submit", key("a").name)]


@pytest.mark.parametrize("effect", [submission(), withdrawal()])
def test_every_job_that_is_there_is_reported(
    performer: Performer, jobs: Jobs, effect: Effect
) -> None:
    jobs.listings = [(), ("j", "k")]
    assert events_of(performer, run_of(step("a")), effect, again=True) == (
        JobSubmitted(at=NOW, key=key("a"), job_id="j"),
        JobSubmitted(at=NOW, key=key("a"), job_id="k"),
    )
    assert jobs.calls == [FIND, FIND]


def test_a_submission_that_is_not_there_is_withdrawn(performer: Performer, jobs: Jobs) -> None:
    run = run_of(step("a"))
    withdrawn = (SubmissionWithdrawn(at=NOW, key=key("a")),)
    jobs.listings = [(), (), ("refused",), ("throttled",)]
    assert events_of(performer, run, withdrawal()) == (), "it waits for its grace"
    assert jobs.calls == []
    assert events_of(performer, run, withdrawal(), again=True) == withdrawn
    assert events_of(performer, run, withdrawal(), again=True) == withdrawn, "its queue is gone"
    assert events_of(performer, run, withdrawal(), again=True) == ()


def test_a_submission_whose_queue_is_gone_is_refused(performer: Performer, jobs: Jobs) -> None:
    jobs.listings = [("refused",), ("throttled",)]
    run = run_of(step("a"))
    refused = SubmissionRefused(at=NOW, key=key("a"), reason="no queue")
    assert events_of(performer, run, submission(), again=True) == (refused,)
    assert events_of(performer, run, submission(), again=True) == ()
