"""Effects that an invocation has no time for are performed by another one, soon, and once."""

from __future__ import annotations

import pytest

from batchrelay.adapters.memory import MemoryBackoff
from batchrelay.domain.effects import ContinueRun, Prepare, SubmitJob
from batchrelay.domain.errors import Throttled
from batchrelay.domain.events import EffectsPostponed, JobSubmitted, RunContinued
from batchrelay.domain.limits import (
    CONTINUE_GRACE_S,
    EFFECT_S_MAX,
    EFFECTS_PER_SAVE,
    FRUITLESS_MAX,
    SUBMISSIONS_MAX,
    SUBMIT_GRACE_S,
)
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import RunStatus, StartRequest
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.transitions import advance
from tests.builders import T0, MemoryCloud, at, key, pipeline, run_of, step
from verification.stress import slow_submit

ORDER = StartRequest(run_id="run1", pipeline="test", version=1)
CONTINUE = ContinueRun(run_id="run1", since=T0)


def wide(steps: int) -> MemoryCloud:
    return MemoryCloud(pipeline(*plain(steps)))


def plain(steps: int) -> list[Step]:
    return [step(f"s{number}") for number in range(steps)]


def names(cloud: MemoryCloud) -> list[str]:
    return [job.name for job in cloud.jobs.jobs.values()]


def test_a_start_submits_the_first_jobs_and_leaves_the_others_to_another_invocation() -> None:
    cloud = wide(60)
    run = cloud.engine.start(ORDER).run
    assert len(names(cloud)) == EFFECTS_PER_SAVE
    assert cloud.preparations.requested == [CONTINUE]
    assert run.version == 2, "one creation, and one save of the results and of what is postponed"
    assert pending_effects(run) == (CONTINUE,)


def test_another_invocation_submits_the_others_once_and_saves_on_the_way() -> None:
    cloud = wide(60)
    before = cloud.engine.start(ORDER).run.version
    run = cloud.engine.continue_run("run1").run
    assert sorted(names(cloud)) == sorted(key(f"s{number}").name for number in range(60))
    assert run.version == before + 1 + 2, "it takes over, and saves for every 25 effects"
    assert pending_effects(run) == ()
    again = cloud.engine.continue_run("run1")
    assert (again.run, again.performed) == (run, ()), "its message may come twice"


def test_no_more_than_a_number_of_submissions_are_under_way_at_a_time() -> None:
    steps = SUBMISSIONS_MAX + 30
    run = run_of(*plain(steps))
    pending = [effect for effect in pending_effects(run) if isinstance(effect, SubmitJob)]
    assert len(pending) == SUBMISSIONS_MAX
    first = JobSubmitted(at=at(1), key=pending[0].key, job_id="id-0")
    assert len(pending_effects(advance(run, first))) == SUBMISSIONS_MAX
    cloud = wide(steps)
    cloud.engine.start(ORDER)
    cloud.engine.continue_run("run1")
    assert len(names(cloud)) == len(set(names(cloud))) == steps


def test_a_lost_message_is_made_good_by_reconcile() -> None:
    cloud = wide(60)
    cloud.engine.start(ORDER)
    cloud.clock.move(CONTINUE_GRACE_S - 1)
    assert cloud.engine.reconcile("run1").performed == ()
    cloud.clock.move(1)
    cloud.engine.reconcile("run1")
    assert len(names(cloud)) == 60


def test_what_is_postponed_is_not_looked_up_because_it_was_never_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = wide(30)
    cloud.engine.start(ORDER)
    monkeypatch.delattr(type(cloud.jobs), "find")
    cloud.clock.move(SUBMIT_GRACE_S)
    cloud.engine.reconcile("run1")
    assert len(names(cloud)) == 30


def test_a_cancelled_run_submits_nothing_of_what_was_postponed_and_ends() -> None:
    cloud = wide(60)
    cloud.engine.start(ORDER)
    run = cloud.engine.cancel("run1").run
    assert (run.status, len(names(cloud))) == (RunStatus.CANCELLING, EFFECTS_PER_SAVE)
    assert {state.status for state in run.steps.values()} == {
        StepStatus.ACTIVE,
        StepStatus.CANCELLED,
    }
    ended = cloud.engine.reconcile("run1").run
    assert (ended.status, pending_effects(ended)) == (RunStatus.CANCELLED, ())


def test_a_cancellation_stops_the_first_jobs_and_leaves_the_others_to_another_invocation() -> None:
    cloud = wide(400)
    cloud.engine.start(ORDER)
    cloud.engine.continue_run("run1")
    cloud.engine.cancel("run1")
    stopped = [job for job in cloud.jobs.jobs.values() if job.outcome is JobOutcome.FAILED]
    assert 200 <= len(stopped) < 300
    assert cloud.preparations.requested == [CONTINUE, CONTINUE]
    cloud.engine.continue_run("run1")
    assert all(job.outcome is JobOutcome.FAILED for job in cloud.jobs.jobs.values())
    assert cloud.engine.reconcile("run1").run.status is RunStatus.CANCELLED


def test_preparations_are_postponed_too() -> None:
    cloud = MemoryCloud(pipeline(*(step(f"s{n}", file="s3://b/plan.json") for n in range(40))))
    run = cloud.engine.start(ORDER).run
    assert len(cloud.preparations.requested) == EFFECTS_PER_SAVE + 1
    assert CONTINUE in pending_effects(run)
    cloud.engine.continue_run("run1")
    steps = [e.step for e in cloud.preparations.requested if isinstance(e, Prepare)]
    assert sorted(steps) == sorted(f"s{n}" for n in range(40))


def test_an_invocation_without_time_submits_nothing_and_loses_nothing() -> None:
    cloud = wide(3)
    cloud.engine = cloud.process().engine
    hurried = MemoryBackoff(seconds=EFFECT_S_MAX)
    object.__setattr__(cloud.engine, "backoff", hurried)
    cloud.engine.start(ORDER)
    assert (names(cloud), cloud.preparations.requested) == ([], [CONTINUE])
    hurried.seconds = EFFECT_S_MAX + 1
    cloud.engine.continue_run("run1")
    assert len(names(cloud)) == 3


def test_a_throttled_submission_is_tried_again_by_another_invocation_and_by_no_grace() -> None:
    cloud = wide(2)
    accept, answers = cloud.jobs.submit, iter([True, False])

    def sometimes(request: dict[str, object]) -> str:
        if next(answers, True):
            return accept(request)  # type: ignore[arg-type]
        raise Throttled("429")

    cloud.jobs.submit = sometimes  # type: ignore[method-assign,assignment]
    run = cloud.engine.start(ORDER).run
    assert (len(names(cloud)), pending_effects(run)) == (1, (CONTINUE,))
    cloud.engine.continue_run("run1")
    assert sorted(names(cloud)) == [key("s0").name, key("s1").name]


def test_while_aws_batch_accepts_nothing_an_invocation_gives_up_and_asks_for_another() -> None:
    cloud, calls = wide(1), list[object]()

    def never(request: object) -> str:
        calls.append(request)
        raise Throttled("429")

    cloud.jobs.submit = never  # type: ignore[method-assign]
    cloud.engine.start(ORDER)
    cloud.engine.continue_run("run1")
    assert len(calls) == 1 + FRUITLESS_MAX
    assert cloud.preparations.requested == [CONTINUE, CONTINUE]


def test_a_submission_that_reconcile_has_taken_over_cannot_be_handed_back() -> None:
    run = run_of(step("a"))
    [effect] = [effect for effect in pending_effects(run) if isinstance(effect, SubmitJob)]
    later = SubmitJob(key=effect.key, since=at(300))
    changed = advance(run, EffectsPostponed(at=at(301), effects=(later,)))
    assert pending_effects(changed) == (effect, CONTINUE), "it is another invocation's by now"


def test_a_submission_whose_grace_is_over_is_left_to_reconcile() -> None:
    cloud = wide(60)
    cloud.engine.start(ORDER)
    accept = cloud.jobs.submit

    def slowly(request: dict[str, object]) -> str:
        cloud.clock.move(SUBMIT_GRACE_S / EFFECTS_PER_SAVE)
        return accept(request)  # type: ignore[arg-type]

    cloud.jobs.submit = slowly  # type: ignore[method-assign,assignment]
    cloud.engine.continue_run("run1")
    assert len(names(cloud)) == 2 * EFFECTS_PER_SAVE
    cloud.jobs.submit = accept  # type: ignore[method-assign]
    cloud.engine.reconcile("run1")
    assert sorted(names(cloud)) == sorted(key(f"s{number}").name for number in range(60))


def test_continuing_does_not_change_a_run_without_postponed_effects() -> None:
    run = run_of(step("a"))
    assert advance(run, RunContinued(at=at(1))) is run


def test_postponing_does_not_change_an_ended_run() -> None:
    cloud = wide(1)
    cloud.engine.start(ORDER)
    cloud.engine.cancel("run1")
    ended = cloud.engine.reconcile("run1").run
    assert ended.status is RunStatus.CANCELLED
    assert advance(ended, EffectsPostponed(at=at(1), effects=())) is ended


def test_a_thousand_steps_that_are_ready_at_once_are_submitted_near_the_quota() -> None:
    assert slow_submit.main() == 0
