"""The API as an OpenAPI 3.1 document: served at /openapi.json, held equal to the code by a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchrelay.api.service import PAGE_MAX
from batchrelay.domain.failures import FailureClass
from batchrelay.domain.limits import BUDGET_USD_MAX, KEY_CHARS_MAX
from batchrelay.domain.redrive import Again
from batchrelay.domain.run import RunStatus
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import NAME, RUN_ID

_TEXT: Mapping[str, Any] = {"type": "string"}
_TIME: Mapping[str, Any] = {"type": "string", "format": "date-time"}
_COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_USD: Mapping[str, Any] = {"type": "number", "minimum": 0}


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _object(**properties: Any) -> dict[str, Any]:
    """Every property is always there; what is not known is null."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_STEP_STATUS = {"type": "string", "enum": list(StepStatus)}
_RUN_STATUS = {"type": "string", "enum": list(RunStatus)}

SCHEMAS: Mapping[str, Any] = {
    "Pipeline": _object(
        pipeline=_TEXT, version={"type": "integer", "minimum": 1}, registeredAt=_TIME
    ),
    "Summary": _object(
        runId=_TEXT,
        pipeline=_TEXT,
        status=_RUN_STATUS,
        startedAt=_TIME,
        cause=_maybe(_TEXT),
        costUsd=_maybe(_USD),
    ),
    "Cost": _object(usd=_USD, isEstimate={"const": True}, sums=_TEXT, date=_TEXT),
    "Job": _object(
        jobId=_maybe(_TEXT),
        round=_COUNT,
        group=_COUNT,
        children={"type": "integer", "minimum": 1},
        failed=_COUNT,
        outcome={"enum": ["SUBMITTED", "SUCCEEDED", "FAILED", "CANCELLED", None]},
    ),
    "Round": _object(
        round=_COUNT, children=_COUNT, succeeded=_COUNT, failed=_COUNT, jobIds=_list(_TEXT)
    ),
    "Step": _object(
        step=_TEXT,
        status=_STEP_STATUS,
        since=_maybe(_TIME),
        startedAt=_maybe(_TIME),
        needs=_list(_TEXT),
        **{"finally": {"type": "boolean"}},
        round=_COUNT,
        rounds=_list(_ref("Round")),
        level=_maybe(_COUNT),
        items=_maybe(_COUNT),
        existing=_COUNT,
        children=_maybe(_COUNT),
        chunk=_maybe(_COUNT),
        succeeded=_COUNT,
        failed=_COUNT,
        failedItems=_COUNT,
        upstreamItems=_COUNT,
        stoppedItems=_COUNT,
        upstream=_COUNT,
        stopped=_COUNT,
        canary=_maybe(_COUNT),
        running=_COUNT,
        asOf=_maybe(_TIME),
        reason=_maybe(_TEXT),
        blocked=_maybe(_TEXT),
        output=_maybe(_TEXT),
        manifest=_maybe(_TEXT),
        results=_maybe(_TEXT),
        failures=_maybe(_TEXT),
        jobs=_list(_ref("Job")),
    ),
    "Run": _object(
        runId=_TEXT,
        pipeline=_TEXT,
        version={"type": "integer", "minimum": 1},
        status=_RUN_STATUS,
        startedAt=_TIME,
        dequeuedAt=_maybe(_TIME),
        endedAt=_maybe(_TIME),
        deadline=_maybe(_TIME),
        params={"type": "object", "additionalProperties": _TEXT},
        cause=_maybe(_TEXT),
        trigger={"type": "object", "additionalProperties": _TEXT},
        stopped=_maybe(_TEXT),
        finallyStopped=_maybe(_TEXT),
        report=_maybe(_TEXT),
        reportProblem=_maybe(_TEXT),
        cost={"anyOf": [_ref("Cost"), {"type": "null"}]},
        budgetUsd=_maybe(_USD),
        paused=_maybe(_TEXT),
        resume=_maybe(_TEXT),
        isOpen={"type": "boolean"},
        asOf=_maybe(_TIME),
        steps=_list(_ref("Step")),
    ),
    "Pipelines": _object(pipelines=_list(_ref("Pipeline"))),
    "Runs": _object(runs=_list(_ref("Summary")), next=_maybe(_TEXT)),
    "History": _object(runId=_TEXT, history=_list(_object(at=_TIME, what=_TEXT))),
    "Sample": _object(
        number=_maybe(_COUNT),
        jobId=_TEXT,
        round=_maybe(_COUNT),
        index=_maybe(_COUNT),
        log=_list(_TEXT),
    ),
    "Cause": _object(
        **{"class": {"type": "string", "enum": list(FailureClass)}},
        exitCode={"type": ["integer", "null"]},
        reason=_maybe(_TEXT),
        count={"type": "integer", "minimum": 1},
        again=_COUNT,
        sample={"anyOf": [_ref("Sample"), {"type": "null"}]},
    ),
    "StepFailures": _object(
        step=_TEXT,
        status=_STEP_STATUS,
        reason=_maybe(_TEXT),
        round=_maybe(_COUNT),
        counted={"enum": ["items", "children"]},
        total=_maybe(_COUNT),
        failed=_COUNT,
        stopped=_COUNT,
        again=_COUNT,
        failures=_maybe(_TEXT),
        causes=_list(_ref("Cause")),
        notes=_list(_TEXT),
    ),
    "Failures": _object(runId=_TEXT, status=_RUN_STATUS, steps=_list(_ref("StepFailures"))),
    "Item": _object(
        runId=_TEXT,
        step=_TEXT,
        status=_STEP_STATUS,
        number=_COUNT,
        manifest=_maybe(_TEXT),
        row=_COUNT,
        entry=_COUNT,
        round=_COUNT,
        part=_COUNT,
        index=_maybe(_COUNT),
        size={"type": "integer", "minimum": 1},
        jobId=_maybe(_TEXT),
        request={"type": "object"},
    ),
    "Gateway": _object(message=_TEXT),
    "Problem": _object(title=_TEXT, status={"type": "integer"}, detail=_TEXT),
    "Start": {
        "type": "object",
        "properties": {
            "params": {
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "boolean"]},
            },
            "version": {"type": ["integer", "null"], "minimum": 1},
            "key": {"type": ["string", "null"], "maxLength": KEY_CHARS_MAX},
        },
        "additionalProperties": False,
    },
    "RedrivePlan": _object(
        runId=_TEXT,
        steps=_list(
            _object(
                step=_TEXT,
                again={"enum": list(Again)},
                status=_STEP_STATUS,
                failed=_maybe(_COUNT),
                stopped=_maybe(_COUNT),
                counted={"enum": ["items", "children"]},
                total=_maybe(_COUNT),
                children=_maybe(_COUNT),
                reason=_maybe(_TEXT),
            )
        ),
    ),
    "Redrive": {
        "type": "object",
        "properties": {
            "step": {"type": ["string", "null"]},
            "classes": {"type": ["array", "null"], "items": {"type": "string"}},
            "queue": {"type": ["string", "null"]},
            "memory": {"type": ["string", "null"]},
            "params": {
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "boolean"]},
            },
            "plan": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "Resume": {
        "type": "object",
        "properties": {
            "budget": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": BUDGET_USD_MAX,
                "description": "US dollars: more than the run has cost.",
            },
        },
        "required": ["budget"],
        "additionalProperties": False,
    },
    "Cancel": {
        "type": "object",
        "properties": {
            "reason": {"type": ["string", "null"]},
            "finally": {
                "type": "boolean",
                "default": False,
                "description": "Stop its finally steps too.",
            },
        },
        "additionalProperties": False,
    },
}


def document(url: str = "/v1") -> dict[str, Any]:
    """The document; `url` is where the API is."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "batchrelay", "version": "1", "description": "Runs on AWS Batch."},
        "servers": [{"url": url}],
        "security": [{"sigv4": []}],
        "paths": {
            path: dict(_operations(path)) for path in dict.fromkeys(p for _, p, *_ in ROUTES)
        },
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }
            },
        },
    }


ROUTES: tuple[tuple[str, str, str, str, dict[str, str], str | None], ...] = (
    ("get", "/pipelines", "listPipelines", "What may be started", {"200": "Pipelines"}, None),
    ("post", "/pipelines/{name}/runs", "startRun", "Start", {"201": "Run", "200": "Run"}, "Start"),
    ("get", "/runs", "listRuns", "Runs, the newest first", {"200": "Runs"}, None),
    ("get", "/runs/{run_id}", "getRun", "A run and its steps", {"200": "Run"}, None),
    ("get", "/runs/{run_id}/history", "getHistory", "What happened", {"200": "History"}, None),
    ("get", "/runs/{run_id}/steps/{step}", "getStep", "One step", {"200": "Step"}, None),
    ("get", "/runs/{run_id}/failures", "getFailures", "Why it failed", {"200": "Failures"}, None),
    (
        "get", "/runs/{run_id}/steps/{step}/failures", "getStepFailures", "Why one step failed",
        {"200": "StepFailures"}, None,
    ),
    (
        "get", "/runs/{run_id}/steps/{step}/items/{number}", "getItem",
        "An item, and the request of a job that does it alone", {"200": "Item"}, None,
    ),
    ("post", "/runs/{run_id}/cancel", "cancelRun", "Stop a run", {"202": "Run"}, "Cancel"),
    (
        "post", "/runs/{run_id}/redrive", "redriveRun", "Run again what failed",
        {"202": "Run", "200": "RedrivePlan"}, "Redrive",
    ),
    (
        "post", "/runs/{run_id}/resume", "resumeRun", "Let a PAUSED run go on", {"202": "Run"},
        "Resume",
    ),
    ("get", "/openapi.json", "getOpenApi", "This document", {"200": ""}, None),
)  # fmt: skip
"""Method, path, operation, what it does, answers by status, body."""

_NAMES = {
    "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
    "run_id": {"type": "string", "pattern": f"^{RUN_ID.pattern}$"},
    "step": {"type": "string", "pattern": f"^{NAME.pattern}$"},
    "number": {"type": "integer", "minimum": 0},
}
_QUERIES = {
    "listRuns": {
        "pipeline": _TEXT,
        "status": _RUN_STATUS,
        "limit": {"type": "integer", "minimum": 1, "maximum": PAGE_MAX},
        "next": _TEXT,
    }
}


def _operations(path: str) -> Any:
    for method, at, name, summary, answers, body in ROUTES:
        if at == path:
            yield method, _operation(path, name, summary, answers, body)


def _operation(
    path: str, name: str, summary: str, answers: Mapping[str, str], body: str | None
) -> dict[str, Any]:
    parameters = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": _NAMES[part[1:-1]]}
        for part in path.split("/")
        if part.startswith("{")
    ]
    parameters += [
        {"name": query, "in": "query", "schema": schema}
        for query, schema in _QUERIES.get(name, {}).items()
    ]
    if name == "startRun":
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": _TEXT})
    problem = {
        "description": "What is wrong, and what to write",
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }
    responses: dict[str, Any] = {status: _answer(schema) for status, schema in answers.items()}
    responses |= {status: _answer("Gateway") for status in ("403", "429")}  # before the function
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {**responses, "4XX": problem},
    }
    if body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": _ref(body)}}}
    return operation


def _answer(schema: str) -> dict[str, Any]:
    content = {"schema": _ref(schema)} if schema else {"schema": {"type": "object"}}
    return {"description": schema or "OpenAPI", "content": {"application/json": content}}
