"""The table, row by row, and the laws on top of domain/transitions.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchrelay.domain.derived_transitions import HOLD_TABLE, RUN_END_TABLE, STEP_TABLE
from batchrelay.domain.effects import Notify, Prepare, PublishRunEnd, SubmitJob, TerminateJob
from batchrelay.domain.errors import TransitionError
from batchrelay.domain.events import (
    EffectsPostponed,
    GraceExpired,
    JobFailed,
    JobMissing,
    JobSubmitted,
    JobSucceeded,
    JobTerminated,
    NoticeRefused,
    NoticeSent,
    PreparationFailed,
    Prepared,
    RedriveRequested,
    RunDequeued,
    RunEndPublished,
    RunEndRefused,
    SubmissionRefused,
)
from batchrelay.domain.limits import (
    JOB_MISSING_S,
    JOB_STOPPED_S,
    PREPARE_GRACE_S,
    REASON_CHARS_MAX,
    SUBMIT_GRACE_S,
)
from batchrelay.domain.missing_jobs import MISSING
from batchrelay.domain.pending_effects import DUPLICATE_REASON, is_open, pending_effects
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.run import DuplicateJob, NoticeState, Run, RunStatus
from batchrelay.domain.run_transitions import RUN_TABLE
from batchrelay.domain.step_end import run_step
from batchrelay.domain.step_state import JobOutcome, Part, StepState, StepStatus
from batchrelay.domain.table import Situation, applied
from batchrelay.domain.transitions import EVENT_TABLE, advance
from tests.builders import T0, at, fold, key, run_of, step

END_EVENT = PublishRunEnd(run_id="run1", redrive=0, since=at(2))
ON_END = NoticeRule(topic="arn:t", on=frozenset({"SUCCEEDED", "FAILED"}))


def submitted(part: int = 0, job_id: str = "job-a", label: str = "a") -> JobSubmitted:
    return JobSubmitted(at=at(1), key=key(label, part), job_id=job_id)


def succeeded(part: int = 0, job_id: str = "job-a", label: str = "a") -> JobSucceeded:
    return JobSucceeded(at=at(2), key=key(label, part), job_id=job_id)


def failed(part: int = 0, job_id: str = "job-a", label: str = "a") -> JobFailed:
    return JobFailed(
        at=at(2), key=key(label, part), job_id=job_id, succeeded=1, failed=2, reason="exit code 3"
    )


def prepared(children: int, round_number: int = 0) -> Prepared:
    return Prepared(
        at=at(1),
        step="a",
        round=round_number,
        items=children,
        children=(children,),
        manifest="s3://b/items/" if children else None,
    )


def status(run: Run, name: str = "a") -> StepStatus:
    return run.state(name).status


def test_a_new_run_begins_what_needs_nothing() -> None:
    run = run_of(step("a"), step("b", "a"), step("c", file="s3://b/plan.json"))
    assert {name: state.status for name, state in run.steps.items()} == {
        "a": StepStatus.SUBMITTING,
        "c": StepStatus.PREPARING,
    }
    assert pending_effects(run) == (
        SubmitJob(key=key("a"), since=T0),
        Prepare(run_id="run1", step="c", round=0, since=T0),
    )


def test_a_submitted_job_acknowledges_its_effect() -> None:
    run = fold(run_of(step("a")), submitted())
    assert status(run) is StepStatus.ACTIVE
    assert run.state("a").parts == (Part(size=1, since=T0, job_id="job-a"),)
    assert pending_effects(run) == ()


def test_a_step_is_active_only_when_every_part_is_submitted() -> None:
    run = fold(run_of(step("a", size=25_000)), submitted(0), submitted(2, "job-c"))
    assert status(run) is StepStatus.SUBMITTING
    assert pending_effects(run) == (SubmitJob(key=key("a", 1), since=T0),)
    assert status(fold(run, submitted(1, "job-b"))) is StepStatus.ACTIVE


def test_the_next_step_is_pending_when_the_last_part_succeeded() -> None:
    run = run_of(step("a", size=20_000), step("b", "a"))
    run = fold(run, submitted(0, "x"), submitted(1, "y"), succeeded(0, "x"))
    assert pending_effects(run) == ()
    run = fold(run, succeeded(1, "y"))
    assert status(run) is StepStatus.SUCCEEDED
    assert pending_effects(run) == (SubmitJob(key=key("b"), since=at(2)),)


def test_a_failed_part_fails_the_step_after_its_siblings_ended() -> None:
    run = run_of(step("a", size=20_000), step("b", "a"), step("c", "b"))
    run = fold(run, submitted(0, "x"), submitted(1, "y"), failed(0, "x"))
    assert status(run) is StepStatus.ACTIVE
    run = fold(run, succeeded(1, "y"))
    assert status(run) is StepStatus.FAILED
    assert run.state("a").reason == "exit code 3"
    assert run.state("b") == StepState(
        status=StepStatus.SKIPPED, since=at(2), reason="needs a, which is FAILED"
    )
    assert run.state("c").reason == "needs b, which is SKIPPED"
    assert (run.status, run.ended_at) == (RunStatus.FAILED, at(2))


def test_other_branches_go_on_after_a_failure() -> None:
    run = run_of(step("a"), step("b"), step("c", "b"))
    run = fold(run, submitted(), submitted(0, "job-b", "b"), failed())
    assert run.status is RunStatus.RUNNING
    run = fold(run, succeeded(0, "job-b", "b"))
    assert pending_effects(run) == (SubmitJob(key=key("c"), since=at(2)),)


def test_a_refused_submission_ends_its_part() -> None:
    refused = SubmissionRefused(at=at(1), key=key("a"), reason="no such queue")
    run = fold(run_of(step("a")), refused)
    assert status(run) is StepStatus.FAILED
    part = Part(size=1, since=T0, outcome=JobOutcome.FAILED, failed=1)
    assert run.state("a").parts == (part,)
    assert run.state("a").reason == "no such queue"
    assert advance(fold(run_of(step("a")), submitted()), refused) == fold(
        run_of(step("a")), submitted()
    )


@pytest.mark.parametrize(
    ("children", "sizes"),
    [(1, (1,)), (2, (2,)), (10_000, (10_000,)), (10_001, (5_001, 5_000))],
)
def test_prepared_items_become_parts(children: int, sizes: tuple[int, ...]) -> None:
    run = fold(run_of(step("a", file="s3://b/plan.json")), prepared(children))
    state = run.state("a")
    assert (state.status, state.children) == (StepStatus.SUBMITTING, children)
    assert tuple(part.size for part in state.parts) == sizes
    assert state.manifest == "s3://b/items/"


def test_no_items_skip_the_step_and_let_dependents_run() -> None:
    run = fold(run_of(step("a", file="s3://b/plan.json"), step("b", "a")), prepared(0))
    assert run.state("a") == StepState(
        status=StepStatus.SKIPPED, since=at(1), items=0, children=0, reason="0 items"
    )
    assert status(run, "b") is StepStatus.SUBMITTING


def test_wrong_items_fail_the_step() -> None:
    event = PreparationFailed(at=at(1), step="a", round=0, reason="not a list")
    run = fold(run_of(step("a", file="s3://b/plan.json")), event)
    assert (status(run), run.state("a").reason) == (StepStatus.FAILED, "not a list")


def test_the_first_job_reported_is_adopted() -> None:
    """The event outran our own write of the jobId."""
    run = fold(run_of(step("a")), succeeded())
    assert status(run) is StepStatus.SUCCEEDED
    assert advance(run, submitted()) is run


def test_a_second_job_of_a_part_is_a_duplicate_that_must_stop() -> None:
    run = fold(run_of(step("a")), submitted(), submitted(job_id="job-b"))
    assert run.duplicate_jobs == (DuplicateJob(job_id="job-b", since=at(1)),)
    assert pending_effects(run) == (
        TerminateJob(run_id="run1", job_id="job-b", reason=DUPLICATE_REASON, since=at(1)),
    )
    assert advance(run, submitted(job_id="job-b")) is run
    assert advance(run, failed(job_id="job-b")) is run
    assert pending_effects(fold(run, JobTerminated(at=at(2), job_id="job-b"))) == ()


def test_a_duplicate_job_of_an_ended_step_must_stop_too() -> None:
    run = fold(run_of(step("a")), succeeded(), submitted(job_id="job-b"))
    assert run.status is RunStatus.SUCCEEDED
    assert is_open(run)
    assert pending_effects(run) == (
        TerminateJob(run_id="run1", job_id="job-b", reason=DUPLICATE_REASON, since=at(1)),
        END_EVENT,
    )


@pytest.mark.parametrize(
    "event",
    [
        submitted(),
        succeeded(),
        replace(failed(), key=key("a", round=1)),
        replace(succeeded(), key=key("a", part=5)),
        replace(succeeded(), key=key("absent")),
        replace(succeeded(), key=key("a", run_id="run2")),
        prepared(3),
        JobTerminated(at=at(3), job_id="absent"),
        NoticeSent(at=at(3), rule=0),
        GraceExpired(at=at(9_999)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_stale_or_foreign_event_returns_the_same_object(event: object) -> None:
    run = fold(run_of(step("a"), step("b", "a")), submitted(), succeeded())
    run = fold(run, submitted(0, "job-b", "b"))
    assert advance(run, event) is run  # type: ignore[arg-type]


def test_a_preparation_of_another_round_is_stale() -> None:
    run = run_of(step("a", file="s3://b/plan.json"))
    assert advance(run, prepared(3, round_number=1)) is run


def test_a_notice_is_pending_at_the_end_until_it_was_sent() -> None:
    run = fold(run_of(step("a"), notify=(ON_END,)), succeeded())
    assert pending_effects(run) == (Notify(run_id="run1", rule=0, since=at(2)), END_EVENT)
    run = fold(run, RunEndPublished(at=at(3), redrive=0))
    sent = fold(run, NoticeSent(at=at(3), rule=0))
    assert (pending_effects(sent), is_open(sent)) == ((), False)
    refused = fold(run, NoticeRefused(at=at(3), rule=0))
    assert refused.notices == {0: NoticeState.REFUSED}
    assert not is_open(refused)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (RunEndPublished(at=at(3), redrive=0), NoticeState.SENT),
        (RunEndRefused(at=at(3), redrive=0), NoticeState.REFUSED),
    ],
)
def test_the_end_of_a_run_is_published_until_it_was_accepted_or_refused(
    answer: RunEndPublished | RunEndRefused, state: NoticeState
) -> None:
    run = run_of(step("a"))
    assert advance(run, answer) is run
    run = fold(run, succeeded())
    assert (pending_effects(run), is_open(run)) == ((END_EVENT,), True)
    over = advance(run, answer)
    assert (over.end_event, is_open(over)) == (state, False)
    assert advance(over, answer) is over


def test_a_notice_is_sent_for_its_outcomes_only() -> None:
    only_failures = replace(ON_END, on=frozenset({"FAILED"}))
    run = fold(run_of(step("a"), notify=(only_failures, ON_END)), succeeded())
    assert pending_effects(run) == (Notify(run_id="run1", rule=1, since=at(2)), END_EVENT)


def test_reconcile_takes_over_only_what_is_overdue() -> None:
    run = run_of(step("a"), step("c", file="s3://b/plan.json"))
    assert advance(run, GraceExpired(at=at(SUBMIT_GRACE_S - 1))) is run
    taken = advance(run, GraceExpired(at=at(SUBMIT_GRACE_S)))
    assert [effect.since for effect in pending_effects(taken)] == [at(SUBMIT_GRACE_S), T0]
    assert pending_effects(taken) == pending_effects(run)
    taken = advance(taken, GraceExpired(at=at(PREPARE_GRACE_S)))
    assert [effect.since for effect in pending_effects(taken)] == [at(PREPARE_GRACE_S)] * 2


def test_reconcile_takes_over_duplicate_jobs_and_notices() -> None:
    run = fold(run_of(step("a"), notify=(ON_END,)), succeeded(), submitted(job_id="job-b"))
    taken = advance(run, GraceExpired(at=at(1_000)))
    assert [effect.since for effect in pending_effects(taken)] == [at(1_000)] * 3


def test_no_row_leaves_a_terminal_status_and_each_has_a_text_of_its_own() -> None:
    step_rows = (*EVENT_TABLE, *STEP_TABLE)
    for row in step_rows:
        assert row.target is row.source or not row.source.is_terminal, row.name
    for run_row in (*RUN_TABLE, *HOLD_TABLE, *RUN_END_TABLE):
        is_redrive = run_row.event is RedriveRequested
        assert is_redrive or not run_row.source.is_terminal, run_row.name
    names = [row.name for row in step_rows]
    assert len(names) == len(set(names)) > 50
    assert [row.name for row in step_rows if row.when is not None and not row.when.__doc__] == []


def test_a_row_that_leads_elsewhere_than_it_says_is_an_error() -> None:
    run = fold(run_of(step("a")), submitted())
    [row] = [row for row in STEP_TABLE if row.apply is run_step]
    wrong = replace(row, target=StepStatus.FAILED)
    state = replace(run.state("a"), status=StepStatus.SUBMITTING)
    here = Situation(run=run, step=run.pipeline.step("a"), state=state, event=None, at=at(2))
    assert applied(row, here).state("a").status is StepStatus.ACTIVE
    with pytest.raises(TransitionError, match=r"a: SUBMITTING -> FAILED: .*: it is ACTIVE"):
        applied(wrong, here)


def test_a_reason_is_cut_to_its_limit() -> None:
    run = fold(run_of(step("a")), submitted(), replace(failed(), reason="x" * 1_000))
    assert len(run.state("a").reason) == REASON_CHARS_MAX


def test_a_lost_job_fails_its_part_while_another_part_is_being_submitted() -> None:
    run = fold(run_of(step("a", file="s3://b/plan.json")), prepared(20_000), submitted())
    looks = (0, JOB_MISSING_S, JOB_MISSING_S + JOB_STOPPED_S)
    events = [JobMissing(at=at(2 + s), key=key("a"), job_id="job-a") for s in looks]
    given_up = fold(run, *events[:2]).state("a").parts[0]
    assert (given_up.is_given_up, given_up.outcome) == (True, None)
    lost = fold(run, *events).state("a")
    assert [part.outcome for part in lost.parts] == [JobOutcome.FAILED, None]
    assert (lost.status, lost.reason) == (StepStatus.SUBMITTING, MISSING)
    ended = fold(fold(run, *events), submitted(1, "job-b"), succeeded(1, "job-b"))
    assert status(ended) is StepStatus.FAILED


def test_a_second_job_of_a_part_is_recorded_while_another_part_is_being_submitted() -> None:
    run = fold(run_of(step("a", file="s3://b/plan.json")), prepared(20_000), submitted())
    after = advance(run, submitted(0, "job-b"))
    assert after.duplicate_jobs == (DuplicateJob(job_id="job-b", since=at(1)),)
    assert after.state("a") == run.state("a")


def test_a_queued_run_begins_no_step_whatever_is_recorded_of_it() -> None:
    queued = replace(run_of(step("a")), status=RunStatus.QUEUED, steps={})
    after = advance(queued, EffectsPostponed(at=at(1), effects=()))
    assert after == replace(queued, continue_since=at(1))
    begun = advance(queued, RunDequeued(at=at(2)))
    assert (begun.status, begun.dequeued_at) == (RunStatus.RUNNING, at(2))
    assert status(begun) is StepStatus.SUBMITTING
