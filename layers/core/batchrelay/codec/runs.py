"""Runs as documents: compact, because a run of 500 steps is one item of DynamoDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from batchrelay.codec.parts import packed_parts, unpacked_parts
from batchrelay.codec.reader import Reader, enum, overlap, without_empty
from batchrelay.codec.spending import decode_spending, encode_spending
from batchrelay.codec.upgrades import SCHEMA, upgraded_run
from batchrelay.domain.end_report import EndReport
from batchrelay.domain.pipeline import Overlap, Pipeline
from batchrelay.domain.run import DuplicateJob, NoticeState, Redrive, Run, RunStatus
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.step_state import Attempts, JobOutcome, Part, StepState, StepStatus
from batchrelay.domain.stops import EarlyStop, EarlyStopCause, Stop, StopCause
from batchrelay.domain.values import Json, milliseconds

_T = TypeVar("_T")


def encode_run(run: Run) -> dict[str, Json]:
    """The run as a JSON document, without its definition and without its version."""
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
            "steps": {name: _encode_state(state) for name, state in run.steps.items()},
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


def _encode_early_stop(stop: EarlyStop) -> dict[str, Json]:
    return {"cause": str(stop.cause), "at": milliseconds(stop.at), "t": milliseconds(stop.since)}


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


def _encode_state(state: StepState) -> dict[str, Json]:
    return without_empty(
        {"s": str(state.status), "n": state.children},
        {
            "t": milliseconds(state.since),
            "r": state.round or None,
            "i": state.items,
            "x": state.existing or None,
            "c": None if state.chunk == 1 else state.chunk,
            **_encode_parts(state.parts),
            "m": state.manifest,
            "q": state.queue,
            "rounds": [_encode_round(parts) for parts in state.earlier_rounds],
            "fu": state.failures,
            "fc": state.is_collected or None,
            "fi": state.failed_items or None,
            "ui": state.upstream_items or None,
            "si": state.stopped_items or None,
            "rr": state.redrive_round,
            "lv": state.level or None,
            "reason": state.reason,
            "jr": state.job_reason,
            "es": None if state.early_stop is None else _encode_early_stop(state.early_stop),
            "k": milliseconds(state.counted_at),
            "a": state.attempts.requests or None,
            "b": state.attempts.begun or None,
            "w": state.attempts.is_underway or None,
            "u": state.resume,
        },
    )


def _encode_parts(parts: tuple[Part, ...]) -> dict[str, Json]:
    """As records of equal length; one by one if a part does not fit, which no job of AWS does."""
    records = packed_parts(parts)
    if records is None:
        return {"parts": [_encode_part(part) for part in parts]}
    blocked = {str(number): part.blocked for number, part in enumerate(parts) if part.blocked}
    return {"parts": records, "blocked": blocked}


def _encode_round(parts: tuple[Part, ...]) -> Json:
    """An earlier round: all of it has ended."""
    return packed_parts(parts) or [_encode_part(part) for part in parts]


def _encode_part(part: Part) -> dict[str, Json]:
    return without_empty(
        {"n": part.size},
        {
            "t": milliseconds(part.since),
            "succeeded": part.succeeded or None,
            "failed": part.failed or None,
            "running": part.running or None,
            "g": part.group or None,
            "j": part.job_id,
            "terminated": part.is_terminate_accepted or None,
            "blocked": part.blocked,
            "missing": milliseconds(part.missing_since),
            "givenUp": part.is_given_up or None,
            "measured": part.is_measured or None,
            "o": None if part.outcome is None else str(part.outcome),
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
    steps = reader.inner("steps")
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
        steps={name: _decode_state(steps.inner(name)) for name in steps.document},
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


def _decode_early_stop(reader: Reader) -> EarlyStop:
    return EarlyStop(
        cause=enum(reader, "cause", EarlyStopCause), at=reader.time("at"), since=reader.time("t")
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


def _decode_state(reader: Reader) -> StepState:
    return StepState(
        status=enum(reader, "s", StepStatus),
        since=reader.maybe_time("t"),
        round=reader.maybe("r", int) or 0,
        items=reader.maybe("i", int),
        existing=reader.maybe("x", int) or 0,
        children=reader.maybe("n", int),
        chunk=reader.maybe("c", int) or 1,
        parts=_decode_parts(reader),
        manifest=reader.maybe("m", str),
        queue=reader.maybe("q", str),
        earlier_rounds=_decode_rounds(reader),
        failures=reader.maybe("fu", str) or "",
        is_collected=reader.maybe("fc", bool) or False,
        failed_items=reader.maybe("fi", int) or 0,
        upstream_items=reader.maybe("ui", int) or 0,
        stopped_items=reader.maybe("si", int) or 0,
        redrive_round=reader.maybe("rr", int),
        level=reader.maybe("lv", int) or 0,
        reason=reader.maybe("reason", str) or "",
        job_reason=reader.maybe("jr", str) or "",
        early_stop=_maybe(reader, "es", _decode_early_stop),
        counted_at=reader.maybe_time("k"),
        attempts=Attempts(
            requests=reader.maybe("a", int) or 0,
            begun=reader.maybe("b", int) or 0,
            is_underway=reader.maybe("w", bool) or False,
        ),
        resume=reader.maybe("u", str) or "",
    )


def _decode_parts(reader: Reader) -> tuple[Part, ...]:
    """Up to schema 4 one by one."""
    if not isinstance(reader.document.get("parts"), str):
        return tuple(_decode_part(part) for part in reader.list("parts"))
    parts = unpacked_parts(reader.take("parts", str), f"{reader.path}.parts")
    blocked = reader.strings("blocked")
    return tuple(
        replace(part, blocked=blocked[str(number)]) if str(number) in blocked else part
        for number, part in enumerate(parts)
    )


def _decode_rounds(reader: Reader) -> tuple[tuple[Part, ...], ...]:
    rounds = reader.maybe("rounds", list) or []
    return tuple(
        _decode_round(parts, f"{reader.path}.rounds[{number}]")
        for number, parts in enumerate(rounds)
    )


def _decode_round(parts: Any, path: str) -> tuple[Part, ...]:
    if isinstance(parts, str):
        return unpacked_parts(parts, path)
    return tuple(_decode_part(part) for part in Reader({"parts": parts}, path).list("parts"))


def _decode_part(reader: Reader) -> Part:
    return Part(
        size=reader.take("n", int),
        since=reader.maybe_time("t"),
        group=reader.maybe("g", int) or 0,
        running=reader.maybe("running", int) or 0,
        job_id=reader.maybe("j", str),
        is_terminate_accepted=reader.maybe("terminated", bool) or False,
        blocked=reader.maybe("blocked", str) or "",
        missing_since=reader.maybe_time("missing"),
        is_given_up=reader.maybe("givenUp", bool) or False,
        is_measured=reader.maybe("measured", bool) or False,
        outcome=None if reader.document.get("o") is None else enum(reader, "o", JobOutcome),
        succeeded=reader.maybe("succeeded", int) or 0,
        failed=reader.maybe("failed", int) or 0,
    )
