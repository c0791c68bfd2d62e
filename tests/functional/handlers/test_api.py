"""The API: what it answers, and what it says of a request that is wrong."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from jsonschema import validate

from batchrelay.api.openapi import SCHEMAS
from batchrelay.api.service import DETAIL_CHARS_MAX
from batchrelay.domain.errors import CodecError
from batchrelay.domain.pipeline import Overlap, Param, ParamType
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.step_state import JobOutcome
from tests.builders import T0, MemoryCloud, pipeline, step
from tests.handlers import CONTEXT, api, serve
from tests.stack import resource
from verification.fuzz.mutation import mutated, seeds

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> MemoryCloud:
    """One registered pipeline of two steps and a parameter."""
    size = Param(name="size", type=ParamType.INTEGER, default="3")
    last = step("b", "a", request={"shareIdentifier": "${params.size}"})
    definition = pipeline(step("a", size=10), last, params=(size,))
    running = MemoryCloud(definition)
    running.pipelines.pipelines.clear()
    running.pipelines.register(definition, T0)
    serve(running, monkeypatch)
    return running


def ask(
    method: str,
    path: str,
    body: Any = None,
    *,
    query: dict[str, str] | None = None,
    key: str | None = None,
) -> tuple[int, Any]:
    """Status and document."""
    event = {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": {} if key is None else {"Idempotency-Key": key},
        "queryStringParameters": query,
        "body": body if isinstance(body, str) or body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {"stage": "v1", "requestId": "r"},
    }
    answer = api.handler(event, CONTEXT)
    [kind] = answer["multiValueHeaders"]["Content-Type"]
    wanted = "application/problem+json" if answer["statusCode"] >= 400 else "application/json"
    assert kind == wanted, answer
    return answer["statusCode"], json.loads(answer["body"])


def test_a_run_that_failed_is_redriven_once(cloud: MemoryCloud) -> None:
    ask("POST", "/pipelines/test/runs", {"params": {"size": 5}})
    [job] = cloud.jobs.jobs.values()
    cloud.jobs.end(job.job_id, JobOutcome.FAILED, "Array Child Job failed")
    cloud.engine.reconcile("run100")
    cloud.prepare()
    plan = ask("POST", "/runs/run100/redrive", {"plan": True})
    steps = [(entry["step"], entry["again"]) for entry in plan[1]["steps"]]
    assert (plan[0], steps) == (200, [("a", "failed items"), ("b", "whole step")])
    validate(plan[1], {**SCHEMAS["RedrivePlan"], "components": {"schemas": SCHEMAS}})
    assert cloud.runs.load("run100").redrive is None
    status, run = ask("POST", "/runs/run100/redrive", {"params": {"size": 6}})
    assert (status, run["status"], run["params"]) == (202, "RUNNING", {"size": "6"})
    assert run["steps"][0]["status"] == "PREPARING"
    status, refused = ask("POST", "/runs/run100/redrive")
    assert (status, refused["title"]) == (409, "NotRedrivable")
    assert refused["detail"].startswith("run run100 is RUNNING, and only a run that has ended")


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"step": 1}, 400, "step must be a text"),
        ({"step": ""}, 400, "step is empty: write a name, or leave it out"),
        ({"queue": ""}, 400, "queue is empty: write a name, or leave it out"),
        ({"classes": "Timeout"}, 400, 'classes must be a list of texts, such as ["OutOfMemory"]'),
        ({"classes": [1]}, 400, 'classes must be a list of texts, such as ["OutOfMemory"]'),
        ({"memory": "2"}, 400, "memory must be a factor, such as x2 or x1.5; got '2'"),
        ({"memory": 2}, 400, "memory must be a text"),
        ({"plan": "yes"}, 400, "plan must be true or false"),
        ({"params": []}, 400, 'params must be an object, such as {"name": "value"}'),
        ({"all": 1}, 400, "unknown field all: a redrive has step, classes, queue, memory, params"),
        ({"step": "x"}, 409, "run run100 has no step x: it has a, b"),
        ({"params": {"size": "many"}}, 409, "parameter size must be of the type integer"),
        ({"queue": "absent"}, 409, "there is no job queue absent in this account and region"),
        ({"queue": "absent", "plan": True}, 409, "there is no job queue absent in this account"),
    ],
)
def test_a_redrive_that_cannot_be_right_is_refused(
    cloud: MemoryCloud, body: dict[str, Any], status: int, problem: str
) -> None:
    ask("POST", "/pipelines/test/runs", {"params": {"size": 5}})
    [job] = cloud.jobs.jobs.values()
    cloud.jobs.end(job.job_id, JobOutcome.FAILED, "Array Child Job failed")
    cloud.engine.reconcile("run100")
    cloud.prepare()
    before = cloud.runs.load("run100")
    answered, document = ask("POST", "/runs/run100/redrive", body)
    assert (answered, document["detail"][: len(problem)]) == (status, problem)
    assert cloud.runs.load("run100") is before


def test_a_run_is_started_looked_at_and_cancelled(cloud: MemoryCloud) -> None:
    status, run = ask("POST", "/pipelines/test/runs", {"params": {"size": 5}})
    assert (status, run["runId"], run["version"]) == (201, "run100", 1)
    assert run["params"] == {"size": "5"}
    assert run["steps"][0]["running"] == 0, "of a start, AWS Batch is not asked"
    run["steps"][0]["running"] = 10
    assert ask("GET", "/runs/run100") == (200, run)
    [first, second] = run["steps"]
    assert (first["step"], first["status"], first["children"]) == ("a", "ACTIVE", 10)
    assert first["startedAt"] == "2026-01-01T00:00:00.000Z"
    assert (second["status"], second["needs"]) == ("WAITING", ["a"])
    assert ask("GET", "/runs/run100/steps/b") == (200, second)
    status, stopped = ask("POST", "/runs/run100/cancel", {"reason": "enough"})
    assert (status, stopped["status"], stopped["stopped"]) == (202, "CANCELLING", "enough")
    cloud.engine.reconcile("run100")
    status, history = ask("GET", "/runs/run100/history")
    assert [moment["what"] for moment in history["history"]] == [
        "run started: test, version 1",
        "a: array of 10 submitted as 00000000-0000-4000-8000-000000000000",
        "stop asked for: enough",
        "a: CANCELLED, 10 children (enough)",
        "b: CANCELLED (enough)",
        "run CANCELLED",
        "event on EventBridge SENT",
    ]
    assert ask("POST", "/runs/run100/cancel")[1]["status"] == "CANCELLED"


def test_what_the_api_started_and_ended_is_counted(
    cloud: MemoryCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        order = StartRequest(run_id=f"r{number}", pipeline="test", overlap=Overlap.QUEUE)
        cloud.engine.start(order)
    ask("POST", "/runs/r1/cancel")
    ask("POST", "/pipelines/test/runs")
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [line["outcome"] for line in printed if "RunsEnded" in line] == ["CANCELLED"]
    assert [line["RunsStarted"] for line in printed if "RunsStarted" in line] == [[1.0]]
    assert [line["EffectsPerformed"] for line in printed if "EffectsPerformed" in line] == [
        [1.0],
        [1.0],
    ], "the event of the run's end, and the job of the new run"


def test_a_path_without_a_route_is_answered_with_a_problem(cloud: MemoryCloud) -> None:
    for path in ("/nothing", "/pipelines/a\x00b/runs", "/pipelines/\U000fffffw/runs"):
        status, answer = ask("POST", path, {})
        assert (status, answer["title"]) in ((404, "PathNotFound"), (404, "PipelineNotFound"))


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/runs/run100/cancel", {"reason": []}, "reason must be a text"),
        ("/runs/run100/cancel", {"why": "x"}, "unknown field why: a cancellation has reason"),
        ("/pipelines/test/runs", {"key": False}, "the key of the body is not the Idempotency-Key"),
    ],
)
def test_a_field_that_is_wrong_is_a_problem(
    cloud: MemoryCloud, path: str, body: Any, detail: str
) -> None:
    ask("POST", "/pipelines/test/runs")
    status, answer = ask("POST", path, body, key="k")
    assert status == 400
    assert answer["detail"].startswith(detail)


def test_the_same_key_starts_one_run(cloud: MemoryCloud) -> None:
    status, first = ask("POST", "/pipelines/test/runs", key="night 1")
    again = ask("POST", "/pipelines/test/runs", {"params": {"size": 9}}, key="night 1")
    assert (status, again) == (201, (200, first))
    assert ask("POST", "/pipelines/test/runs", {"key": "night 1"}) == (200, first)
    assert ask("POST", "/pipelines/test/runs", key="night 2")[0] == 201
    assert len(cloud.runs.runs) == 2


def test_an_unregistered_pipeline_starts_no_run_and_repeats_an_earlier_answer(
    cloud: MemoryCloud,
) -> None:
    _, first = ask("POST", "/pipelines/test/runs", key="night 1")
    cloud.pipelines.unregister("test")
    assert ask("POST", "/pipelines/test/runs", key="night 1") == (200, first)
    assert ask("POST", "/pipelines/test/runs", {"version": 1})[0] == 404
    assert ask("POST", "/pipelines/test/runs", key="night 2")[0] == 404


def test_a_body_that_is_no_text_is_a_problem(cloud: MemoryCloud) -> None:
    event = {
        "httpMethod": "POST",
        "path": "/pipelines/test/runs",
        "headers": None,
        "queryStringParameters": None,
        "body": "//4=",
        "isBase64Encoded": True,
        "requestContext": {"stage": "v1"},
    }
    assert api.handler(event, CONTEXT)["statusCode"] == 400


def test_a_stored_run_that_cannot_be_read_is_no_fault_of_the_caller(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_run_id: str) -> Run:
        raise CodecError("run.schema: 99 was written by a newer version of batchrelay")

    monkeypatch.setattr(cloud.runs, "load", unreadable)
    status, document = ask("GET", "/runs/run1")
    assert (status, document["title"], document["status"]) == (500, "CodecError", 500)
    assert document["detail"].startswith("run.schema: 99 was written by a newer version")


def test_pipelines_are_listed(cloud: MemoryCloud) -> None:
    registered = {"pipeline": "test", "version": 1, "registeredAt": "2026-01-01T00:00:00.000Z"}
    assert ask("GET", "/pipelines") == (200, {"pipelines": [registered]})


def test_runs_are_listed_page_by_page_newest_first(cloud: MemoryCloud) -> None:
    for second in (0, 0, 1, 2, 2):
        cloud.clock.time = T0.replace(second=second)
        ask("POST", "/pipelines/test/runs")
    found: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        _, page = ask("GET", "/runs", query=query)
        found += [run["runId"] for run in page["runs"]]
        if page["next"] is None:
            break
        query["next"] = page["next"]
    assert found == ["run104", "run103", "run102", "run101", "run100"]


def test_runs_are_filtered_by_pipeline_and_status(cloud: MemoryCloud) -> None:
    for _ in range(2):
        ask("POST", "/pipelines/test/runs")
    ask("POST", "/runs/run100/cancel")
    cloud.engine.reconcile("run100")
    _, page = ask("GET", "/runs", query={"status": "CANCELLED", "pipeline": "test"})
    assert [(run["runId"], run["status"]) for run in page["runs"]] == [("run100", "CANCELLED")]
    assert ask("GET", "/runs", query={"pipeline": "absent"})[1] == {"runs": [], "next": None}


def test_a_failed_job_is_reported(cloud: MemoryCloud) -> None:
    ask("POST", "/pipelines/test/runs")
    [job_id] = cloud.jobs.jobs
    cloud.jobs.end(job_id, JobOutcome.FAILED, "exit code 1")
    cloud.engine.reconcile("run100")
    cloud.prepare()
    _, first = ask("GET", "/runs/run100/steps/a")
    assert (first["status"], first["failed"], first["reason"]) == (
        "FAILED",
        10,
        "10 × Other: exit code 1",
    )
    assert first["jobs"] == [
        {"jobId": job_id, "round": 0, "group": 0, "children": 10, "failed": 10, "outcome": "FAILED"}
    ]


def test_why_a_run_failed_is_answered_for_the_run_and_for_a_step(cloud: MemoryCloud) -> None:
    ask("POST", "/pipelines/test/runs")
    assert ask("GET", "/runs/run100/failures")[1]["steps"] == []
    [job_id] = cloud.jobs.jobs
    cloud.logs.lines[f"{job_id}:0"] = ("no such file",)
    cloud.jobs.end(job_id, JobOutcome.FAILED, "exit code 1")
    cloud.engine.reconcile("run100")
    cloud.prepare()
    status, document = ask("GET", "/runs/run100/failures")
    assert (status, document["runId"], document["status"]) == (200, "run100", "FAILED")
    [step] = document["steps"]
    assert ask("GET", "/runs/run100/steps/a/failures") == (200, step)
    [cause] = step["causes"]
    assert (cause["count"], cause["sample"]["log"]) == (10, ["no such file"])
    schemas = {"components": ask("GET", "/openapi.json")[1]["components"]}
    validate(document, {"$ref": "#/components/schemas/Failures", **schemas})
    assert ask("GET", "/runs/run100/steps/b/failures")[1]["causes"] == [], "it was SKIPPED"


def test_an_item_is_answered_with_the_request_that_does_it_alone(cloud: MemoryCloud) -> None:
    ask("POST", "/pipelines/test/runs")
    before, [job_id] = cloud.runs.load("run100"), cloud.jobs.jobs
    status, document = ask("GET", "/runs/run100/steps/a/items/7")
    assert (status, document["jobId"], document["index"], document["size"]) == (200, job_id, 7, 10)
    names = [entry["name"] for entry in document["request"]["containerOverrides"]["environment"]]
    assert "BATCHRELAY_RESULTS" not in names
    assert cloud.runs.load("run100") is before
    assert list(cloud.jobs.jobs) == [job_id], "nothing was submitted"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("POST", "/pipelines/absent/runs", None, 404, "there is no pipeline absent"),
        ("POST", "/pipelines/test/runs", {"version": 9}, 404, "pipeline test has no version 9"),
        ("POST", "/pipelines/test/runs", {"params": {"size": "x"}}, 400, "parameter size must be"),
        ("POST", "/pipelines/test/runs", {"params": {"size": "1" * 300}}, 400, "step b: shareId"),
        ("POST", "/pipelines/test/runs", {"params": {"sise": 1}}, 400, "unknown parameter sise"),
        ("POST", "/pipelines/test/runs", {"params": {"size": [1]}}, 400, "parameter size must be"),
        ("POST", "/pipelines/test/runs", {"params": []}, 400, "params must be an object"),
        ("POST", "/pipelines/test/runs", {"parms": {}}, 400, "unknown field parms"),
        ("POST", "/pipelines/test/runs", {"version": "1"}, 400, "order.version: expected int"),
        ("POST", "/pipelines/test/runs", {"key": 3}, 400, "order.key: expected str"),
        ("POST", "/pipelines/test/runs", "[]", 400, "the body must be an object"),
        ("POST", "/pipelines/test/runs", "{", 400, "the body is not JSON"),
        ("POST", "/pipelines/test/runs", '"' + "x" * 300_000 + '"', 413, "the body is larger"),
        ("POST", "/pipelines/test/runs", '{"key": "\\ud800"}', 400, "body: half of a character"),
        ("POST", "/pipelines/test/runs", {"params": {"size": "1" * 30_000}}, 400, "the para"),
        ("POST", "/pipelines/test/runs", '{"params": {"size": 1e999}}', 400, "body: a number"),
        ("POST", "/pipelines/test/runs", '{"params": {"size": NaN}}', 400, "body: NaN is not JSON"),
        ("POST", "/pipelines/test/runs", f'{{"key": {"9" * 5_000}}}', 400, "body: an integer of"),
        ("POST", "/pipelines/test/runs", '{"key": "1", "key": "2"}', 400, "body: members 1 and 2"),
        ("POST", "/pipelines/test/runs", "[" * 100_000, 400, "body: nested too deeply"),
        ("POST", "/pipelines/test/runs", "{} {}", 400, "the body is not JSON"),
        ("GET", "/runs/..", None, 404, "there is no run .."),
        ("GET", "/runs/../pipelines", None, 404, "there is no /runs/../pipelines"),
        ("GET", "/runs/%2e%2e", None, 404, "there is no run %2e%2e"),
        ("GET", "/runs/a%2Fb", None, 404, "there is no run a%2Fb"),
        ("GET", "/runs/run100%2Fsteps%2Fa", None, 404, "there is no run run100%2Fsteps%2Fa"),
        ("GET", "/runs/run100/steps/a%2Fb", None, 404, "run run100 has no step a%2Fb"),
        ("GET", "/runs/run100/steps/a/b", None, 404, "there is no /runs/run100/steps/a/b"),
        ("GET", "/runs/run100%00", None, 404, "there is no run run100%00"),
        ("POST", "/runs/..%2Fpipelines/cancel", None, 404, "there is no run ..%2Fpipelines"),
        ("POST", "/pipelines/../runs", None, 404, "there is no pipeline .."),
        ("POST", "/pipelines/%2e%2e/runs", None, 404, "there is no pipeline %2e%2e"),
        ("POST", "/pipelines/test%00/runs", None, 404, "there is no pipeline test%00"),
        ("POST", "/pipelines/test/runs", {"version": 0}, 400, "order.version: expected a number"),
        ("POST", f"/pipelines/{'x' * 3_000}/runs", None, 404, "there is no pipeline xxx"),
        ("GET", f"/runs/{'x' * 3_000}", None, 404, "there is no run xxx"),
        ("GET", "/runs/absent", None, 404, "there is no run absent"),
        ("GET", "/runs/absent/history", None, 404, "there is no run absent"),
        ("GET", "/runs/absent/failures", None, 404, "there is no run absent"),
        ("GET", "/runs/absent/steps/a/failures", None, 404, "there is no run absent"),
        ("GET", "/runs/run100/steps/c/failures", None, 404, "run run100 has no step c: it has"),
        ("GET", "/runs/absent/steps/a/items/0", None, 404, "there is no run absent"),
        ("GET", "/runs/run100/steps/c/items/0", None, 404, "run run100 has no step c: it has"),
        ("GET", "/runs/run100/steps/a/items/x", None, 404, "there is no item x: it is a number"),
        ("GET", "/runs/run100/steps/a/items/-1", None, 404, "there is no item -1: it is a number"),
        ("GET", "/runs/run100/steps/a/items/10", None, 404, "step a has no item 10: it has 0 to 9"),
        ("GET", "/runs/run100/steps/b/items/0", None, 404, "step b is WAITING: it has no items"),
        ("POST", "/runs/absent/cancel", None, 404, "there is no run absent"),
        ("POST", "/runs/absent/cancel", {"reason": 1}, 400, "reason must be a text"),
        ("GET", "/runs/run100/steps/c", None, 404, "run run100 has no step c: it has a, b"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_a_problem_and_leaves_no_run(
    cloud: MemoryCloud, method: str, path: str, body: Any, status: int, detail: str
) -> None:
    ask("POST", "/pipelines/test/runs")
    runs = dict(cloud.runs.runs)
    answered, problem = ask(method, path, body)
    assert (answered, problem["status"]) == (status, status)
    assert problem["detail"].startswith(detail)
    assert cloud.runs.runs == runs


def test_a_problem_does_not_repeat_all_that_was_sent(cloud: MemoryCloud) -> None:
    for name, value in (("x" * 20_000, 1), ("size", "y" * 20_000)):
        status, problem = ask("POST", "/pipelines/test/runs", {"params": {name: value}})
        assert status == 400
        assert len(problem["detail"]) == DETAIL_CHARS_MAX
        assert problem["detail"].endswith("…")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"limit": "0"}, "limit must be a number from 1 to 200, got '0'"),
        ({"limit": "many"}, "limit must be"),
        ({"limit": "000000001" + "0" * 5_000}, "limit must be"),
        ({"status": "DONE"}, "status must be one of QUEUED, RUNNING"),
        ({"next": "x"}, "next is not the value of an earlier page"),
        ({"next": "2026-01-01T00:00:00~a"}, "next is not"),
        ({"next": "2026-01-01T00:00:00.000+00:00~A"}, "next is not"),
    ],
)
def test_a_wrong_query_is_a_problem(cloud: MemoryCloud, query: dict[str, str], detail: str) -> None:
    status, problem = ask("GET", "/runs", query=query)
    assert status == 400
    assert problem["detail"].startswith(detail)


def routes_of_template() -> set[tuple[str, str]]:
    events = resource("AnswerApi")["Events"].values()
    return {(e["Properties"]["Method"].lower(), e["Properties"]["Path"]) for e in events}


def test_the_openapi_document_has_the_routes_of_the_code_and_of_the_template(
    cloud: MemoryCloud,
) -> None:
    status, document = ask("GET", "/openapi.json")
    assert status == 200
    described = {(m, path) for path, methods in document["paths"].items() for m in methods}
    known = (*api.app._static_routes, *api.app._dynamic_routes)
    coded = {(r.method.lower(), r.path.replace("<", "{").replace(">", "}")) for r in known}
    assert described == coded == routes_of_template()


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ('{"budget": 80}', 409, "run run100 is RUNNING, and only one that is PAUSED is resumed"),
        ("{}", 400, 'budget must be a number of US dollars, such as {"budget": 80}'),
        ('{"budget": "80"}', 400, "budget must be a number of US dollars"),
        ('{"budget": true}', 400, "budget must be a number of US dollars"),
        ('{"usd": 80}', 400, "unknown field usd: a resumption has budget"),
    ],
)
def test_a_wrong_resumption_is_refused_with_the_reason(
    cloud: MemoryCloud, body: str, status: int, problem: str
) -> None:
    ask("POST", "/pipelines/test/runs")
    answer = ask("POST", "/runs/run100/resume", body=body)
    assert answer[0] == status
    assert answer[1]["detail"].startswith(problem)


def test_the_models_of_the_gateway_are_those_of_the_document() -> None:
    assert resource("Api")["Models"] == {
        name: SCHEMAS[name] for name in ("Start", "Cancel", "Redrive", "Resume")
    }


def test_the_answers_are_as_the_openapi_document_says(cloud: MemoryCloud) -> None:
    document = ask("GET", "/openapi.json")[1]
    ask("POST", "/pipelines/test/runs")
    paths = {"name": "test", "run_id": "run100", "step": "a", "number": "3"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            status, answered = ask(method.upper(), path.format(**paths))
            if operation["operationId"] == "redriveRun":  # of a run that goes on
                assert (status, answered["title"]) == (409, "NotRedrivable")
                continue
            if operation["operationId"] == "resumeRun":  # without a budget
                assert (status, answered["title"]) == (400, "InputError")
                continue
            content = operation["responses"][str(status)]["content"]["application/json"]
            validate(answered, {**content["schema"], "components": document["components"]})
    status, problem = ask("GET", "/runs/absent")
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    validate(problem, schema)


def test_no_document_of_an_odd_request_is_a_5xx(cloud: MemoryCloud) -> None:
    """Of every operation, with bodies, queries, headers and paths that are a little wrong."""
    document = ask("GET", "/openapi.json")[1]
    bodies = [
        {"params": {"size": 5}, "version": 1, "key": "k"},
        {"reason": "enough"},
        {"budget": 80},
        {"step": "a", "classes": ["Timeout"], "memory": "x2", "queue": "q", "plan": True},
    ]
    ask("POST", "/pipelines/test/runs")
    for seed in seeds():
        rng = random.Random(seed)
        path, methods = rng.choice(list(document["paths"].items()))
        method = rng.choice(list(methods))
        odd = ("test", "run100", "a", "", "..", "%2F", "é", "a b", "x" * 500, "${x}", "'")
        names = {name: rng.choice(odd) for name in ("name", "run_id", "step", "number")}
        body = rng.choice(
            (None, "", "null", "\ud83d", json.dumps(mutated(rng.choice(bodies), rng)))
        )
        query = {rng.choice(("limit", "status", "next", "x")): rng.choice(odd)}
        event = {
            "httpMethod": method.upper(),
            "path": path.format(**names),
            "resource": path,
            "headers": rng.choice((None, {}, {"idempotency-key": rng.choice(odd)})),
            "queryStringParameters": rng.choice((None, query)),
            "body": body,
            "isBase64Encoded": False,
            "requestContext": {"stage": "v1"},
        }
        try:
            answer = api.handler(event, CONTEXT)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {event}") from error
        assert answer["statusCode"] < 500, f"seed {seed}: {event} {answer}"
