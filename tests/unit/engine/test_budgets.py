"""A run with a budget: measured as its jobs end, PAUSED when it is reached, and resumed once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from batchrelay.api.views import history, run_document
from batchrelay.codec import compact_json, decode_run, encode_run
from batchrelay.domain.budget import Budget
from batchrelay.domain.budget_events import BudgetRaised, CostMeasured, Measured
from batchrelay.domain.effects import MeasureCost, Notify, SubmitJob
from batchrelay.domain.errors import Ambiguous, Denied, NotRedrivable, NotResumable
from batchrelay.domain.events import (
    EffectsPostponed,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    NoticeSent,
    RunContinued,
)
from batchrelay.domain.failures import ChildFailure, RetryFailed, Tolerate
from batchrelay.domain.held_submissions import UNANSWERED, unmeasured_jobs
from batchrelay.domain.limits import MEASUREMENT_GRACE_S, MEASUREMENT_REQUESTS_MAX
from batchrelay.domain.pending_effects import is_open, pending_effects
from batchrelay.domain.pipeline import NoticeRule, Step
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.run_size import state_bytes
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.transitions import advance, new_run
from batchrelay.engine.budgets import measure_cost, resume
from tests.builders import MemoryCloud, at, fold, pipeline, step

RULE = NoticeRule(topic="${env.topicArn}", on=frozenset({"SUCCEEDED", "FAILED", "PAUSED"}))
RUN = "run1"


@dataclass
class Prices:
    """Every job costs so much, or is not known to."""

    usd: float = 3.0
    unknown: str = ""
    problem: Exception | None = None
    most: int | None = None
    """Jobs that there is time for."""
    measured: list[str] = field(default_factory=list)

    def measure(self, run: Run, _time_left: Callable[[], float]) -> Measured:
        if self.problem is not None:
            raise self.problem
        ended = [job_id for _, job_id in unmeasured_jobs(run)][: self.most]
        self.measured += ended
        if self.unknown:
            return Measured(job_ids=frozenset(ended), unknown=self.unknown)
        cost = RunCost(usd=self.usd * len(ended), sums="vCPUs", date="2026-09-11")
        return Measured(job_ids=frozenset(ended), cost=cost)


def started(*steps: Step, usd: float = 5, timeout_s: int | None = None) -> MemoryCloud:
    budget = Budget(usd=usd)
    cloud = MemoryCloud(pipeline(*steps, notify=(RULE,), budget=budget, timeout_s=timeout_s))
    cloud.engine.start(StartRequest(run_id=RUN, pipeline="test", version=1))
    cloud.prepare()
    return cloud


def end_jobs(
    cloud: MemoryCloud, outcome: JobOutcome = JobOutcome.SUCCEEDED, name: str = ""
) -> None:
    for job in list(cloud.jobs.jobs.values()):
        if job.outcome is None and name in job.name:
            cloud.jobs.end(job.job_id, outcome)
    cloud.engine.reconcile(RUN)


def measure(cloud: MemoryCloud, prices: Prices) -> None:
    """Every measurement that was asked for, and what follows."""
    while wanted := [e for e in cloud.preparations.requested if isinstance(e, MeasureCost)]:
        for effect in wanted:
            cloud.preparations.requested.remove(effect)
            measure_cost(cloud.engine, effect.run_id, effect.number, prices.measure)
        cloud.prepare()


def run_of(cloud: MemoryCloud) -> Run:
    return cloud.runs.load(RUN)


def names(cloud: MemoryCloud) -> list[str]:
    return [job.name.removeprefix(f"br-{RUN}-") for job in cloud.jobs.jobs.values()]


def statuses(cloud: MemoryCloud) -> list[str]:
    run = run_of(cloud)
    return [run.status, *(run.state(s.name).status for s in run.pipeline.order)]


CHAIN = (step("a"), step("b", "a"), step("c", "b"))


def paused_cloud(**options: int) -> MemoryCloud:
    """It has cost 6 of 5 dollars, and c is held back."""
    cloud = started(*CHAIN, **options)
    for _ in range(2):
        end_jobs(cloud)
        measure(cloud, Prices())
    return cloud


def test_a_step_has_not_ended_before_it_is_known_what_it_cost() -> None:
    cloud = started(*CHAIN)
    end_jobs(cloud)
    run = run_of(cloud)
    assert statuses(cloud) == ["RUNNING", "ACTIVE", "WAITING", "WAITING"]
    since = run.spending.since
    assert since is not None
    assert pending_effects(run) == (MeasureCost(run_id=RUN, number=0, since=since),)
    measure(cloud, prices := Prices())
    assert statuses(cloud) == ["RUNNING", "SUCCEEDED", "ACTIVE", "WAITING"]
    assert (len(prices.measured), run_of(cloud).cost) == (
        1,
        RunCost(usd=3, sums="vCPUs", date="2026-09-11"),
    )


def test_a_run_that_has_cost_its_budget_submits_nothing_and_says_why() -> None:
    cloud = paused_cloud()
    assert statuses(cloud) == ["PAUSED", "SUCCEEDED", "SUCCEEDED", "WAITING"]
    assert names(cloud) == ["a-r0-p0", "b-r0-p0"]
    reason = "what has ended cost about $6.00, its budget is $5.00"
    document = run_document(run_of(cloud))
    assert (document["paused"], document["budgetUsd"]) == (reason, 5)
    assert document["resume"] == f"batchrelay resume {RUN} --budget 11"
    assert is_open(run_of(cloud))
    assert f"run PAUSED: {reason}" in [moment["what"] for moment in history(run_of(cloud))]
    for _ in range(3):
        cloud.clock.move(3_600)
        cloud.engine.reconcile(RUN)
        cloud.engine.continue_run(RUN)
    assert len(names(cloud)) == 2


def test_what_an_error_says_breaks_no_subject_of_a_notice_in_two() -> None:
    """SNS refuses a subject with a control character, and no one would be asked."""
    cloud = started(*CHAIN)
    end_jobs(cloud)
    measure(cloud, Prices(unknown="a: first line\nsecond\x1b[31m line"))
    [notice] = cloud.notices.published
    assert notice.subject.isprintable()
    assert notice.subject.startswith("test PAUSED: cost unknown: a: first line")
    assert notice.message.splitlines()[0].startswith(notice.subject)


def test_the_notice_asks_and_has_the_command_to_paste() -> None:
    cloud = paused_cloud()
    [notice] = cloud.notices.published
    assert notice.id == f"{RUN}-0-paused-1"
    assert notice.subject == "test PAUSED: what has ended cost about $6.00, its budget is $5.00"
    assert f"\nLet it go on: batchrelay resume {RUN} --budget 11\n" in notice.message
    assert f"\nEnd it here: batchrelay cancel {RUN}\n" in notice.message
    assert "Cost so far, an estimate: $6.00 (vCPUs; prices: 2026-09-11)." in notice.message
    document = json.loads(notice.attributes["batchrelay.run"])
    assert (document["status"], document["budgetUsd"], document["cost"]["usd"]) == ("PAUSED", 5, 6)
    assert cloud.event_bus.published == [], "it has not ended"


def test_a_resumed_run_makes_the_submission_that_was_held_back_once() -> None:
    cloud = paused_cloud()
    handled = resume(cloud.engine, RUN, 80)
    assert [type(effect) for effect in handled.performed] == [SubmitJob]
    assert names(cloud) == ["a-r0-p0", "b-r0-p0", "c-r0-p0"]
    assert (run_document(run_of(cloud))["paused"], run_document(run_of(cloud))["budgetUsd"]) == (
        None,
        80,
    )
    with pytest.raises(NotResumable, match=r"is RUNNING, and only one that is PAUSED"):
        resume(cloud.engine, RUN, 90)
    end_jobs(cloud)
    measure(cloud, Prices())
    run = run_of(cloud)
    assert (run.status, run.cost and run.cost.usd, is_open(run)) == ("SUCCEEDED", 9, False)
    assert [notice.id for notice in cloud.notices.published] == [
        f"{RUN}-0-paused-1",
        f"{RUN}-0-succeeded",
    ]
    what = [moment["what"] for moment in history(run)]
    assert "resumed with a budget of $80.00" in what


def test_two_requests_at_the_same_moment_raise_the_budget_once() -> None:
    cloud = paused_cloud()
    run = run_of(cloud)
    raised = [BudgetRaised(at=at(500 + n), pause=1, usd=80 + n) for n in range(2)]
    first = advance(run, raised[0])
    assert first.spending.budget_usd == 80
    assert advance(first, raised[1]) is first
    slow = cloud.runs.load

    def rival(run_id: str) -> Run:
        loaded = slow(run_id)
        object.__setattr__(cloud.runs, "load", slow)
        resume(cloud.engine, RUN, 70)
        return loaded

    object.__setattr__(cloud.runs, "load", rival)
    with pytest.raises(NotResumable, match="another request was faster"):
        resume(cloud.engine, RUN, 80)
    assert run_of(cloud).spending.budget_usd == 70
    assert len(names(cloud)) == 3


def test_a_run_that_reaches_its_raised_budget_is_paused_again() -> None:
    cloud = started(*CHAIN, usd=1)
    end_jobs(cloud)
    measure(cloud, Prices())
    resume(cloud.engine, RUN, 5)
    end_jobs(cloud)
    measure(cloud, Prices())
    assert statuses(cloud) == ["PAUSED", "SUCCEEDED", "SUCCEEDED", "WAITING"]
    assert [notice.id[-8:] for notice in cloud.notices.published] == ["paused-1", "paused-2"]


@pytest.mark.parametrize(
    ("usd", "problem"),
    [
        (6, "has cost about $6.00 already: give more"),
        (5.5, "has cost about $6.00 already"),
        (0, "a budget is above 0"),
        (-1, "a budget is above 0"),
        (float("nan"), "a budget is above 0"),
        (1e9, "at most 1,000,000"),
    ],
)
def test_a_budget_that_would_not_let_it_go_on_is_refused(usd: float, problem: str) -> None:
    cloud = paused_cloud()
    with pytest.raises(NotResumable) as caught:
        resume(cloud.engine, RUN, usd)
    assert problem in str(caught.value)
    assert run_of(cloud).status is RunStatus.PAUSED


def test_a_run_that_is_not_paused_is_not_resumed_and_says_why() -> None:
    cloud = started(step("a"))
    with pytest.raises(NotResumable, match="nothing of it is held back"):
        resume(cloud.engine, RUN, 80)
    end_jobs(cloud)
    measure(cloud, Prices())
    with pytest.raises(NotResumable, match=r"SUCCEEDED.*batchrelay redrive"):
        resume(cloud.engine, RUN, 80)
    without = MemoryCloud(pipeline(step("a")))
    without.engine.start(StartRequest(run_id=RUN, pipeline="test", version=1))
    with pytest.raises(NotResumable, match="its pipeline has no budget"):
        resume(without.engine, RUN, 80)


def test_a_run_whose_last_step_passes_the_budget_just_ends() -> None:
    cloud = started(step("a"), usd=1)
    end_jobs(cloud)
    measure(cloud, Prices())
    assert statuses(cloud) == ["SUCCEEDED", "SUCCEEDED"]
    assert [notice.id for notice in cloud.notices.published] == [f"{RUN}-0-succeeded"]


def test_jobs_at_work_go_on_to_their_end_while_the_run_is_paused() -> None:
    cloud = started(step("a"), step("b"), step("c", "a"), usd=2)
    end_jobs(cloud, name="-a-")
    measure(cloud, Prices())
    assert statuses(cloud) == ["PAUSED", "SUCCEEDED", "ACTIVE", "WAITING"]
    [notice] = cloud.notices.published
    assert "1 jobs are at work and go on to their end" in notice.message
    end_jobs(cloud)
    measure(cloud, Prices())
    assert statuses(cloud) == ["PAUSED", "SUCCEEDED", "SUCCEEDED", "WAITING"]
    assert run_of(cloud).cost == RunCost(usd=6, sums="vCPUs", date="2026-09-11")
    assert len(cloud.notices.published) == 1


def test_the_rest_behind_a_canary_and_a_retry_round_are_held_back() -> None:
    cloud = started(step("a", size=5, canary=2), usd=1)
    end_jobs(cloud)
    measure(cloud, Prices())
    assert statuses(cloud) == ["PAUSED", "SUBMITTING"]
    assert names(cloud) == ["a-r0-p0"]
    resume(cloud.engine, RUN, 4)
    assert names(cloud) == ["a-r0-p0", "a-r0-p1"]


def test_a_retry_round_is_held_back() -> None:
    cloud = started(step("a", size=2, retry_failed=RetryFailed(rounds=1)), usd=1)
    [job] = cloud.jobs.jobs.values()
    failure = ChildFailure(index=1, job_id=f"{job.job_id}:1", exit_code=1)
    cloud.jobs.end(job.job_id, JobOutcome.FAILED, failures=[failure])
    cloud.engine.reconcile(RUN)
    measure(cloud, Prices())
    assert statuses(cloud) == ["PAUSED", "SUBMITTING"]
    assert names(cloud) == ["a-r0-p0"]
    resume(cloud.engine, RUN, 4)
    assert names(cloud) == ["a-r0-p0", "a-r1-p0"]


def test_a_step_that_is_skipped_anyway_is_no_reason_to_wait() -> None:
    cloud = started(step("a"), step("b", "a", when="1 == 2"), usd=1)
    end_jobs(cloud)
    measure(cloud, Prices())
    assert statuses(cloud) == ["SUCCEEDED", "SUCCEEDED", "SKIPPED"]


def test_finally_steps_are_not_held_back() -> None:
    cloud = started(step("a"), step("clean", is_finally=True), usd=1)
    end_jobs(cloud)
    measure(cloud, Prices())
    assert statuses(cloud) == ["RUNNING", "SUCCEEDED", "ACTIVE"]


def test_a_paused_run_can_be_cancelled() -> None:
    cloud = paused_cloud()
    cloud.engine.cancel(RUN, "enough")
    assert statuses(cloud) == ["CANCELLED", "SUCCEEDED", "SUCCEEDED", "CANCELLED"]
    assert not is_open(run_of(cloud))
    with pytest.raises(NotResumable):
        resume(cloud.engine, RUN, 80)


def test_the_timeout_of_a_paused_run_still_counts() -> None:
    cloud = paused_cloud(timeout_s=3_600)
    assert "Its timeout still counts: it is stopped at 2026-01-01T01:00:00.000Z." in (
        cloud.notices.published[0].message
    )
    cloud.clock.move(3_600)
    cloud.engine.reconcile(RUN)
    assert statuses(cloud) == ["FAILED", "SUCCEEDED", "SUCCEEDED", "CANCELLED"]


def test_a_cost_that_is_not_known_pauses_the_run_and_is_not_counted_as_0() -> None:
    cloud = started(*CHAIN)
    end_jobs(cloud)
    measure(cloud, Prices(unknown="a: no price of EC2 Spot"))
    assert statuses(cloud) == ["PAUSED", "SUCCEEDED", "WAITING", "WAITING"]
    document = run_document(run_of(cloud))
    assert (document["cost"], document["paused"]) == (
        None,
        "cost unknown: a: no price of EC2 Spot",
    )
    resume(cloud.engine, RUN, 5)
    assert names(cloud) == ["a-r0-p0", "b-r0-p0"], "a person decided"
    end_jobs(cloud)
    measure(cloud, Prices(usd=1))
    assert statuses(cloud) == ["RUNNING", "SUCCEEDED", "SUCCEEDED", "ACTIVE"]


def test_an_error_is_tried_again_and_in_the_end_a_person_decides() -> None:
    cloud = started(*CHAIN)
    end_jobs(cloud)
    with pytest.raises(Ambiguous):
        measure_cost(cloud.engine, RUN, 0, Prices(problem=Ambiguous("500")).measure)
    assert statuses(cloud)[0] == "RUNNING"
    measure_cost(cloud.engine, RUN, 0, Prices(problem=Ambiguous("500")).measure, is_last=True)
    assert run_document(run_of(cloud))["paused"] == "cost unknown: Ambiguous: 500"
    denied = started(*CHAIN)
    end_jobs(denied)
    measure_cost(denied.engine, RUN, 0, Prices(problem=Denied("AccessDenied: no")).measure)
    assert run_document(run_of(denied))["paused"] == "cost unknown: AccessDenied: no"


def test_reconcile_asks_again_for_a_measurement_but_not_for_ever() -> None:
    cloud = started(*CHAIN)
    end_jobs(cloud)
    for number in range(1, MEASUREMENT_REQUESTS_MAX):
        cloud.clock.move(MEASUREMENT_GRACE_S)
        cloud.engine.reconcile(RUN)
        assert len(cloud.preparations.requested) == number + 1
    cloud.clock.move(MEASUREMENT_GRACE_S)
    cloud.engine.reconcile(RUN)
    assert len(cloud.preparations.requested) == MEASUREMENT_REQUESTS_MAX
    assert statuses(cloud)[0] == "PAUSED"
    assert str(run_document(run_of(cloud))["paused"]).startswith(f"cost unknown: {UNANSWERED[:30]}")


def test_what_there_is_no_time_for_is_measured_by_the_next_one_and_each_job_once() -> None:
    cloud = started(step("a"), step("b"), step("c"), step("d", "a", "b", "c"), usd=100)
    end_jobs(cloud)
    measure(cloud, prices := Prices(most=1))
    assert len(prices.measured) == len(set(prices.measured)) == 3
    assert run_of(cloud).spending.measurements == 3
    assert statuses(cloud)[-1] == "ACTIVE"


def test_a_late_measurement_changes_nothing() -> None:
    cloud = started(*CHAIN, usd=100)
    end_jobs(cloud)
    run = run_of(cloud)
    jobs = frozenset(job_id for _, job_id in unmeasured_jobs(run))
    cost = RunCost(usd=3, sums="x", date="2026-09-11")
    event = CostMeasured(at=at(50), number=0, measured=Measured(job_ids=jobs, cost=cost))
    measured = advance(run, event)
    assert measured.cost == cost
    assert advance(measured, event) is measured
    assert measure_cost(cloud.engine, RUN, 1, Prices().measure).run == run_of(cloud)


def test_a_notice_of_an_earlier_pause_answers_nothing() -> None:
    run = run_of(paused_cloud())
    assert advance(run, NoticeSent(at=at(99), rule=0, pause=2)) is run
    assert advance(run, NoticeSent(at=at(99), rule=0, pause=1)) is run, "it was sent"
    assert not any(isinstance(effect, Notify) for effect in pending_effects(run))


def test_a_paused_run_is_not_redriven_and_a_redriven_one_keeps_its_sum() -> None:
    cloud = paused_cloud()
    with pytest.raises(NotRedrivable, match=r"PAUSED.*batchrelay resume run1 --budget USD"):
        cloud.engine.redrive(RUN, RedriveOrder())
    cloud.engine.cancel(RUN)
    cloud.engine.redrive(RUN, RedriveOrder())
    run = run_of(cloud)
    assert (run.status, run.cost and run.cost.usd) == (RunStatus.PAUSED, 6)
    assert run.state("c").status is StepStatus.WAITING


def test_a_paused_run_is_stored_within_its_bound() -> None:
    run = run_of(paused_cloud())
    assert decode_run(encode_run(run), run.pipeline, run.version) == run
    assert len(compact_json(encode_run(run)).encode()) <= state_bytes(run)


def test_without_a_budget_nothing_is_measured() -> None:
    cloud = MemoryCloud(pipeline(step("a")))
    cloud.engine.start(StartRequest(run_id=RUN, pipeline="test", version=1))
    end_jobs(cloud)
    assert cloud.preparations.requested == []
    assert run_of(cloud).status is RunStatus.SUCCEEDED


def test_what_will_never_be_submitted_is_no_reason_to_wait_any_more() -> None:
    """The second part was handed back, is held back, and is withdrawn by failFast."""
    steps = (step("x"), step("a", size=20_000, fail_fast=True, tolerate=Tolerate(count=1)))
    budget = Budget(usd=1)
    cloud = MemoryCloud(pipeline(*steps, budget=budget))
    definition = cloud.pipelines.get_pipeline("test", 1)
    run = new_run(run_id=RUN, pipeline=definition, params={}, environment={}, at=at(0))
    x, first, second = (e for e in pending_effects(run) if isinstance(e, SubmitJob))
    run = fold(
        run,
        JobSubmitted(at=at(1), key=x.key, job_id="x"),
        JobSubmitted(at=at(1), key=first.key, job_id="a0"),
        EffectsPostponed(at=at(1), effects=(second,)),
        JobSucceeded(at=at(2), key=x.key, job_id="x"),
    )
    cost = RunCost(usd=3, sums="x", date="2026-09-11")
    measured = Measured(job_ids=frozenset({"x"}), cost=cost)
    run = fold(run, CostMeasured(at=at(3), number=0, measured=measured), RunContinued(at=at(4)))
    assert (run.status, run.state("a").parts[1].since) == (RunStatus.PAUSED, None)
    stopped = fold(
        run, JobProgressed(at=at(5), key=first.key, job_id="a0", succeeded=0, failed=5, running=3)
    )
    assert (stopped.status, stopped.state("a").parts[1].outcome) == ("RUNNING", "CANCELLED")
