"""maxRunning: the resource is there before a job that needs it, and gone after the run's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from batchrelay.adapters.memory import MemoryBackoff, MemoryConsumableResources
from batchrelay.domain.consumable_resources import OVERRIDE, ConsumableResource
from batchrelay.domain.effects import DeleteConsumableResources, Effect, Prepare, SubmitJob
from batchrelay.domain.errors import Ambiguous, BatchrelayError, Denied, Refused, Throttled
from batchrelay.domain.events import (
    ConsumableResourcesDeleted,
    ConsumableResourcesLeft,
    EffectsPostponed,
    Event,
    JobProgressed,
    JobSubmitted,
    SubmissionRefused,
)
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.limits import FRUITLESS_MAX, STUCK_S
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import Json
from batchrelay.engine.effects import Budget, Performer
from batchrelay.engine.outcome import Advanced
from batchrelay.engine.reconcile import STUCK_REASON
from tests.builders import T0, MemoryCloud, fold, key, pipeline, run_of, step


@dataclass
class Resources(MemoryConsumableResources):
    """Some that cannot be made."""

    problem: BatchrelayError | None = None
    asked: list[str] = field(default_factory=list)

    def ensure(self, resource: ConsumableResource) -> None:
        self.asked.append(resource.name)
        if self.problem is not None:
            raise self.problem
        super().ensure(resource)


def bounded_cloud(*, count: int = 2, bound: int = 1) -> MemoryCloud:
    return MemoryCloud(pipeline(step("a", size=count, max_running=bound), step("b", "a", size=2)))


def start(cloud: MemoryCloud) -> None:
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))


def end_all(cloud: MemoryCloud, outcome: JobOutcome = JobOutcome.SUCCEEDED) -> Run:
    """Every job ends, reconcile looks, and causes are collected."""
    for job in list(cloud.jobs.jobs.values()):
        cloud.jobs.end(job.job_id, outcome)
    cloud.clock.move(10)
    run = cloud.engine.reconcile("run1").run
    while cloud.preparations.requested:
        wanted = cloud.preparations.requested.pop()
        assert isinstance(wanted, Prepare)
        run = cloud.engine.prepare("run1", wanted.step, wanted.round).run
    return run


def submissions(performer: Performer, run: Run, *names: str) -> Sequence[Event]:
    effects: list[Effect] = [SubmitJob(since=T0, key=key(name)) for name in names]
    done = performer.perform(run, [(effect, False) for effect in effects], goes_on=True)
    assert done.problem is None
    return done.events


def performer_with(
    cloud: MemoryCloud, problem: BatchrelayError | None
) -> tuple[Performer, Resources]:
    resources = Resources(problem=problem)
    engine = replace(cloud.engine, consumable_resources=resources)
    return engine._performer(), resources


def test_a_resource_is_there_from_the_first_submission_to_the_end_of_the_run() -> None:
    cloud = bounded_cloud()
    start(cloud)
    assert cloud.resources.units == {"br_run1-x0-a": 1}
    end_all(cloud)
    assert cloud.resources.units == {"br_run1-x0-a": 1}, "step b goes on"
    assert end_all(cloud).status is RunStatus.SUCCEEDED
    assert cloud.resources.units == {}


def test_a_redrive_deletes_what_a_late_submission_of_an_earlier_end_left() -> None:
    cloud = bounded_cloud()
    start(cloud)
    assert end_all(cloud, JobOutcome.FAILED).status is RunStatus.FAILED
    cloud.resources.ensure(ConsumableResource(name="br_run1-x0-a", units=1))
    cloud.resources.ensure(ConsumableResource(name="br_run12-x0-a", units=1))
    assert cloud.engine.redrive("run1", RedriveOrder()).run.status is RunStatus.RUNNING
    for _ in range(3):
        run = end_all(cloud)
    assert run.status is RunStatus.SUCCEEDED
    assert [job.request.get(OVERRIDE) is not None for job in cloud.jobs.jobs.values()] == [
        True,
        True,
        False,
    ]
    assert cloud.resources.units == {"br_run12-x0-a": 1}


def test_one_call_makes_the_resource_of_all_parts_that_are_submitted_together() -> None:
    cloud = bounded_cloud(count=25_000)
    performer, resources = performer_with(cloud, None)
    run = run_of(step("a", size=25_000, max_running=1))
    effects: list[Effect] = [SubmitJob(since=T0, key=key("a", part)) for part in range(3)]
    events = performer.perform(run, [(e, False) for e in effects], goes_on=True).events
    assert resources.asked == ["br_run1-x0-a"]
    assert [type(event) for event in events] == [JobSubmitted] * 3 + [ConsumableResourcesLeft]


def test_no_resource_is_asked_for_without_a_bound() -> None:
    cloud = bounded_cloud()
    performer, resources = performer_with(cloud, Refused("never"))
    run = run_of(step("b", size=2))
    assert [type(event) for event in submissions(performer, run, "b")] == [JobSubmitted]
    assert resources.asked == []


@pytest.mark.parametrize("problem", [Throttled("429"), Ambiguous("timeout")])
def test_without_its_resource_no_job_is_submitted_and_it_is_tried_later(
    problem: BatchrelayError,
) -> None:
    cloud = bounded_cloud()
    performer, _ = performer_with(cloud, problem)
    run = run_of(step("a", size=2, max_running=1), step("b", size=2))
    now = cloud.clock.now()
    assert submissions(performer, run, "a", "b")[1:] == (
        EffectsPostponed(at=now, effects=(SubmitJob(since=T0, key=key("a")),)),
        ConsumableResourcesLeft(at=now),
    )
    assert [job.name for job in cloud.jobs.jobs.values()] == [key("b").name]


@pytest.mark.parametrize("problem", [Refused("too many"), Denied("AccessDenied")])
def test_a_resource_that_is_refused_fails_its_step(problem: BatchrelayError) -> None:
    cloud = bounded_cloud()
    performer, _ = performer_with(cloud, problem)
    run = run_of(step("a", size=2, max_running=1))
    now = cloud.clock.now()
    assert submissions(performer, run, "a") == (
        SubmissionRefused(at=now, key=key("a"), reason=str(problem)),
        ConsumableResourcesLeft(at=now),
    )
    assert cloud.jobs.jobs == {}


def test_an_invocation_gives_up_although_it_says_what_it_made() -> None:
    budget = Budget(backoff=MemoryBackoff(), effects=1_000)
    postponed = EffectsPostponed(at=T0, effects=())
    for _ in range(FRUITLESS_MAX):
        assert budget.is_left()
        budget.note((postponed, ConsumableResourcesLeft(at=T0)))
    assert not budget.is_left()


def test_the_deletion_is_acknowledged() -> None:
    cloud = bounded_cloud()
    performer, resources = performer_with(cloud, None)
    for name in ("br_run1-x0-a", "br_run1-x1-a", "br_run1-x2-a"):
        resources.ensure(ConsumableResource(name=name, units=1))
    effect = DeleteConsumableResources(since=T0, run_id="run1", redrive=1)
    done = performer.perform(run_of(step("a")), [(effect, False)], goes_on=True)
    assert done.events == (ConsumableResourcesDeleted(at=cloud.clock.now(), redrive=1),)
    assert resources.units == {"br_run1-x2-a": 1}


@pytest.mark.parametrize(("bound", "running", "reason"), [
    (1, 1, ""), (1, 0, STUCK_REASON), (None, 1, STUCK_REASON),
])  # fmt: skip
def test_a_part_that_waits_for_children_of_another_is_not_called_blocked(
    monkeypatch: pytest.MonkeyPatch, bound: int | None, running: int, reason: str
) -> None:
    cloud = MemoryCloud(pipeline(step("a", size=20_000, max_running=bound)))
    start(cloud)
    run = cloud.runs.load("run1")
    first, second = (part.job_id for part in run.state("a").parts)
    assert first is not None
    assert second is not None
    progress = JobProgressed(
        at=T0, key=key("a"), job_id=first, succeeded=1, failed=0, running=running
    )
    cloud.runs.save(fold(run, progress))
    waiting = JobReport(job_id=second, outcome=None, waits_since=cloud.clock.now())
    going = JobReport(job_id=first, outcome=None, succeeded=1, running=running)
    monkeypatch.setattr(cloud.jobs, "describe", lambda _ids: (going, waiting))
    cloud.clock.move(STUCK_S)
    assert cloud.engine.reconcile("run1").run.state("a").blocked == reason


def test_a_late_submission_after_the_end_leaves_nothing() -> None:
    cloud = bounded_cloud()
    start(cloud)
    end_all(cloud)
    assert end_all(cloud).status is RunStatus.SUCCEEDED
    late = run_of(step("a", size=2, max_running=1))
    events = submissions(cloud.engine._performer(), late, "a")
    assert cloud.resources.units == {"br_run1-x0-a": 1}
    cloud.engine.handle("run1", events)
    assert cloud.resources.units == {}


def test_a_submission_whose_answer_is_lost_after_the_end_leaves_nothing() -> None:
    """The process that slept knows the run as it was before."""
    cloud = bounded_cloud()
    start(cloud)
    before = cloud.runs.load("run1")
    end_all(cloud)
    end_all(cloud)
    cloud.jobs.submit = _lost  # type: ignore[method-assign]
    late = Advanced(run=before, new_effects=(SubmitJob(since=cloud.clock.now(), key=key("a")),))
    cloud.engine._perform_all(late)
    assert cloud.resources.units == {}


def _lost(request: Mapping[str, Json]) -> str:
    raise Ambiguous(f"no answer about {request['jobName']}")
