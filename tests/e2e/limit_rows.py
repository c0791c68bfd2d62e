"""The table of the limits, and the doors where each can be met: test_limits.py tries them.

The doors: `lint`, `deploy` and `run` read a pipeline file (run up to the moment when it would start
a cloud); `start` is the API's handler; `prepare` is what a step meets that is ready; `store` keeps
definitions; `submit` and `register` are the local AWS Batch's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from batch_local.embedding import BatchService
from batchrelay.adapters.memory import MemoryPipelineStore
from batchrelay.codec import encode_pipeline
from batchrelay.domain.errors import InputError
from batchrelay.domain.events import PreparationFailed
from batchrelay.domain.job_tags import JOB_TAGS
from batchrelay.domain.limits import DEFINITION_BYTES_MAX
from batchrelay.domain.pipeline import (
    InlineItems,
    ListFile,
    ListFormat,
    Param,
    Pipeline,
    Step,
)
from batchrelay.domain.run import StartRequest
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.definitions import OUR_TAG_BYTES, OUR_TAGS
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.local_setup import check_runs_here
from batchrelay_cli.verbs.run import check_params
from batchrelay_local.launch import LocalCloud
from machines import call, ended
from tests.builders import T0, MemoryCloud, pipeline, step
from tests.e2e.command_line import batchrelay
from tests.handlers import CONTEXT, api, serve

Json = dict[str, Any]

NOT_MET: Mapping[str, str] = {
    "RUN_BYTES_MAX": "a start and a step are refused by STATE_BYTES_MAX before: test_run_size.py",
    "STATE_BYTES_MAX": "a start and a step that do not fit: test_run_size.py, stress/never_saved.py",
    "DUPLICATE_JOBS_MAX": "a further one is stopped without a note: test_run_size.py",
    "REASON_BYTES_MAX": "a longer reason is cut: test_run_size.py",
    "STEP_LABEL_MAX": "a longer name is shortened: test_values.py",
    "UPLOAD_BATCH_S_MAX": "the batch is closed and becomes a run: test_batching.py",
    "UPLOAD_BATCH_UPLOADS_MAX": "the batch is closed and becomes a run: test_batching.py",
    "REASON_CHARS_MAX": "a longer reason is cut: test_reasons.py",
    "BLOCKED_CHARS_MAX": "a longer reason is cut: test_job_events.py",
    "SUBJECT_CHARS_MAX": "a longer subject is cut: test_notices.py",
    "STATE_CHANGE_BYTES_MAX": "the steps beyond are left out and counted: test_notices.py",
    "LINK_BYTES_MAX": "a longer link is in the text only: test_notices.py",
    "NOTICE_BYTES_MAX": "the steps beyond are left out and counted: test_reasons.py",
    "CAUSES_MAX": "the rarer causes are one: test_causes.py",
    "LOG_TAIL_LINES": "so many lines of a log are kept: test_causes.py",
    "RECORDS_READ_MAX": "the chunks beyond run again whole: test_chunks.py",
    "QUEUE_RECORDS_READ_MAX": "the step fails: test_queue_rounds.py",
    "DESCRIBE_IDS_MAX": "more are asked for in several calls: test_batch_errors.py",
    "STUCK_S": "a time that reconcile keeps: test_blocked.py",
    "SUBMIT_GRACE_S": "a time that reconcile keeps: test_engine.py",
    "PREPARE_GRACE_S": "a time that reconcile keeps: test_engine.py",
    "NOTICE_GRACE_S": "a time that reconcile keeps: test_engine.py",
    "MEMBERS_MAX": "a million members take ten seconds; a limit of 3 is tried: test_lists.py",
    "NUMBER_CHARS_MAX": "a longer one is a text: test_quick.py, test_lists.py",
    "PREPARE_ATTEMPTS_MAX": "the step fails: test_attempts.py",
    "PREPARE_REQUESTS_MAX": "the step fails: test_attempts.py",
    "CONTINUE_GRACE_S": "a time that reconcile keeps: test_postponed_effects.py",
    "JOB_MISSING_S": "a time that reconcile keeps: test_missing_jobs.py",
    "JOB_STOPPED_S": "a time that reconcile keeps: test_missing_jobs.py",
    "EFFECT_S_MAX": "what there is no time for is postponed: test_postponed_effects.py",
    "EFFECTS_PER_SAVE": "the effects beyond are postponed: test_postponed_effects.py",
    "SUBMISSIONS_MAX": "the submissions beyond wait: test_postponed_effects.py",
    "MEASUREMENT_GRACE_S": "a time that reconcile keeps: test_budgets.py",
    "MEASUREMENT_REQUESTS_MAX": "the run is PAUSED: test_budgets.py",
    "MEASUREMENT_DELIVERIES_MAX": "likewise: test_budgets.py",
    "BUDGET_USD_MAX": "lint and resume refuse it: test_lint_budget.py, test_budgets.py",
    "REPORT_GRACE_S": "a time that reconcile keeps: test_end_report.py",
    "REPORT_REQUESTS_MAX": "the notices go without the report: test_end_report.py",
    "REPORT_DELIVERIES_MAX": "likewise: test_end_report.py",
    "REPORT_BYTES_MAX": "the report is not written, and the notice says so: test_end_of_run.py",
    "REPORT_CHILDREN_MAX": "a sample is looked at, and a note says so: test_end_of_run.py",
    "FRUITLESS_MAX": "another invocation goes on: test_postponed_effects.py",
}
"""The limits that refuse nothing, and where they are tested instead."""


# --- what is given to the doors ------------------------------------------------


def a_step(name: str = "a", **more: Any) -> Json:
    return {"jobName": name, "jobQueue": "q", "jobDefinition": "d", **more}


def a_definition(container: Json | None = None, **more: Any) -> Json:
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    own = {"image": "i", "command": ["true"], "resourceRequirements": needs, **(container or {})}
    return {"jobDefinitionName": "d", "type": "container", "containerProperties": own, **more}


def a_file(*steps: Json, definition: Json | None = None, **more: Any) -> Json:
    definitions = [definition or a_definition()]
    return {"pipeline": "p", "steps": [*steps], "jobDefinitions": definitions, **more}


def of_step(**more: Any) -> Json:
    return a_file(a_step(**more))


def table_of(columns: int) -> bytes:
    """A CSV of one row."""
    return f"{','.join(f'c{n}' for n in range(columns))}\n{',' * (columns - 1)}1\n".encode()


def needing(kind: str, value: str) -> Json:
    return {"containerOverrides": {"resourceRequirements": [{"type": kind, "value": value}]}}


def rules(count: int) -> Json:
    entries = [{"onReason": "*", "action": "EXIT"}] * count
    return {"retryStrategy": {"attempts": 2, "evaluateOnExit": entries}}


def pattern(length: int) -> Json:
    entries = [{"onReason": "x" * length, "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
    return {"retryStrategy": {"attempts": 2, "evaluateOnExit": entries}}


def tags(count: int) -> Json:
    return {"tags": {f"t{number}": "x" for number in range(count)}}


def timeout(seconds: int) -> Json:
    return {"timeout": {"attemptDurationSeconds": seconds}}


def upload(debounce: int) -> Json:
    return a_file(a_step(), triggers=[{"s3": {"bucket": "limits", "debounce": debounce}}])


def reconcile(a: int, b: int, **flow: Any) -> Json:
    matrix = {"matrix": {"a": [*range(a)], "b": [*range(b)]}}
    return of_step(flow={"forEach": matrix, **flow})


def consuming(count: int) -> Json:
    entries = [{"consumableResource": f"r{n}", "quantity": 1} for n in range(count)]
    return {"consumableResourcePropertiesOverride": {"consumableResourceList": entries}}


_M = TypeVar("_M")


def sized(limit: int, make: Callable[[int], _M], measure: Callable[[_M], int]) -> _M:
    """What is made with so many characters as its measure needs."""
    made = make(limit - measure(make(0)))
    assert measure(made) == limit
    return made


def definition_of(size: int) -> Json:
    """A job definition of so many bytes, as lint counts them."""
    return sized(
        size,
        lambda length: a_definition({"command": ["true", "x" * length]}),
        lambda made: len(json.dumps(made)),
    )


def digits(count: int) -> list[Json]:
    """500 steps with so many random digits between them, which deflate to less than a half."""
    text, width = "".join(Random(7).choices("0123456789", k=count)), -(-count // 500)
    pieces = [text[at : at + width] for at in range(0, count, width)]
    return [a_step(f"s{n}", parameters={"p": piece}) for n, piece in enumerate(pieces)]


def pipeline_of(steps: list[Json]) -> Pipeline:
    """What a file of these steps is."""
    made = (Step(name=s["jobName"], request={k: s[k] for k in s if k != "jobName"}) for s in steps)
    return Pipeline(name="p", version=1, steps=tuple(made))


def edge(low: int, high: int, is_refused: Callable[[int], bool]) -> tuple[int, int]:
    """The last number that passes, and the first that does not."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_refused(middle) else (middle, high)
    return low, high


def refused_by(door: Callable[[Json], str], make: Callable[[int], Json]) -> Callable[[int], bool]:
    """Whether a door refuses what is made with a number."""
    return lambda number: bool(door(make(number)))


# --- the doors -----------------------------------------------------------------


@dataclass(kw_only=True)
class Doors:
    """Each returns the refusal's text, or an empty text if the value passes."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    batch: BatchService
    cloud: LocalCloud | None = None
    submitted: list[Json] = field(default_factory=list)

    def _write(self, document: Json) -> Path:
        path = self.folder / "pipeline.json"
        path.write_text(json.dumps(document))
        return path

    def lint(self, document: Json) -> str:
        result = batchrelay("lint", str(self._write(document)))
        assert result.exit_code in (0, 2), result.output
        return result.output if result.exit_code else ""

    def warn(self, document: Json) -> str:
        return "\n".join(warning.message for warning in read(self._write(document)).warnings)

    def deploy(self, document: Json) -> str:
        result = batchrelay("deploy", str(self._write(document)))
        assert result.exit_code in (0, 2), result.output
        return result.output if result.exit_code else ""

    def run(self, document: Json) -> str:
        try:
            file = read(self._write(document))
            check_params(file, {})
            check_runs_here(file)
        except (PipelineFileError, UsageProblem) as error:
            return str(error)
        return ""

    def start(self, asked: tuple[Pipeline, Any]) -> str:
        definition, body = asked
        running = MemoryCloud(definition)
        running.pipelines.pipelines.clear()
        running.pipelines.register(definition, T0)
        serve(running, self.monkeypatch)
        event = {
            "httpMethod": "POST",
            "path": "/pipelines/test/runs",
            "resource": "/pipelines/test/runs",
            "headers": {},
            "queryStringParameters": None,
            "body": body if isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
            "requestContext": {"stage": "v1", "requestId": "r"},
        }
        answer = api.handler(event, CONTEXT)
        self.submitted = [dict(job.request) for job in running.jobs.jobs.values()]
        return "" if answer["statusCode"] == 201 else str(json.loads(answer["body"])["detail"])

    def prepare(self, asked: tuple[Json, bytes]) -> str:
        flow, body = asked
        there = MemoryCloud(pipeline(step("a", **flow)))
        there.objects.objects["s3://b/list"] = body
        order = StartRequest(run_id="run1", pipeline="test", version=1)
        run = there.engine.start(order).run
        outcome = there.engine.preparation.prepare(run, "a", 0)
        assert outcome is not None
        return outcome.reason if isinstance(outcome, PreparationFailed) else ""

    def store(self, definition: Pipeline) -> str:
        try:
            MemoryPipelineStore().register(definition, T0)
        except InputError as error:
            return str(error)
        return ""

    def submit(self, request: Json) -> str:
        """Refused at once, or accepted and FAILED."""
        body = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **request}
        status, answer = self.batch.handle("POST", "/v1/submitjob", json.dumps(body).encode(), {})
        if status != 200:
            return str(answer["message"])
        if "arrayProperties" in body or "resourceRequirements" in str(body):
            call(self.batch, "terminatejob", jobId=answer["jobId"], reason="enough")
            return ""  # it need not run
        job = ended(self.batch, answer["jobId"])
        return str(job["statusReason"]) if job["status"] == "FAILED" else ""

    def register(self, request: Json) -> str:
        path = "/v1/registerjobdefinition"
        status, answer = self.batch.handle("POST", path, json.dumps(request).encode(), {})
        return "" if status == 200 else str(answer["message"])


# --- the table -----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Row:
    """One limit at some doors."""

    limit: str
    doors: tuple[str, ...]
    at: Callable[[], Any]
    beyond: Callable[[], Any]
    says: str


FILES = ("lint", "deploy", "run")


def row(
    limit: str, doors: str | tuple[str, ...], make: Callable[[int], Any], at: int, beyond: int,
    says: str,
) -> Row:  # fmt: skip
    return Row(
        limit=limit,
        doors=(doors,) if isinstance(doors, str) else doors,
        at=lambda: make(at),
        beyond=lambda: make(beyond),
        says=says,
    )


WIDE = pipeline(
    step("a", request={"arrayProperties": {"size": "${params.n}"}}), params=(Param(name="n"),)
)
TABLE: Json = {"for_each": ListFile(file="s3://b/list", format=ListFormat.CSV)}
LISTED: Json = {"for_each": ListFile(file="s3://b/list", format=ListFormat.LINES)}
LONG = pipeline(
    step("a", request={"parameters": {"p": "${params.p}", "q": "y" * 10_000}}),
    params=(Param(name="p", default=""),),
)
OVER = pipeline(
    step("a", request={"containerOverrides": {"command": ["${params.p}"]}}),
    params=(Param(name="p", default="x"),),
)
PLAIN = pipeline(step("a"), params=(Param(name="p", default=""),))


def stored(size: int) -> Pipeline:
    """A pipeline whose definition is so many bytes of JSON, which deflate to little."""

    def made(length: int) -> Pipeline:
        return pipeline(step("a", request={"tags": {"t": "x" * length}}))

    empty = len(json.dumps(encode_pipeline(made(0)), separators=(",", ":")))
    return made(size - empty)


ROWS: tuple[Row, ...] = (
    row("ARRAY_SIZE_MIN", FILES, lambda n: of_step(arrayProperties={"size": n}), 2, 1, "AWS Batch takes array sizes 2 to 10,000, not 1"),
    row("ARRAY_SIZE_MIN", "submit", lambda n: {"arrayProperties": {"size": n}}, 2, 1, "Array size must be between 2 and 10000, got 1"),
    row("ARRAY_SIZE_MAX", FILES, lambda n: of_step(arrayProperties={"size": n}), 10_000, 10_001, "AWS Batch takes array sizes 2 to 10,000, not 10,001"),
    row("ARRAY_SIZE_MAX", "submit", lambda n: {"arrayProperties": {"size": n}}, 10_000, 10_001, "Array size must be between 2 and 10000, got 10001"),
    Row(limit="PARTS_MAX", doors=FILES, at=lambda: reconcile(1_000, 1_000), beyond=lambda: reconcile(101, 9_901), says="1,000,001 children, and 100 arrays of 10,000 hold 1,000,000: write a larger chunk"),
    row("PARTS_MAX", "start", lambda n: (WIDE, {"params": {"n": n}}), 1_000_000, 1_000_001, "step a: 1,000,001 children are more than 100 arrays of 10,000 hold (1,000,000)"),
    row("PARTS_MAX", "prepare", lambda n: (LISTED, b"x\n" * n), 1_000_000, 1_000_001, "are 1,000,001 children, and 100 arrays of 10,000 hold 1,000,000: write a larger chunk"),
    row("STEPS_MAX", FILES, lambda n: a_file(*(a_step(f"s{m}") for m in range(n))), 500, 501, "501 steps; a pipeline has at most 500"),
    row("PIPELINE_JSON_BYTES_MAX", "store", stored, 16_777_216, 16_777_217, "pipeline test is 16,777,217 bytes of JSON; a definition has at most 16,777,216: put long"),
    row("JOB_NAME_MAX", FILES, lambda n: of_step(jobName="a" * n), 128, 129, "128 characters at most"),
    row("JOB_NAME_MAX", "submit", lambda n: {"jobName": "a" * n}, 128, 129, "Job name should match valid pattern [A-Za-z0-9][A-Za-z0-9_-]{0,127}"),
    row("OVERRIDES_CHARS_MAX", "submit", lambda n: sized(n, lambda m: {"containerOverrides": {"command": ["true", "x" * m]}}, lambda r: len(json.dumps(r["containerOverrides"], separators=(",", ":")))), 8_192, 8_193, "Container Overrides length must be at most 8192"),
    row("RUN_TIMEOUT_S_MIN", FILES, lambda n: a_file(a_step(), timeout=n), 60, 59, "at least 60 s"),
    row("TIMEOUT_S_MIN", FILES, lambda n: of_step(**timeout(n)), 60, 59, "AWS Batch takes timeouts from 60 seconds on, not 59"),
    row("TIMEOUT_S_MIN", FILES, lambda n: a_file(a_step(), definition=a_definition(**timeout(n))), 60, 59, "AWS Batch takes timeouts from 60 seconds on, not 59"),
    row("TIMEOUT_S_MIN", "submit", timeout, 60, 59, "attemptDurationSeconds must be at least 60, got 59"),
    row("RETRY_RULES_MAX", FILES, lambda n: of_step(**rules(n)), 5, 6, "AWS Batch takes at most 5 rules, not 6"),
    row("RETRY_RULES_MAX", "submit", rules, 5, 6, "evaluateOnExit can have at most 5 entries"),
    row("ATTEMPTS_MAX", FILES, lambda n: of_step(retryStrategy={"attempts": n}), 10, 11, "AWS Batch takes attempts 1 to 10, not 11"),
    row("ATTEMPTS_MAX", "submit", lambda n: {"retryStrategy": {"attempts": n}}, 10, 11, "attempts must be between 1 and 10, got 11"),
    row("PATTERN_CHARS_MAX", FILES, lambda n: of_step(**pattern(n)), 512, 513, "AWS Batch takes up to 512 letters"),
    row("PATTERN_CHARS_MAX", "submit", pattern, 512, 513, "with at most 512 characters"),
    row("CONDITION_DEPTH_MAX", FILES, lambda n: of_step(flow={"when": "(" * n + "true" + ")" * n}), 50, 51, "nested more than 50 deep"),
    row("PRIORITY_MAX", FILES, lambda n: of_step(schedulingPriorityOverride=n), 9_999, 10_000, "AWS Batch takes priorities 0 to 9,999, not 10,000"),
    row("PRIORITY_MAX", "submit", lambda n: {"schedulingPriorityOverride": n}, 9_999, 10_000, "schedulingPriorityOverride must be between 0 and 9999, got 10000"),
    row("MEMORY_MIB_MIN", FILES, lambda n: of_step(**needing("MEMORY", str(n))), 4, 3, "MEMORY is in MiB, and at least 4, not 3"),
    row("MEMORY_MIB_MIN", "submit", lambda n: needing("MEMORY", str(n)), 4, 3, "It must be at least 4"),
    row("AMOUNT_CHARS_MAX", FILES, lambda n: of_step(**needing("MEMORY", "9" * n)), 9, 10, "MEMORY has 10 characters; an amount has at most 9"),
    row("AMOUNT_CHARS_MAX", "submit", lambda n: needing("MEMORY", "9" * n), 9, 10, "Value 9999999999 for type MEMORY in resourceRequirement is not valid"),
    row("TAGS_MAX", FILES, lambda n: of_step(propagateTags=False, **tags(n)), 50 - len(JOB_TAGS), 51 - len(JOB_TAGS), "48 tags, and 3 of ours; AWS Batch takes 50"),
    row("TAGS_MAX", FILES, lambda n: of_step(**tags(n)), 46, 47, "47 tags of this step and of job definition d, and 4 of ours"),
    row("TAGS_MAX", FILES, lambda n: a_file(a_step(propagateTags=False), definition=a_definition(**tags(n))), 50 - OUR_TAGS, 51 - OUR_TAGS, "49 tags, and 2 of ours; AWS Batch takes 50"),
    row("TAGS_MAX", "submit", tags, 50, 51, "A resource can have at most 50 tags, got 51"),
    row("TAGS_MAX", "register", lambda n: a_definition(**tags(n)), 50, 51, "A resource can have at most 50 tags, got 51"),
    row("TAG_KEY_CHARS_MAX", FILES, lambda n: of_step(tags={"k" * n: "x"}), 128, 129, "a tag's name has 1 to 128 characters"),
    row("TAG_KEY_CHARS_MAX", "submit", lambda n: {"tags": {"k" * n: "x"}}, 128, 129, "must have 1 to 128 characters"),
    row("TAG_VALUE_CHARS_MAX", FILES, lambda n: of_step(tags={"k": "x" * n}), 256, 257, "257 characters; a tag's value has up to 256"),
    row("TAG_VALUE_CHARS_MAX", "submit", lambda n: {"tags": {"k": "x" * n}}, 256, 257, "must have at most 256 characters"),
    row("DEFINITION_BYTES_MAX", FILES, lambda n: a_file(a_step(), definition=definition_of(n)), DEFINITION_BYTES_MAX - OUR_TAG_BYTES, DEFINITION_BYTES_MAX - OUR_TAG_BYTES + 1, "24,277 bytes, and 300 of our tags; AWS Batch takes job definitions of 24,576"),
    row("DEFINITION_BYTES_MAX", "register", lambda n: sized(n, lambda m: {**a_definition({"command": ["x" * m]}), "tags": {}}, lambda r: len(json.dumps(r, separators=(",", ":")))), 24_576, 24_577, "Job definition size must be less than 24 KiB, got 25 KiB"),
    Row(limit="VERSION_MAX", doors=("start",), at=lambda: (PLAIN, {"version": 1}), beyond=lambda: (PLAIN, {"version": 1_000_000_001}), says="order.version: expected a number from 1 to 1,000,000,000, got 1000000001"),
    row("PARAMS_BYTES_MAX", "start", lambda n: (PLAIN, {"params": {"p": "x" * (n - 1)}}), 24_576, 24_577, "the parameters are 24,577 bytes; a run keeps 24,576: put long"),
    row("PARAMS_BYTES_MAX", ("warn", "run"), lambda n: a_file(a_step(), params={"p": "x" * (n - 1)}), 24_576, 24_577, "the parameters are 24,577 bytes; a run keeps 24,576: put long"),
    row("KEY_CHARS_MAX", "start", lambda n: (PLAIN, {"key": "k" * n}), 256, 257, "order.key: more than 256 characters"),
    row("PRESIGN_S_MAX", FILES, lambda n: a_file(a_step(), notify=[{"topicArn": "${env.topicArn}", "link": "s3://b/k", "presign": n}]), 43_200, 43_201, "43,200 s at most"),
    row("DEBOUNCE_S_MIN", FILES, upload, 1, 0, "1 s to 1 h"),
    row("DEBOUNCE_S_MAX", FILES, upload, 3_600, 3_601, "1 s to 1 h"),
    Row(limit="QUEUE_MESSAGES_MAX", doors=FILES, at=lambda: reconcile(1_000, 1_000, queue={"workers": 2}), beyond=lambda: reconcile(101, 9_901, queue={"workers": 2}), says="1,000,001 messages, and a queue is filled with at most 1,000,000: write a larger chunk"),
    row("MAX_RUNNING_MAX", FILES, lambda n: reconcile(2, 2, maxRunning=n), 1_000_000, 1_000_001, "maxRunning must be 1 to 1,000,000, not 1,000,001"),
    row("CONSUMABLE_RESOURCES_MAX", FILES, lambda n: of_step(flow={"forEach": {"items": [1, 2]}, "maxRunning": 1}, **consuming(n)), 4, 5, "needs 5 consumable resources of its own, and that of maxRunning would be one more than the 5"),
    row("QUEUE_MESSAGES_MAX", "prepare", lambda n: ({**LISTED, "workers": 2}, b"x\n" * n), 1_000_000, 1_000_001, "at most 1,000,000: write a larger chunk"),
    row("COLUMNS_MAX", "prepare", lambda n: (TABLE, table_of(n)), 16_384, 16_385, "16,385 columns, and a table may have 16,384"),
    row("GLOB_CHARS_MAX", "lint", lambda n: of_step(flow={"forEach": {"prefix": "s3://b/", "match": "*" + "x" * (n - 1)}}), 1_024, 1_025, "write at most 1,024"),
    row("ITEM_BYTES_MAX", "prepare", lambda n: (LISTED, b"x" * (n - 2)), 8_388_608, 8_388_609, "8,388,608"),
    row("ITEM_BYTES_MAX", "prepare", lambda n: ({"for_each": InlineItems(items=("x" * (n - 2),))}, b""), 8_388_608, 8_388_609, "8,388,608"),
    row("BODY_BYTES_MAX", "start", lambda n: (PLAIN, "{}" + " " * (n - 2)), 262_144, 262_145, "the body is larger than 262,144 bytes"),
)  # fmt: skip

OTHERS = {
    "PIPELINE_BYTES_MAX": "test_a_definition_that_fills_its_item",
    "REQUEST_BYTES_MAX": "test_a_request_that_is_full",
    "OVERRIDES_CHARS_MAX": "test_overrides_that_are_full",
    "QUEUED_RUNS_MAX": "test_a_queue_of_runs_that_is_full",
}
"""Limits whose value is measured of what comes out, by tests of their own."""
