"""All of a run but the states of its steps: its head, as a document.

An event of a job rarely changes it. What was read lately, and how it was written, is kept, as it is
of states (step_states.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter, is_
from typing import Any, TypeVar

from batchrelay.codec.reader import Reader, compact_json, enum, overlap, without_empty
from batchrelay.codec.spending import decode_spending, encode_spending
from batchrelay.codec.upgrades import SCHEMA
from batchrelay.domain.end_report import EndReport
from batchrelay.domain.kept import RUN_CHARS_KEPT_MAX, RUNS_KEPT, Kept
from batchrelay.domain.pipeline import Overlap, Pipeline
from batchrelay.domain.run import DuplicateJob, NoticeState, Redrive, Run, RunStatus
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.run_summary import run_place
from batchrelay.domain.stops import Stop, StopCause
from batchrelay.domain.values import Json, milliseconds

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenHead:
    """A head as it is stored."""

    text: str
    """Its JSON, without the last bracket."""
    beside: Mapping[str, str]
    """Attributes for people and for the index."""
    beside_bytes: int
    """Of their names and values."""


_READ: Kept[str, Run] = Kept(RUNS_KEPT)
"""By the text of the document: runs without steps."""

_WRITTEN: Kept[str, tuple[tuple[Any, ...], WrittenHead]] = Kept(RUNS_KEPT)
"""By the run's id, with the values that it was written from."""

_NAMES = {field.name for field in fields(Run)} - {"pipeline", "steps", "version"}
_values = attrgetter("pipeline.name", "pipeline.version", *sorted(_NAMES))

_NO_PIPELINE = Pipeline(name="", version=0, steps=())
"""In a head that is kept: what it belongs to may be a megabyte."""


def written_head(run: Run) -> WrittenHead:
    """The head as it is stored, written anew if a value of it is another object than before."""
    values = _values(run)
    kept = _WRITTEN.get(run.id)
    if kept is not None and all(map(is_, kept[0], values)):
        return kept[1]
    beside = _beside(run)
    head = WrittenHead(
        text=compact_json(encode_head(run))[:-1],
        beside=beside,
        beside_bytes=sum(len(text.encode()) for text in (*beside, *beside.values())),
    )
    if len(head.text) <= RUN_CHARS_KEPT_MAX:
        _WRITTEN.keep(run.id, (values, head))
    return head


def read_head(reader: Reader) -> Run:
    """A run without its pipeline, steps and version. Raises: CodecError."""
    key = repr({**reader.document, "steps": None})
    head = _READ.get(key)
    if head is None:
        head = _decode_head(reader)
        if len(key) <= RUN_CHARS_KEPT_MAX:
            _READ.keep(key, head)
    return head


def _beside(run: Run) -> dict[str, str]:
    beside = {
        "status": str(run.status),
        "pipeline": run.pipeline.name,
        "place": run_place(run.started_at, run.id),
    }
    if run.cause:
        beside["cause"] = run.cause
    if run.cost is not None:
        beside["cost"] = f"{run.cost.usd:.6f}"
    return beside


def encode_head(run: Run) -> dict[str, Json]:
    """Without what is empty."""
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


def _decode_head(reader: Reader) -> Run:
    notices = reader.inner("notices")
    return Run(
        id=reader.take("id", str),
        pipeline=_NO_PIPELINE,
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
