"""What happens to the runs of the matrix beside a crash: their pipelines, and what is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from batchrelay.domain.budget import Budget, Rate
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.idempotency_keys import keyed_run_id, upload_batch_key
from batchrelay.domain.pipeline import (
    Aggregate,
    InlineItems,
    ListFile,
    Listing,
    NoticeRule,
    Pipeline,
    Step,
)
from batchrelay.domain.run import Run, RunStatus
from verification.crash_matrix.bounded import BOUNDED, BOUNDED_RETRIED

LATER_S = 10_000
"""Seconds between reconciliations: longer than every grace."""

_REQUEST = {"jobQueue": "q", "jobDefinition": "noop:1"}
PIPELINE = Pipeline(
    name="crash",
    version=1,
    steps=(
        Step(name="plan", request=_REQUEST),
        Step(name="fan", needs=("plan",), request=_REQUEST, for_each=InlineItems(items=(1, 2, 3))),
        Step(
            name="pull",
            needs=("plan",),
            request=_REQUEST,
            for_each=InlineItems(items=(1, 2)),
            workers=2,
        ),
        Step(name="merge", needs=("fan", "pull"), request=_REQUEST),
    ),
    notify=(
        NoticeRule(topic="${env.topicArn}", on=frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})),
    ),
)
ENDLESS = Pipeline(
    name="endless",
    version=1,
    steps=(
        Step(
            name="wait",
            request={**_REQUEST, "jobDefinition": "endless:1", "arrayProperties": {"size": 2}},
        ),
        Step(
            name="merge",
            needs=("wait",),
            request=_REQUEST,
            for_each=InlineItems(items=(1,)),
            workers=1,
        ),
    ),
    notify=PIPELINE.notify,
    timeout_s=LATER_S,
)
"""Its end looks for work queues, because a step has workers; the step never begins."""

READING = Pipeline(
    name="reading",
    version=1,
    steps=(
        Step(
            name="file", request=_REQUEST, for_each=ListFile(file="s3://${env.bucket}/crash/a.txt")
        ),
        Step(name="prefix", request=_REQUEST, for_each=Listing(prefix="s3://${env.bucket}/crash/")),
    ),
)
"""Its first steps have items, which are in S3."""

EMPTY = Pipeline(
    name="empty",
    version=1,
    steps=(
        Step(name="pull", request=_REQUEST, for_each=InlineItems(items=(1,)), workers=1),
        Step(name="none", needs=("pull",), request=_REQUEST, for_each=InlineItems(items=())),
    ),
    notify=PIPELINE.notify,
)
"""It ends where its last step is prepared, because that has no items."""

RETRIED = Pipeline(
    name="retried",
    version=1,
    steps=(
        Step(
            name="fan",
            request={**_REQUEST, "jobDefinition": "index:1", "arrayProperties": {"size": 3}},
            retry_failed=RetryFailed(rounds=1, when=frozenset({"ExitCode:1"})),
            tolerate=Tolerate(count=1),
        ),
    ),
)
"""A child ends with its index: child 1 fails, and succeeds as the only one of a second round; child
2 fails for good, and is tolerated."""

REDRIVEN = Pipeline(
    name="redriven",
    version=1,
    steps=(
        Step(
            name="fan",
            request={**_REQUEST, "jobDefinition": "index:1"},
            for_each=InlineItems(items=(1, 2)),
        ),
        Step(name="merge", needs=("fan",), request=_REQUEST),
    ),
    notify=PIPELINE.notify,
)
"""It ends FAILED, because child 1 fails; that succeeds as the only one of the redrive."""

CANARY = Pipeline(
    name="canary",
    version=1,
    steps=(
        Step(
            name="fan",
            request={**_REQUEST, "jobDefinition": "index:1", "arrayProperties": {"size": 5}},
            canary=2,
        ),
    ),
    notify=PIPELINE.notify,
)
"""Child 1 of its canary fails, so the other three never begin."""

FAIL_FAST = Pipeline(
    name="failfast",
    version=1,
    steps=(
        Step(
            name="wait",
            request={**_REQUEST, "jobDefinition": "half:1", "arrayProperties": {"size": 2}},
            fail_fast=True,
        ),
    ),
    notify=PIPELINE.notify,
)
"""One child fails at once, the other is endless: its array is terminated."""

FINALLY = Pipeline(
    name="finally",
    version=1,
    steps=(
        *ENDLESS.steps[:1],
        Step(name="clean", request=_REQUEST, for_each=InlineItems(items=(1, 2)), is_finally=True),
    ),
    notify=PIPELINE.notify,
)
"""Its ordinary step is stopped, its finally step is prepared and runs."""

FINALLY_ENDLESS = Pipeline(
    name="finallyendless",
    version=1,
    steps=(
        Step(name="plan", request=_REQUEST),
        replace(ENDLESS.steps[0], is_finally=True),
    ),
    notify=PIPELINE.notify,
)
"""Its finally step runs until that is stopped too."""

FINALLY_REDRIVEN = Pipeline(
    name="finallyredriven",
    version=1,
    steps=(*REDRIVEN.steps[:1], Step(name="clean", request=_REQUEST, is_finally=True)),
    notify=PIPELINE.notify,
)
"""It ends FAILED, as REDRIVEN, and its finally step runs in both rounds."""

REPORTED = Pipeline(
    name="reported",
    version=1,
    steps=REDRIVEN.steps[:1],
    notify=PIPELINE.notify,
    report=True,
)
"""It ends FAILED, as REDRIVEN, and then SUCCEEDED; each end leaves a report."""

BUDGET = Pipeline(
    name="budget",
    version=1,
    steps=(
        Step(name="first", request={**_REQUEST, "jobDefinition": "nap:1"}),
        Step(name="second", needs=("first",), request=_REQUEST),
    ),
    notify=(NoticeRule(topic="${env.topicArn}", on=frozenset({"PAUSED", "SUCCEEDED"})),),
    budget=Budget(usd=0.000001, rates={"q": Rate(vcpu_hour=3_600, gib_hour=0)}),
)
"""Its first step costs its budget: it is PAUSED, and the API resumes it."""

LEVELS = Pipeline(
    name="levels",
    version=1,
    steps=(
        Step(
            name="many",
            request=_REQUEST,
            for_each=InlineItems(items=(1, 2, 3, 4)),
            output="s3://${env.bucket}/crash/many-${item}",
        ),
        Step(
            name="tree",
            needs=("many",),
            request={**_REQUEST, "jobDefinition": "index:1"},
            aggregate=Aggregate(of="many", fan_in=2),
            output="s3://${env.bucket}/crash/tree",
            retry_failed=RetryFailed(rounds=1),
        ),
    ),
)
"""Node 1 of level 0 fails, and succeeds as the only one of a second round; then level 1 begins."""

QUEUE = Pipeline(
    name="queue",
    version=1,
    steps=(
        Step(
            name="pull",
            request={**_REQUEST, "jobDefinition": "worker:1"},
            for_each=InlineItems(items=(1, 2, 3)),
            workers=1,
            retry_failed=RetryFailed(rounds=1),
        ),
    ),
    notify=PIPELINE.notify,
)
"""Items 2 and 3 fail, and succeed from the queue of a second round."""

SHORT = Pipeline(name="short", version=1, steps=(Step(name="only", request=_REQUEST),))
"""Of the run queue: registered anew for each run, so that each begins with an empty run queue."""

ENDLESS_VERSION = 2
"""Of a pipeline that is registered anew: the version that runs until it is cancelled."""

SUBMITTED_CALL = 2
"""Of a start of SHORT: the call that submits its job."""

TRIGGER_ID = "5d41402abc4b"


class Scenario(StrEnum):
    """What happens to a run beside the crash."""

    RECEIVED = "all events are received"
    LOST = "all events are lost"
    STOPPED = "it takes too long"
    HURRIED = "only a preparation's function has time for effects"
    REQUESTED = "the API starts and cancels it"
    QUEUED = "it waits in the run queue behind another run"
    UPLOADED = "two uploads become one run, by a timer message"
    EXCLUSIVE = "its trigger skips while another run is open, and none is"
    LISTED = "the API starts and lists it, and its items are in S3"
    EMPTY = "its last step has no items"
    DEQUEUED = "the API cancels it while it waits in the run queue"
    REPLACING = "it cancels the open run and the one that waits, and takes their place"
    POSTPONED = "the API has no time to stop its jobs"
    ABANDONED = "its start dies after SubmitJob, and all events are lost"
    RETRIED = "a child of its array fails and runs again, another is tolerated"
    REDRIVEN = "it fails, and the API redrives it"
    CANARY = "its canary fails"
    FAILFAST = "it fails fast"
    FINALLY = "the API cancels it, and its finally step runs"
    FINALLYSTOPPED = "the API cancels its finally step while that runs"
    FINALLYREDRIVEN = "it fails, the API redrives it, and its finally step runs twice"
    REPORT = "it leaves a report, fails, and the API redrives it"
    BUDGET = "it is PAUSED at its budget, and the API resumes it"
    LEVELS = "a node of an aggregate fails and runs again"
    QUEUE = "its worker leaves items undone, and another queue is filled with them"
    MAXRUNNING = "the API starts it, and it bounds how many of its children run"
    MAXRUNNINGLOST = "it bounds them, and all events are lost"
    MAXRUNNINGRETRIED = "it bounds them, and a child fails and runs again"


EVENTS_LOST = (Scenario.LOST, Scenario.ABANDONED, Scenario.MAXRUNNINGLOST)
"""Scenarios in which only reconcile learns how jobs end."""

QUEUE_USED = (
    Scenario.QUEUED,
    Scenario.EXCLUSIVE,
    Scenario.UPLOADED,
    Scenario.DEQUEUED,
    Scenario.REPLACING,
    Scenario.ABANDONED,
)
"""Scenarios with a pipeline that is registered anew for each run."""

SHARED = {
    Scenario.STOPPED: ENDLESS,
    Scenario.REQUESTED: ENDLESS,
    Scenario.POSTPONED: ENDLESS,
    Scenario.LISTED: READING,
    Scenario.EMPTY: EMPTY,
    Scenario.RETRIED: RETRIED,
    Scenario.REDRIVEN: REDRIVEN,
    Scenario.CANARY: CANARY,
    Scenario.FAILFAST: FAIL_FAST,
    Scenario.FINALLY: FINALLY,
    Scenario.FINALLYSTOPPED: FINALLY_ENDLESS,
    Scenario.FINALLYREDRIVEN: FINALLY_REDRIVEN,
    Scenario.REPORT: REPORTED,
    Scenario.BUDGET: BUDGET,
    Scenario.LEVELS: LEVELS,
    Scenario.QUEUE: QUEUE,
    Scenario.MAXRUNNING: BOUNDED,
    Scenario.MAXRUNNINGLOST: BOUNDED,
    Scenario.MAXRUNNINGRETRIED: BOUNDED_RETRIED,
}
"""The pipeline of a scenario, where all of its runs have the same."""

HURRIED_HANDLERS = {
    Scenario.HURRIED: ("start_run", "on_job_event"),
    Scenario.POSTPONED: ("api",),
}
"""The handlers that have no time for effects."""


_OVERLAPS = {Scenario.EXCLUSIVE: {"overlap": "skip"}}


def requests(scenario: Scenario, order: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is asked of the handlers before the first message: each by its handler and event."""
    run_id, pipeline = order["runId"], order["pipeline"]
    match scenario:
        case Scenario.REQUESTED:
            yield "api", _api_start(pipeline, run_id)
            yield "api", _cancellation(keyed_run_id(pipeline, run_id))
        case Scenario.MAXRUNNING:
            yield "api", _api_start(pipeline, run_id)
        case Scenario.LISTED:
            yield "api", _api_start(pipeline, run_id)
            yield "api", _request("/pipelines")
            yield "api", _request("/runs", query={"pipeline": pipeline})
        case Scenario.QUEUED:
            yield "start_run", {**order, "runId": f"{run_id}first", "overlap": "queue"}
            yield "start_run", {**order, "overlap": "queue"}
        case Scenario.DEQUEUED:
            yield "start_run", {**order, "runId": f"{run_id}first", "overlap": "queue"}
            yield "start_run", {**order, "version": ENDLESS_VERSION, "overlap": "queue"}
            yield "api", _cancellation(run_id)
        case Scenario.REPLACING:
            for earlier in ("first", "second"):
                endless = {"runId": run_id + earlier, "version": ENDLESS_VERSION}
                yield "start_run", {**order, **endless, "overlap": "queue"}
            yield "start_run", {**order, "overlap": "cancelRunning"}
        case Scenario.POSTPONED | Scenario.FINALLY:
            yield "start_run", order
            yield "api", _cancellation(run_id)
        case Scenario.UPLOADED:
            yield "start_run", {"Records": [_upload(pipeline, "one", "0A")]}
            yield "start_run", {"Records": [_upload(pipeline, "two", "0B")]}
        case _:
            yield "start_run", {**order, **_OVERLAPS.get(scenario, {})}


def waits_for_requests(run: Run) -> bool:
    """Whether it is time for the requests meanwhile: a finally step has a job, or it is PAUSED."""
    if run.status is RunStatus.PAUSED:
        return True
    states = [run.state(step.name) for step in run.pipeline.steps if step.is_finally]
    return any(part.is_active for state in states for part in state.parts)


def requests_meanwhile(scenario: Scenario, order: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is asked while an endless finally step runs, or while the run is PAUSED."""
    if scenario is Scenario.BUDGET:
        yield "api", _request(f"/runs/{order['runId']}/resume", {"budget": 1_000})
    if scenario is Scenario.FINALLYSTOPPED:
        yield "api", _request(f"/runs/{order['runId']}/cancel", {"finally": True})


def requests_after_end(scenario: Scenario, order: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is asked once every run of the scenario has ended."""
    if scenario in (Scenario.REDRIVEN, Scenario.FINALLYREDRIVEN, Scenario.REPORT):
        yield "api", _request(f"/runs/{order['runId']}/redrive", {})


def started_ids(scenario: Scenario, order: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the runs that the requests of a scenario start; first the one it is about."""
    run_id = str(order["runId"])
    match scenario:
        case Scenario.REQUESTED | Scenario.LISTED | Scenario.MAXRUNNING:
            return (keyed_run_id(order["pipeline"], run_id),)
        case Scenario.UPLOADED:
            return (keyed_run_id(order["pipeline"], upload_batch_key(TRIGGER_ID, 0)),)
        case Scenario.QUEUED | Scenario.DEQUEUED:
            return run_id, f"{run_id}first"
        case Scenario.REPLACING:
            return run_id, f"{run_id}first", f"{run_id}second"
        case _:
            return (run_id,)


def _upload(pipeline: str, key: str, sequencer: str) -> dict[str, str]:
    """A message of the trigger queue, as the rule of an upload trigger writes it."""
    body = {
        "pipeline": pipeline,
        "debounce": 1,
        "id": TRIGGER_ID,
        "s3": {
            "version": "0",
            "bucket": {"name": "inbox"},
            "object": {"key": key, "size": 1, "etag": "e", "sequencer": sequencer},
            "request-id": "crash",
            "requester": "000000000000",
            "reason": "PutObject",
        },
    }
    return {"messageId": key, "body": json.dumps(body)}


def _api_start(pipeline: str, key: str) -> dict[str, Any]:
    return _request(f"/pipelines/{pipeline}/runs", {"key": key, "version": 1})


def _cancellation(run_id: str) -> dict[str, Any]:
    return _request(f"/runs/{run_id}/cancel", {"reason": "by the matrix"})


def _request(
    path: str,
    body: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What API Gateway sends: for a POST if there is a body, otherwise for a GET."""
    return {
        "httpMethod": "GET" if body is None else "POST",
        "path": path,
        "resource": path,
        "headers": {},
        "queryStringParameters": query,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {"stage": "v1", "requestId": "crash"},
    }
