"""The engine at the points where a process may die; the simulation does the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from batchrelay.domain.effects import Notify, Prepare, SubmitJob
from batchrelay.domain.errors import (
    Ambiguous,
    InvalidParams,
    PipelineNotFound,
    Refused,
    RunExists,
    Throttled,
)
from batchrelay.domain.events import JobSubmitted, JobSucceeded
from batchrelay.domain.limits import SUBMIT_GRACE_S
from batchrelay.domain.pipeline import NoticeRule, Param
from batchrelay.domain.run import RunStatus, StartRequest
from batchrelay.domain.step_state import JobOutcome, StepStatus
from tests.builders import T0, MemoryCloud, key, pipeline, step

ORDER = StartRequest(run_id="run1", pipeline="test", version=1)


def cloud_of(*steps: object, **options: object) -> MemoryCloud:
    return MemoryCloud(pipeline(*steps, **options))  # type: ignore[arg-type]


def failing(error: Exception) -> object:
    def submit(_request: object) -> str:
        raise error

    return submit


def test_plan_fan_out_and_merge_run_to_the_end() -> None:
    rule = NoticeRule(topic="${env.topicArn}", on=frozenset({"SUCCEEDED"}), link="s3://out")
    cloud = cloud_of(
        step("plan"),
        step("migrate", "plan", file="s3://b/plan.json"),
        step("merge", "migrate"),
        notify=(rule,),
    )
    cloud.engine.start(ORDER)
    cloud.objects.objects["s3://b/plan.json"] = json.dumps({"Items": ["x", "y", "z"]}).encode()
    end(cloud, "plan")
    assert cloud.preparations.requested == [
        Prepare(run_id="run1", step="migrate", round=0, since=T0)
    ]
    cloud.engine.prepare("run1", "migrate", 0)
    assert cloud.jobs.jobs[job(cloud, "migrate")].request["arrayProperties"] == {"size": 3}
    end(cloud, "migrate")
    end(cloud, "merge")
    run = cloud.runs.load("run1")
    assert (run.status, list(cloud.runs.open_runs())) == (RunStatus.SUCCEEDED, [])
    assert [notice.topic for notice in cloud.notices.published] == [run.environment["topicArn"]]


def job(cloud: MemoryCloud, label: str) -> str:
    [job_id] = cloud.jobs.find("queue", key(label).name)
    return job_id


def end(cloud: MemoryCloud, label: str) -> None:
    event = JobSucceeded(at=T0, key=key(label), job_id=job(cloud, label))
    cloud.jobs.end(event.job_id, JobOutcome.SUCCEEDED)
    cloud.engine.handle("run1", [event])


def test_a_refused_start_leaves_no_run() -> None:
    cloud = cloud_of(step("a"), params=(Param(name="source"),))
    with pytest.raises(InvalidParams, match="parameter source is missing"):
        cloud.engine.start(ORDER)
    with pytest.raises(PipelineNotFound):
        cloud.engine.start(replace(ORDER, version=2))
    assert cloud.runs.runs == {}


def test_a_run_id_is_used_once() -> None:
    cloud = cloud_of(step("a"))
    cloud.engine.start(ORDER)
    with pytest.raises(RunExists):
        cloud.engine.start(ORDER)
    assert len(cloud.jobs.jobs) == 1


@dataclass
class Counting:
    """A port whose calls are noted."""

    port: Any
    calls: list[str]

    def __getattr__(self, method: str) -> Any:
        def call(*arguments: Any) -> Any:
            self.calls.append(method)
            return getattr(self.port, method)(*arguments)

        return call


def test_a_transition_costs_one_read_and_two_writes() -> None:
    cloud = cloud_of(step("a"), step("b", "a"))
    cloud.engine.start(ORDER)
    calls: list[str] = []
    engine = cloud.process(lambda port: Counting(port, calls)).engine
    handled = engine.handle("run1", [JobSucceeded(at=T0, key=key("a"), job_id=job(cloud, "a"))])
    assert handled.performed == (SubmitJob(key=key("b"), since=T0),)
    assert calls == ["load", "save", "submit_all", "save"]


def test_a_duplicate_event_writes_nothing() -> None:
    cloud = cloud_of(step("a"), step("b", "a"))
    cloud.engine.start(ORDER)
    event = JobSucceeded(at=T0, key=key("a"), job_id=job(cloud, "a"))
    version = cloud.engine.handle("run1", [event]).run.version
    again = cloud.engine.handle("run1", [event, event])
    assert (again.run.version, again.performed, len(cloud.jobs.jobs)) == (version, (), 2)


@pytest.mark.parametrize("error", [Throttled("429"), Ambiguous("500")])
def test_a_submission_that_was_not_done_stays_pending_for_reconcile(
    error: Exception,
) -> None:
    cloud = cloud_of(step("a"))
    cloud.jobs.submit = failing(error)  # type: ignore[method-assign,assignment]
    cloud.engine.start(ORDER)
    del cloud.jobs.submit
    cloud.engine.reconcile("run1")
    assert cloud.jobs.jobs == {}, "only after its grace"
    cloud.clock.move(SUBMIT_GRACE_S)
    cloud.engine.reconcile("run1")
    assert cloud.runs.load("run1").state("a").status is StepStatus.ACTIVE
    cloud.engine.reconcile("run1")
    assert len(cloud.jobs.jobs) == 1


def test_reconcile_adopts_the_oldest_and_stops_its_duplicate_jobs() -> None:
    cloud = cloud_of(step("a"))
    accept = cloud.jobs.submit

    def accepted_twice(request: dict[str, object]) -> str:
        accept(request)  # type: ignore[arg-type]
        accept(request)  # type: ignore[arg-type]
        raise Ambiguous("the answer was lost")

    cloud.jobs.submit = accepted_twice  # type: ignore[method-assign,assignment]
    cloud.engine.start(ORDER)
    oldest, duplicate = cloud.jobs.find("queue", key("a").name)
    cloud.clock.move(SUBMIT_GRACE_S)
    cloud.engine.reconcile("run1")
    run = cloud.runs.load("run1")
    assert run.state("a").parts[0].job_id == oldest
    assert run.duplicate_jobs == ()
    assert cloud.jobs.jobs[duplicate].outcome is JobOutcome.FAILED
    assert cloud.jobs.jobs[oldest].outcome is None


def test_reconcile_polls_the_end_that_no_event_reported() -> None:
    cloud = cloud_of(step("a"), step("b", "a"))
    cloud.engine.start(ORDER)
    cloud.jobs.end(job(cloud, "a"), JobOutcome.SUCCEEDED)
    assert cloud.engine.reconcile("run1").performed == (SubmitJob(key=key("b"), since=T0),)
    cloud.jobs.end(job(cloud, "b"), JobOutcome.FAILED, "exit code 1")
    run = cloud.engine.reconcile("run1").run
    assert run.state("b").job_reason == "exit code 1"
    cloud.prepare()
    assert cloud.runs.load("run1").status is RunStatus.FAILED


def test_a_refused_submission_fails_the_run_with_its_reason() -> None:
    cloud = cloud_of(step("a"))
    cloud.jobs.submit = failing(Refused("no such queue"))  # type: ignore[method-assign,assignment]
    run = cloud.engine.start(ORDER).run
    assert (run.status, run.state("a").reason) == (RunStatus.FAILED, "no such queue")


def test_a_refused_notice_does_not_keep_the_run_open() -> None:
    rule = NoticeRule(topic="arn:gone", on=frozenset({"FAILED"}))
    cloud = cloud_of(step("a"), notify=(rule,))
    cloud.jobs.submit = failing(Refused("no such queue"))  # type: ignore[method-assign,assignment]

    def publish(_notice: object) -> None:
        raise Refused("no such topic")

    cloud.notices.publish = publish  # type: ignore[method-assign,assignment]
    handled = cloud.engine.start(ORDER)
    assert Notify(run_id="run1", rule=0, since=T0) in handled.performed
    assert list(cloud.runs.open_runs()) == []


def test_an_event_for_a_job_that_we_never_wrote_down_adopts_it() -> None:
    cloud = cloud_of(step("a"))
    cloud.engine.start(ORDER)
    late = JobSubmitted(at=T0, key=key("a"), job_id=job(cloud, "a"))
    end(cloud, "a")
    version = cloud.runs.load("run1").version
    assert cloud.engine.handle("run1", [late]).run.version == version


def test_a_preparation_that_no_one_waits_for_does_nothing() -> None:
    cloud = cloud_of(step("a"), step("b", "a", file="s3://b/plan.json"))
    cloud.engine.start(ORDER)
    assert cloud.engine.prepare("run1", "b", 0).performed == ()
    assert cloud.objects.objects == {}


def test_what_one_effect_raises_does_not_lose_the_results_of_the_others() -> None:
    cloud = cloud_of(step("a"), step("bad"), step("c"))
    accept = cloud.jobs.submit

    def submit(request: dict[str, object]) -> str:
        if "-bad-" in str(request["jobName"]):
            raise RuntimeError("a bug")
        return accept(request)  # type: ignore[arg-type]

    cloud.jobs.submit = submit  # type: ignore[method-assign,assignment]
    started = cloud.engine.start(ORDER)
    assert str(started.problem) == "a bug", "the run is there: its id must be known"
    run = cloud.runs.load("run1")
    statuses = [run.state(name).status for name in ("a", "bad", "c")]
    assert statuses == [StepStatus.ACTIVE, StepStatus.SUBMITTING, StepStatus.ACTIVE]


@pytest.mark.parametrize(("cancel", "status"), [(False, "FAILED"), (True, "CANCELLED")])
def test_a_run_ends_although_its_queue_is_gone(
    monkeypatch: pytest.MonkeyPatch, *, cancel: bool, status: str
) -> None:
    def gone(_queue: str, _name: str) -> tuple[str, ...]:
        raise Refused("ClientException: JobQueue queue not found")

    cloud = cloud_of(step("a"))
    monkeypatch.setattr(cloud.jobs, "submit", failing(Ambiguous("500")))
    monkeypatch.setattr(cloud.jobs, "find", gone)
    cloud.engine.start(ORDER)
    if cancel:
        cloud.engine.cancel("run1")
    cloud.clock.move(SUBMIT_GRACE_S)
    assert cloud.engine.reconcile("run1").run.status == status


def test_reconcile_does_not_take_over_what_a_slow_preparation_is_just_submitting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = cloud_of(step("a", file="s3://b/plan.json"))
    cloud.engine.start(ORDER)
    cloud.objects.objects["s3://b/plan.json"] = b'{"Items": [1, 2, 3]}'
    read, submit, passed = cloud.objects.read, cloud.jobs.submit, list[int]()

    def slowly(uri: str) -> Any:
        cloud.clock.move(600)
        return read(uri)

    def while_reconcile_passes(request: Any) -> str:
        if not passed:
            passed.append(1)
            cloud.engine.reconcile("run1")
        return submit(request)

    monkeypatch.setattr(cloud.objects, "read", slowly)
    monkeypatch.setattr(cloud.jobs, "submit", while_reconcile_passes)
    cloud.engine.prepare("run1", "a", 0)
    assert len(cloud.jobs.jobs) == 1
