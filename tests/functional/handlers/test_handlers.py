"""Handlers with an engine in memory: what goes back to the queue, and what is not held up by it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from batchrelay.adapters.memory import MemoryBackoff
from batchrelay.aws_lambda import long_work
from batchrelay.domain.budget import Budget
from batchrelay.domain.errors import RunConflict
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.limits import STUCK_S
from batchrelay.domain.pipeline import Overlap, Param
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.step_state import JobOutcome
from tests.builders import T0, MemoryCloud, pipeline, step
from tests.handlers import CONTEXT, on_job_event, prepare, reconcile, serve, start_run
from tests.stack import template

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> MemoryCloud:
    """Two runs under way, each of two steps."""
    running = MemoryCloud(pipeline(step("a"), step("b", "a")))
    serve(running, monkeypatch)
    for run_id in ("run1", "run2"):
        running.engine.start(StartRequest(run_id=run_id, pipeline="test", version=1))
    return running


def records(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]}


def ended(cloud: MemoryCloud, run_id: str, label: str = "a") -> str:
    name = f"br-{run_id}-{label}-r0-p0"
    [job_id] = [job.job_id for job in cloud.jobs.jobs.values() if job.name == name]
    detail = {"jobId": job_id, "jobName": name, "status": "SUCCEEDED"}
    event = {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail}
    return json.dumps(event)


def again(*numbers: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": f"m{number}"} for number in numbers]}


def fails_for(run_id: str, real: Any, problem: Exception) -> Any:
    def call(run: Run | str) -> Any:
        if (run if isinstance(run, str) else run.id) == run_id:
            raise problem
        return real(run)

    return call


def test_a_poisoned_record_goes_back_alone(cloud: MemoryCloud) -> None:
    event = records("{", ended(cloud, "run1"), '{"source": "aws.s3"}', "[]", ended(cloud, "run2"))
    assert on_job_event.handler(event, CONTEXT) == again(0, 3)
    for run_id in ("run1", "run2"):
        assert cloud.runs.load(run_id).state("b").status == "ACTIVE"


def test_one_runs_trouble_holds_up_no_other(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = fails_for("run1", cloud.runs.load, RuntimeError("DynamoDB is down"))
    monkeypatch.setattr(cloud.runs, "load", broken)
    event = records(ended(cloud, "run1"), ended(cloud, "run2"), ended(cloud, "run1"))
    assert on_job_event.handler(event, CONTEXT) == again(0, 2)
    assert cloud.runs.runs["run2"].state("b").status == "ACTIVE"


def test_rivals_without_end_send_the_records_back(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def lost(run: Run) -> Run:
        tries.append(run.id)
        raise RunConflict("a rival was faster")

    monkeypatch.setattr(cloud.runs, "save", lost)
    assert on_job_event.handler(records(ended(cloud, "run1")), CONTEXT) == again(0)
    assert tries == ["run1"] * MemoryBackoff().tries_max
    assert cloud.deliveries.returned == ["m0"], "within seconds"


def test_an_event_of_a_run_that_is_gone_is_done_with(cloud: MemoryCloud) -> None:
    """Its time to live has passed."""
    body = ended(cloud, "run1")
    del cloud.runs.runs["run1"]
    assert on_job_event.handler(records(body), CONTEXT) == again()


def noted(calls: list[str], name: str, method: Callable[..., Run]) -> Callable[..., Run]:
    """The method of a store; its name is noted at each call."""

    def call(*arguments: Any) -> Run:
        calls.append(name)
        return method(*arguments)

    return call


def test_the_events_of_one_run_are_one_load_and_one_save(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = MemoryCloud(pipeline(step("a"), step("b"), step("c")))
    wide.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    monkeypatch.setattr(on_job_event, "lambda_engine", lambda: wide.engine)
    calls: list[str] = []
    for name in ("load", "save"):
        monkeypatch.setattr(wide.runs, name, noted(calls, name, getattr(wide.runs, name)))
    bodies = [ended(wide, "run1", label) for label in "abc"]
    assert on_job_event.handler(records(*bodies, *bodies), CONTEXT) == again()
    assert calls == ["load", "save", "save"], "the last one notes that the end was published"
    assert wide.runs.runs["run1"].status is RunStatus.SUCCEEDED


def test_a_preparation_that_cannot_be_done_goes_back(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"run_id": "run1", "step": "a", "round": 0})
    gone = json.dumps({"run_id": "absent", "step": "a", "round": 0})
    assert prepare.handler(records(body, gone), CONTEXT) == again()
    monkeypatch.setattr(
        cloud.runs, "load", fails_for("run1", cloud.runs.load, RuntimeError("down"))
    )
    assert prepare.handler(records(body), CONTEXT) == again(0)
    assert prepare.handler(records("{}"), CONTEXT) == again(0)


def test_a_preparation_whose_message_comes_again_is_an_attempt_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = MemoryCloud(pipeline(step("a", file="s3://b/f")))
    serve(cloud, monkeypatch)
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    broken = fails_for("s3://b/f", cloud.objects.read, RuntimeError("down"))
    monkeypatch.setattr(cloud.objects, "read", broken)
    event = records(json.dumps({"run_id": "run1", "step": "a", "round": 0}))
    for deliveries in (1, 2, 3):
        event["Records"][0]["attributes"] = {"ApproximateReceiveCount": str(deliveries)}
        assert prepare.handler(event, CONTEXT) == again(0)
        state = cloud.runs.load("run1").state("a")
        assert (state.attempts.begun, state.reason) == (deliveries, "RuntimeError")


def given_up_after_three(cloud: MemoryCloud, message: dict[str, Any]) -> None:
    """Twice it comes again soon; what the third delivery cannot do is recorded."""
    event = records(json.dumps(message))
    for deliveries in (1, 2):
        event["Records"][0]["attributes"] = {"ApproximateReceiveCount": str(deliveries)}
        assert prepare.handler(event, CONTEXT) == again(0)
    assert cloud.deliveries.returned == ["m0", "m0"], "within seconds"
    event["Records"][0]["attributes"] = {"ApproximateReceiveCount": "3"}
    assert prepare.handler(event, CONTEXT) == again()


def test_a_report_with_an_error_is_tried_again_soon_and_given_up_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = MemoryCloud(pipeline(step("a"), report=True))
    serve(cloud, monkeypatch)
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    on_job_event.handler(records(ended(cloud, "run1")), CONTEXT)
    assert cloud.event_bus.published == [], "it waits for the report"

    def write(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(long_work, "lambda_reports", lambda: SimpleNamespace(write=write))
    given_up_after_three(cloud, {"report_of": "run1", "redrive": 0})
    report = cloud.runs.load("run1").report
    assert report is not None
    assert report.problem == "ZeroDivisionError: a bug"
    assert len(cloud.event_bus.published) == 1
    assert prepare.handler(records('{"report_of": "absent", "redrive": 0}'), CONTEXT) == again()
    for body in ('{"report_of": 1, "redrive": 0}', '{"report_of": "run1", "redrive": true}'):
        assert prepare.handler(records(body), CONTEXT) == again(0)


def test_a_measurement_with_an_error_is_tried_again_soon_and_then_a_person_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = MemoryCloud(pipeline(step("a"), step("b", "a"), budget=Budget(usd=1)))
    serve(cloud, monkeypatch)
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    on_job_event.handler(records(ended(cloud, "run1")), CONTEXT)

    def measure(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(long_work, "lambda_measurement", lambda: SimpleNamespace(measure=measure))
    given_up_after_three(cloud, {"cost_of": "run1", "number": 0})
    run = cloud.runs.load("run1")
    assert (run.status, run.spending.unknown) == ("PAUSED", "ZeroDivisionError: a bug")
    assert prepare.handler(records('{"cost_of": "absent", "number": 0}'), CONTEXT) == again()


def test_a_run_that_cannot_be_reconciled_holds_up_no_other_and_is_reported(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for job in list(cloud.jobs.jobs.values()):
        cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
    broken = fails_for("run1", cloud.runs.load, RuntimeError("down"))
    monkeypatch.setattr(cloud.runs, "load", broken)
    monkeypatch.setattr(random, "shuffle", list)  # the broken one is the first
    with pytest.raises(RuntimeError, match="1 of 2 open runs could not be reconciled"):
        reconcile.handler({}, CONTEXT)
    assert cloud.runs.runs["run2"].state("a").status == "SUCCEEDED"


def test_reconcile_ends_in_time(cloud: MemoryCloud) -> None:
    hurried = SimpleNamespace(**vars(CONTEXT) | {"get_remaining_time_in_millis": lambda: 59_000})
    assert reconcile.handler({}, hurried) == {"reconciled": 0}
    assert reconcile.handler({}, CONTEXT) == {"reconciled": 2}


def test_reconcile_of_nothing_reads_nothing(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.runs.open_ids.clear()
    monkeypatch.setattr(cloud.runs, "load", fails_for("run1", cloud.runs.load, AssertionError()))
    assert reconcile.handler({}, CONTEXT) == {"reconciled": 0}


def test_blocked_steps_are_counted_for_the_alarm(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    began = cloud.clock.now()
    monkeypatch.setattr(
        cloud.jobs,
        "describe",
        lambda ids: tuple(JobReport(job_id=i, outcome=None, waits_since=began) for i in ids),
    )
    cloud.clock.move(STUCK_S)
    reconcile.handler({}, CONTEXT)
    [metric] = [line for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert json.loads(metric)["StepsBlocked"] == [2.0]


def test_a_start_that_is_refused_is_an_answer_and_trouble_is_an_error(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = {"runId": "run3", "pipeline": "test", "version": 1, "params": {}}
    refused = start_run.handler({**order, "runId": "run1"}, CONTEXT)
    assert refused == {"error": {"type": "RunExists", "message": "run run1 exists"}}
    monkeypatch.setattr(
        cloud.runs, "create", fails_for("run3", cloud.runs.create, RuntimeError("down"))
    )
    with pytest.raises(RuntimeError, match="down"):
        start_run.handler(order, CONTEXT)
    assert "run3" not in cloud.runs.runs


TOO_LONG = "are 30,003 bytes; a run keeps 24,576: put long lists into a file in S3 and pass its URI"


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"pipeline": "x" * 5_000}, "there is no pipeline " + "x" * 128),
        ({"pipeline": "x" * 5_000, "version": 1}, "there is no pipeline " + "x" * 128),
        ({"pipeline": ""}, "there is no pipeline "),
        ({"pipeline": "te\0st"}, "there is no pipeline te\0st"),
        ({"pipeline": ["x" * 9_000]}, "order.pipeline: expected str, got ['" + "x" * 197 + "…"),
        ({"runId": "../x"}, "order.runId: expected 1 to 32 of a-z and 0-9, got '../x'"),
        ({"runId": "x" * 101}, f"order.runId: expected 1 to 32 of a-z and 0-9, got '{'x' * 100}'"),
        ({"params": {"a": 10**4_000}}, f"order.params.a: expected str, got 1{'0' * 198}…"),
        ({"trigger": {"key": "k" * 30_000}}, f"the parameters and the trigger's values {TOO_LONG}"),
    ],
)  # fmt: skip
def test_a_start_of_any_size_is_refused_in_a_sentence(
    cloud: MemoryCloud, order: dict[str, Any], problem: str
) -> None:
    cloud.pipelines.register(pipeline(step("a")), T0)
    runs = dict(cloud.runs.runs)
    assert start_run.handler({"pipeline": "test", **order}, CONTEXT)["error"]["message"] == problem
    assert cloud.runs.runs == runs


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> MemoryCloud:
    """A pipeline whose second step has a limit that a parameter may break."""
    request = {"containerOverrides": {"command": ["echo", "${params.word}"]}}
    param = Param(name="word", default="${trigger.key}")
    cloud = MemoryCloud(pipeline(step("a"), step("b", "a", request=request), params=(param,)))
    cloud.pipelines.register(cloud.pipelines.get_pipeline("test", 1), cloud.clock.now())
    serve(cloud, monkeypatch)
    return cloud


def test_a_start_over_a_limit_is_an_answer_that_names_it(wide: MemoryCloud) -> None:
    answer = start_run.handler({"pipeline": "test", "params": {"word": "x" * 9_000}}, CONTEXT)
    assert answer["error"]["type"] == "InvalidStart"
    assert answer["error"]["message"].startswith("step b: containerOverrides: 9,")
    assert "8,192" in answer["error"]["message"]
    assert (wide.runs.runs, wide.jobs.jobs) == ({}, {})


@pytest.mark.parametrize("overlap", list(Overlap))
def test_a_trigger_over_a_limit_goes_to_the_dead_letters_and_holds_up_no_other(
    wide: MemoryCloud, overlap: Overlap
) -> None:
    """Tried as often as its queue says, and no place in the line is taken."""

    def upload(key: str) -> str:
        detail = {"bucket": {"name": "b"}, "object": {"key": key, "size": 1, "sequencer": "0A"}}
        return json.dumps({"pipeline": "test", "overlap": str(overlap), "s3": detail})

    for _ in range(2):
        assert start_run.handler(records(upload("x" * 9_000)), CONTEXT) == again(0)
    assert (wide.runs.runs, wide.runs.run_queue("test").holder) == ({}, "")
    assert start_run.handler(records(upload("x" * 9_000), upload("k")), CONTEXT) == again(0)
    [run] = wide.runs.runs.values()
    assert (run.trigger["key"], run.status) == ("k", "RUNNING")


def test_every_queue_with_a_reader_gives_up_after_a_few_tries_and_raises_an_alarm() -> None:
    resources = template()["Resources"]
    queues = {n: r["Properties"] for n, r in resources.items() if r["Type"] == "AWS::SQS::Queue"}
    dead = {
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in queues.values()
        if "RedrivePolicy" in queue and 1 < queue["RedrivePolicy"]["maxReceiveCount"] <= 5
    }
    assert {*dead, *(name for name in queues if "RedrivePolicy" in queues[name])} == set(queues)
    alarms = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in alarms
        for dimension in alarm.get("Dimensions", ())
        if dimension["Name"] == "QueueName"
    }
    assert watched == dead
    assert all("AlarmActions" in alarm for alarm in alarms)


def test_metrics_count_starts_ends_and_effects(
    cloud: MemoryCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    start_run.handler({"runId": "run3", "pipeline": "test", "version": 1}, CONTEXT)
    for label in "ab":
        event = records(ended(cloud, "run3", label))
        event["Records"][0]["attributes"] = {"SentTimestamp": "1"}
        on_job_event.handler(event, CONTEXT)
    on_job_event.handler(records(ended(cloud, "run3", "b")), CONTEXT)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    found = {name: value for document in printed for name, value in document.items()}
    assert found["RunsStarted"] == [1.0]
    [latency] = found["StepLatency"]
    assert latency > 10**12, "milliseconds since the message was sent"
    ends = [document["outcome"] for document in printed if "RunsEnded" in document]
    assert ends == ["SUCCEEDED"], "once, however often its last event is delivered"
    assert found["Conflicts"] == [0.0]


def test_a_record_that_met_a_conflict_is_retried_within_seconds(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the records of the run that was outrun; the others are done."""
    monkeypatch.setattr(cloud.runs, "save", fails_for("run1", cloud.runs.save, RunConflict("r")))
    event = records(ended(cloud, "run1"), ended(cloud, "run2"), ended(cloud, "run1"))
    assert on_job_event.handler(event, CONTEXT) == again(0, 2)
    assert cloud.deliveries.returned == ["m0", "m2"]
    assert cloud.runs.runs["run2"].state("b").status == "ACTIVE"
