"""Runs as documents: compact, because a run of 500 steps is one item of DynamoDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from batchrelay.codec.reader import Reader, compact_json, enum, overlap, without_empty
from batchrelay.codec.spending import decode_spending, encode_spending
from batchrelay.codec.step_states import decode_states, encode_state, member_text
from batchrelay.codec.upgrades import SCHEMA, upgraded_run
from batchrelay.domain.end_report import EndReport
from batchrelay.domain.pipeline import Overlap, Pipeline
from batchrelay.domain.run import DuplicateJob, NoticeState, Redrive, Run, RunStatus
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.stops import Stop, StopCause
from batchrelay.domain.values import Json, milliseconds

_T = TypeVar("_T")


def encode_run(run: Run) -> dict[str, Json]:
    """The run as a JSON document, without its definition and without its version."""
    steps = {name: encode_state(state) for name, state in run.steps.items()}
    return _encode_all_but_steps(run) | {"steps": steps}


def run_text(run: Run) -> str:
    """`encode_run` as compact JSON, without writing again the states that have not changed."""
    steps = ",".join(member_text(name, state) for name, state in run.steps.items())
    return f'{compact_json(_encode_all_but_steps(run))[:-1]},"steps":{{{steps}}}}}'


def _encode_all_but_steps(run: Run) -> dict[str, Json]:
    return without_empty(
        {
            "schema": SCHEMA,
            "id": run.id,
            "pipeline": run.pipeline.name,
            "pipelineVersion": run.pipeline.version,
            "status": str(run.status),
            "startedAt": milliseconds(run.started_at),
            "params": dict(run.params),
            "environment": dict(run.environment),
        },
        {
            "endedAt": milliseconds(run.ended_at),
            "trigger": dict(run.trigger),
            "overlap": None if run.overlap is Overlap.PARALLEL else str(run.overlap),
            "dequeuedAt": milliseconds(run.dequeued_at),
            "stop": None if run.stop is None else _encode_stop(run.stop),
            "finallyStop": None if run.finally_stop is None else _encode_stop(run.finally_stop),
            "redrive": None if run.redrive is None else _encode_redrive(run.redrive),
            "duplicateJobs": [
                {"j": duplicate.job_id, "t": milliseconds(duplicate.since)}
                for duplicate in run.duplicate_jobs
            ],
            "notices": {str(rule): str(state) for rule, state in run.notices.items()},
            "noticesSince": milliseconds(run.notices_since),
            "report": None if run.report is None else _encode_report(run.report),
            "cost": None if run.cost is None else _encode_cost(run.cost),
            "spending": encode_spending(run.spending),
            "endEvent": None if run.end_event is None else str(run.end_event),
            "endEventSince": milliseconds(run.end_event_since),
            "queuesSince": milliseconds(run.queues_since),
            "resourcesSince": milliseconds(run.consumable_resources_since),
            "continueSince": milliseconds(run.continue_since),
        },
    )


def _encode_stop(stop: Stop) -> dict[str, Json]:
    return {
        "cause": str(stop.cause),
        "reason": stop.reason,
        "requestedAt": milliseconds(stop.requested_at),
        "t": milliseconds(stop.since),
    }


def _encode_report(report: EndReport) -> dict[str, Json]:
    return without_empty(
        {"t": milliseconds(report.since)}, {"n": report.requests or None, "problem": report.problem}
    )


def _encode_cost(cost: RunCost) -> dict[str, Json]:
    return {"usd": cost.usd, "sums": cost.sums, "date": cost.date}


def _encode_redrive(redrive: Redrive) -> dict[str, Json]:
    return without_empty(
        {"n": redrive.number, "t": milliseconds(redrive.at)},
        {
            "step": redrive.step,
            "classes": sorted(redrive.classes),
            "queue": redrive.queue,
            "memory": redrive.memory_factor,
        },
    )


def run_pipeline(document: Any) -> tuple[str, int]:
    """The name and version of the definition that a run is pinned to."""
    reader = Reader(document, "run")
    reader.check_schema()
    return reader.take("pipeline", str), reader.take("pipelineVersion", int)


def decode_run(document: Any, pipeline: Pipeline, version: int) -> Run:
    """The reverse of `encode_run`. Raises: CodecError, its message starting with a path."""
    reader = Reader(upgraded_run(document), "run")
    reader.check_schema()
    notices = reader.inner("notices")
    return Run(
        id=reader.take("id", str),
        pipeline=pipeline,
        params=reader.strings("params"),
        environment=reader.strings("environment"),
        started_at=reader.time("startedAt"),
        trigger=reader.strings("trigger"),
        overlap=overlap(reader),
        dequeued_at=reader.maybe_time("dequeuedAt"),
        status=enum(reader, "status", RunStatus),
        ended_at=reader.maybe_time("endedAt"),
        stop=_maybe(reader, "stop", _decode_stop),
        finally_stop=_maybe(reader, "finallyStop", _decode_stop),
        redrive=_maybe(reader, "redrive", _decode_redrive),
        steps=decode_states(reader.inner("steps")),
        duplicate_jobs=tuple(
            DuplicateJob(job_id=duplicate.take("j", str), since=duplicate.time("t"))
            for duplicate in reader.list("duplicateJobs")
        ),
        notices={int(rule): enum(notices, rule, NoticeState) for rule in notices.document},
        notices_since=reader.maybe_time("noticesSince"),
        report=_maybe(reader, "report", _decode_report),
        cost=_maybe(reader, "cost", _decode_cost),
        spending=decode_spending(reader.inner("spending")),
        end_event=None
        if reader.document.get("endEvent") is None
        else enum(reader, "endEvent", NoticeState),
        end_event_since=reader.maybe_time("endEventSince"),
        queues_since=reader.maybe_time("queuesSince"),
        consumable_resources_since=reader.maybe_time("resourcesSince"),
        continue_since=reader.maybe_time("continueSince"),
        version=version,
    )


def _maybe(reader: Reader, name: str, decode: Callable[[Reader], _T]) -> _T | None:
    return None if reader.document.get(name) is None else decode(reader.inner(name))


def _decode_stop(reader: Reader) -> Stop:
    return Stop(
        cause=enum(reader, "cause", StopCause),
        reason=reader.take("reason", str),
        requested_at=reader.time("requestedAt"),
        since=reader.time("t"),
    )


def _decode_report(reader: Reader) -> EndReport:
    return EndReport(
        since=reader.maybe_time("t"),
        requests=reader.maybe("n", int) or 0,
        problem=reader.maybe("problem", str) or "",
    )


def _decode_cost(reader: Reader) -> RunCost:
    return RunCost(
        usd=reader.take("usd", float), sums=reader.take("sums", str), date=reader.take("date", str)
    )


def _decode_redrive(reader: Reader) -> Redrive:
    return Redrive(
        number=reader.take("n", int),
        at=reader.time("t"),
        step=reader.maybe("step", str) or "",
        classes=frozenset(str(name) for name in reader.maybe("classes", list) or ()),
        queue=reader.maybe("queue", str) or "",
        memory_factor=reader.maybe("memory", float),
    )
