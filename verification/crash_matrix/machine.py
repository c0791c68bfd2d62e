"""A local cloud whose handlers we invoke ourselves, one by one."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from batchrelay.aws_lambda.wiring import store
from batchrelay.domain.errors import RunNotFound
from batchrelay.domain.pending_effects import is_open
from batchrelay.domain.run import Run
from batchrelay.domain.state_change import DETAIL_TYPE, SOURCE
from batchrelay_cli.stack.client import local_client_factory
from batchrelay_local.launch import LocalCloud
from tests.conftest import make_queue, stop_schedules
from tests.stack import ROOT
from verification.crash_matrix.invocation import CrashPoint, Ended, invoke
from verification.crash_matrix.scenarios import (
    ENDLESS,
    ENDLESS_VERSION,
    EVENTS_LOST,
    HURRIED_HANDLERS,
    LATER_S,
    PIPELINE,
    QUEUE_USED,
    SHARED,
    SHORT,
    SUBMITTED_CALL,
    Scenario,
    requests,
    requests_after_end,
    requests_meanwhile,
    started_ids,
    waits_for_requests,
)

HURRIED_S = 20
"""Seconds of an invocation that has none for effects, and enough to load and save a run."""

ROUNDS_MAX = 60
IDLE_S = 0.4
"""Seconds without a message before reconcile is called."""


@dataclass(frozen=True, kw_only=True)
class Crash:
    """At which invocation of a run, and where in it; and whether its message comes again."""

    invocation: int
    point: CrashPoint
    redelivered: bool


@dataclass(kw_only=True)
class Played:
    """One run, and how it came about."""

    run: Run
    others: tuple[Run, ...] = ()
    """The runs that the scenario started beside it."""
    invocations: list[tuple[str, Ended]] = field(default_factory=list)


class Machine:
    """Starts runs and hands messages to handlers, as AWS does."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.client = local_client_factory(cloud.environment)
        functions = self.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.delete_event_source_mapping(UUID=mapping["UUID"])
        stop_schedules(cloud)
        [known] = [
            f["Environment"]["Variables"]
            for f in functions.list_functions()["Functions"]
            if "StartRun" in f["FunctionName"]
        ]
        self.environment = {
            **known,
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": cloud.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "POWERTOOLS_TRACE_DISABLED": "true",
        }
        self._make_jobs_possible()
        self.runs = store(cloud.outputs["TableName"], self.client)
        self.runs.put_pipeline(PIPELINE)
        for pipeline in SHARED.values():
            self.runs.register(pipeline, datetime.now(UTC))
        for key in ("crash/a.txt", "crash/b.txt"):
            self.client("s3").put_object(
                Bucket=cloud.outputs["BucketName"], Key=key, Body=b"one\ntwo\n"
            )
        self._ends = self._queue_of_ends()
        urls = self.client("sqs").list_queues()["QueueUrls"]
        [self._events] = [url for url in urls if "JobEventQueue" in url]
        [self._triggers] = [url for url in urls if "TriggerQueue" in url]
        self._preparations = cloud.outputs["PrepareQueueUrl"]

    def play(
        self,
        run_id: str,
        crash: Crash | None,
        scenario: Scenario = Scenario.RECEIVED,
        *,
        pipeline: str = PIPELINE.name,
        params: Mapping[str, str] | None = None,
    ) -> Played:
        """A run from its start until it is closed, and those that its scenario starts beside it."""
        pipeline = self._pipeline(scenario, run_id) or pipeline
        order = {"runId": run_id, "pipeline": pipeline, "version": 1, "params": params or {}}
        invocations: list[tuple[str, Ended]] = []

        def do(handler: str, event: Any, later_s: float = 0) -> Ended:
            point = _point(scenario, crash, len(invocations))
            left_s = HURRIED_S if handler in HURRIED_HANDLERS.get(scenario, ()) else 900
            ended = invoke(
                handler, event, self.environment, later_s=later_s, left_s=left_s, crash=point
            )
            invocations.append((handler, ended))
            return ended

        for request in requests(scenario, order):
            _ask(do, *request)
        meanwhile = requests_meanwhile(scenario, order)
        after_end = requests_after_end(scenario, order)
        run_id, *other_ids = started_ids(scenario, order)
        later, idle_since = 0.0, time.monotonic()
        for _ in range(ROUNDS_MAX * 100):
            run = self._run(run_id)
            if run is None:
                self._deliver_trigger(do, pipeline)
                continue
            others = tuple(self.runs.load(other_id) for other_id in other_ids)
            if not any(is_open(each) for each in (run, *others)):
                if late_request := next(after_end, None):
                    _ask(do, *late_request, later)
                    continue
                self._discard_messages()
                return Played(run=run, others=others, invocations=invocations)
            if self._deliver(do, later, crash, lose_events=scenario in EVENTS_LOST):
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > IDLE_S and not self._has_work():
                if waits_for_requests(run) and (late_request := next(meanwhile, None)):
                    _ask(do, *late_request, later)
                else:
                    later += LATER_S
                    do("reconcile", {}, later)
                idle_since = time.monotonic()
        raise AssertionError(f"run {run_id} does not end: {run and run.steps}")

    def _pipeline(self, scenario: Scenario, run_id: str) -> str:
        """The pipeline that a scenario needs, empty if any does."""
        if scenario in SHARED:
            return SHARED[scenario].name
        if scenario in QUEUE_USED:
            pipeline = replace(SHORT, name=f"{SHORT.name}-{run_id}")
            self.runs.register(pipeline, datetime.now(UTC))
            self.runs.put_pipeline(
                replace(ENDLESS, name=pipeline.name, version=ENDLESS_VERSION, timeout_s=None)
            )
            return pipeline.name
        return ""

    def ends(self) -> set[tuple[str, int, str]]:
        """The ends of runs that were published since this was asked: id, redrive, status."""
        sqs = self.client("sqs")
        published: set[tuple[str, int, str]] = set()
        while True:
            answer = sqs.receive_message(QueueUrl=self._ends, MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            for message in messages:
                detail = json.loads(message["Body"])["detail"]
                published.add((detail["runId"], detail["redrive"], detail["status"]))
                sqs.delete_message(QueueUrl=self._ends, ReceiptHandle=message["ReceiptHandle"])
            if not messages:
                return published

    def _queue_of_ends(self) -> str:
        """Of the events that the ends of runs are."""
        sqs, events = self.client("sqs"), self.client("events")
        url: str = sqs.create_queue(QueueName="ends")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        pattern = {"source": [SOURCE], "detail-type": [DETAIL_TYPE]}
        events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
        target = {"Id": "ends", "Arn": attributes["Attributes"]["QueueArn"]}
        events.put_targets(Rule="ends", Targets=[target])
        return url

    def jobs(self, run_id: str) -> dict[str, list[tuple[str, str]]]:
        """Every job of a run by its name: status and reason of each."""
        found: dict[str, list[tuple[str, str]]] = {}
        batch = self.client("batch")
        pages = batch.get_paginator("list_jobs").paginate(
            jobQueue="q", filters=[{"name": "JOB_NAME", "values": [f"br-{run_id}-*"]}]
        )
        for page in pages:
            for job in page["jobSummaryList"]:
                entry = (job["status"], job.get("statusReason", ""))
                found.setdefault(job["jobName"], []).append(entry)
        return found

    def consumable_resources(self) -> list[str]:
        """The names of all that there are."""
        pages = self.client("batch").get_paginator("list_consumable_resources").paginate()
        return [
            entry["consumableResourceName"]
            for page in pages
            for entry in page["consumableResources"]
        ]

    def recorded_calls(self) -> int:
        """AWS calls that the cloud saw handlers make."""
        return sum(self.cloud.calls().values())

    def _deliver(self, do: Any, later: float, crash: Crash | None, *, lose_events: bool) -> bool:
        """Hand over one batch of messages, if there is one."""
        sqs = self.client("sqs")
        for url, handler in ((self._events, "on_job_event"), (self._preparations, "prepare")):
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages", [])
            for message in messages:
                if lose_events and handler == "on_job_event":
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    continue
                record = {"messageId": message["MessageId"], "body": _later(message, later)}
                ended = do(handler, {"Records": [record]}, later)
                if _is_failed(ended) and crash is not None and crash.redelivered:
                    sqs.change_message_visibility(
                        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                    )
                else:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if messages:
                return True
        return False

    def _run(self, run_id: str) -> Run | None:
        """None while no run is started yet."""
        try:
            return self.runs.load(run_id)
        except RunNotFound:
            return None

    def _deliver_trigger(self, do: Any, pipeline: str) -> None:
        """Hand over a timer message, as often as it takes; one of another cell is dropped."""
        sqs = self.client("sqs")
        answer = sqs.receive_message(QueueUrl=self._triggers, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            record = {"messageId": message["MessageId"], "body": message["Body"]}
            while json.loads(message["Body"])["pipeline"] == pipeline:
                if not _is_failed(do("start_run", {"Records": [record]})):
                    break
            sqs.delete_message(QueueUrl=self._triggers, ReceiptHandle=message["ReceiptHandle"])

    def _discard_messages(self) -> None:
        """What comes late is not handed over in the next play."""
        for url in (self._events, self._preparations):
            self.client("sqs").purge_queue(QueueUrl=url)

    def _has_work(self) -> bool:
        """Whether a job is still on its way, and not endless: then an event will come."""
        batch = self.client("batch")
        queues = [queue["jobQueueName"] for queue in batch.describe_job_queues()["jobQueues"]]
        endless = f"-{ENDLESS.steps[0].label}-"
        return any(
            endless not in job["jobName"]
            for queue in queues
            for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
            for job in batch.list_jobs(jobQueue=queue, jobStatus=status)["jobSummaryList"]
        )

    def _make_jobs_possible(self) -> None:
        batch = self.client("batch")
        make_queue(batch, "q", slots=4)
        commands = {
            "noop": ["true"],
            "nap": ["sleep", "0.05"],  # it costs something
            "endless": ["sleep", "100000"],
            "half": [
                "sh",
                "-c",
                "[ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] && exit 1; exec sleep 100000",
            ],
            "index": ["sh", "-c", "echo a line of its log; exit ${AWS_BATCH_JOB_ARRAY_INDEX:-0}"],
            "worker": [
                *("batchrelay-worker", "run", "--", "sh", "-c"),
                'test "$ITEM" = 1 || test "$BATCHRELAY_ROUND" = 1',
            ],
        }
        for name, command in commands.items():
            batch.register_job_definition(
                jobDefinitionName=name,
                type="container",
                containerProperties={"image": "none", "command": command, "vcpus": 1, "memory": 64},
            )


def _point(scenario: Scenario, crash: Crash | None, number: int) -> CrashPoint | None:
    """Where the invocation of that number dies, if it does."""
    if scenario is Scenario.ABANDONED and number == 0:
        return CrashPoint(call=SUBMITTED_CALL, after=True)
    return crash.point if crash is not None and crash.invocation == number else None


def _ask(do: Any, handler: str, event: Any, later_s: float = 0) -> None:
    """What a user asks, who tries again if the handler dies."""
    if do(handler, event, later_s).killed:
        do(handler, event, later_s)


def _is_failed(ended: Ended) -> bool:
    """Whether a message, of an invocation with one, comes again."""
    return ended.answer is None or bool(ast.literal_eval(ended.answer)["batchItemFailures"])


def _later(message: Any, later_s: float) -> str:
    """Its body; a job ends by the clock that the handlers have."""
    body = json.loads(message["Body"])
    detail = body.get("detail", {})
    if "stoppedAt" in detail:
        detail["stoppedAt"] += int(later_s * 1000)
    return json.dumps(body)


@contextmanager
def machine(assume: str = "") -> Iterator[Machine]:
    """One, on a cloud of its own."""
    cloud = LocalCloud.start(directory=ROOT, assume=assume)
    try:
        yield Machine(cloud)
    finally:
        cloud.stop()


def essence(run: Run) -> Any:
    """What must be the same whatever was killed: no times, no ids."""
    steps = {
        name: (
            state.status,
            state.items,
            state.children,
            state.round,
            state.failed_items,
            tuple(
                replace(p, since=None, job_id=None, is_terminate_accepted=False)
                for p in state.every_part
            ),
        )
        for name, state in run.steps.items()
    }
    reasons = [None if stop is None else stop.reason for stop in (run.stop, run.finally_stop)]
    redrives = run.redrive_number
    reported = (run.notices, run.end_event, run.report, run.spending.budget_usd)
    deletions = (run.queues_since, run.consumable_resources_since)
    return run.status, steps, reported, run.duplicate_jobs, deletions, reasons, redrives
