"""dict <-> domain. No dict travels past this file.

Every document carries its schema version. What an older version wrote is read for ever; what a
newer one wrote is refused by name.

A run in short: {"schema": 1, "id", "pipeline", "pipelineVersion", "status", "startedAt",
"endedAt"?, "params", "environment", "steps": {name: {"s": status, "t": since, …}}, "twins"?,
"notices"?, "noticesSince"?}. Inside `steps` names are short, because a run of 500 steps is one
item; times are ISO 8601 UTC with microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from batchrelay.domain.errors import CodecError, InvalidPipeline
from batchrelay.domain.pipeline import ForEach, NoticeRule, Param, ParamType, Pipeline, Step
from batchrelay.domain.run import (
    JobOutcome,
    NoticeState,
    Part,
    Run,
    RunStatus,
    StartOrder,
    StepState,
    StepStatus,
    Twin,
)
from batchrelay.domain.values import RUN_ID, Json

SCHEMA = 1

_T = TypeVar("_T")


class _Reader:
    """One JSON object with its path; every take checks the type and says where it is wrong."""

    def __init__(self, document: Any, path: str) -> None:
        if not isinstance(document, Mapping):
            raise CodecError(f"{path}: expected an object, got {document!r}")
        self.document = document
        self.path = path

    def take(self, name: str, kind: type[_T]) -> _T:
        value = self.document.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise CodecError(f"{self.path}.{name}: expected {kind.__name__}, got {value!r}")
        return value

    def maybe(self, name: str, kind: type[_T]) -> _T | None:
        return None if self.document.get(name) is None else self.take(name, kind)

    def strings(self, name: str) -> dict[str, str]:
        inner = self.inner(name)
        return {key: inner.take(key, str) for key in inner.document}

    def inner(self, name: str) -> _Reader:
        return _Reader(self.document.get(name, {}), f"{self.path}.{name}")

    def list(self, name: str) -> list[_Reader]:
        values = self.document.get(name, [])
        if not isinstance(values, list):
            raise CodecError(f"{self.path}.{name}: expected a list, got {values!r}")
        return [_Reader(value, f"{self.path}.{name}[{i}]") for i, value in enumerate(values)]

    def time(self, name: str) -> datetime:
        text = self.take(name, str)
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise CodecError(f"{self.path}.{name}: expected a time, got {text!r}") from None
        if time.tzinfo is None:
            raise CodecError(f"{self.path}.{name}: the time {text!r} has no zone")
        return time.astimezone(UTC)

    def maybe_time(self, name: str) -> datetime | None:
        return None if self.document.get(name) is None else self.time(name)

    def check_schema(self) -> None:
        schema = self.take("schema", int)
        if schema > SCHEMA:
            raise CodecError(
                f"{self.path}.schema: {schema} was written by a newer version of batchrelay; "
                f"this one reads up to {SCHEMA}"
            )


def _enum(reader: _Reader, name: str, kind: type[_T]) -> _T:
    text = reader.take(name, str)
    try:
        return kind(text)  # type: ignore[call-arg]
    except ValueError:
        raise CodecError(f"{reader.path}.{name}: unknown {kind.__name__} {text!r}") from None


def _document(always: dict[str, Json], unless_empty: dict[str, Json]) -> dict[str, Json]:
    said = {name: value for name, value in unless_empty.items() if value not in (None, "", [], {})}
    return always | said


# --- pipeline ----------------------------------------------------------------


def encode_pipeline(pipeline: Pipeline) -> dict[str, Json]:
    """The definition as a JSON document, without its version: same content, same document."""
    return {
        "schema": SCHEMA,
        "pipeline": pipeline.name,
        "params": [_encode_param(param) for param in pipeline.params],
        "steps": [_encode_step(step) for step in pipeline.steps],
        "notify": [
            _document({"topic": rule.topic, "on": sorted(rule.on)}, {"link": rule.link})
            for rule in pipeline.notify
        ],
    }


def _encode_param(param: Param) -> dict[str, Json]:
    document: dict[str, Json] = {"name": param.name, "type": str(param.type)}
    if param.default is not None:
        document["default"] = param.default
    if param.description:
        document["description"] = param.description
    return document


def _encode_step(step: Step) -> dict[str, Json]:
    each = step.for_each
    return _document(
        {"name": step.name, "request": step.request},
        {
            "needs": list(step.needs),
            "forEach": None if each is None else {"file": each.file, "items": each.items},
            "output": step.output,
        },
    )


def decode_pipeline(document: Any, version: int) -> Pipeline:
    """The reverse of `encode_pipeline`. Raises: CodecError, its message starting with a path."""
    reader = _Reader(document, "pipeline")
    reader.check_schema()
    try:
        return Pipeline(
            name=reader.take("pipeline", str),
            version=version,
            params=tuple(_decode_param(param) for param in reader.list("params")),
            steps=tuple(_decode_step(step) for step in reader.list("steps")),
            notify=tuple(_decode_rule(rule) for rule in reader.list("notify")),
        )
    except InvalidPipeline as error:
        raise CodecError(f"pipeline.steps: {error}") from None


def _decode_param(reader: _Reader) -> Param:
    return Param(
        name=reader.take("name", str),
        type=_enum(reader, "type", ParamType),
        default=reader.maybe("default", str),
        description=reader.maybe("description", str) or "",
    )


def _decode_step(reader: _Reader) -> Step:
    needs = reader.maybe("needs", list) or []
    for need in needs:
        if not isinstance(need, str):
            raise CodecError(f"{reader.path}.needs: expected step names, got {need!r}")
    each = reader.inner("forEach") if reader.document.get("forEach") is not None else None
    return Step(
        name=reader.take("name", str),
        needs=tuple(needs),
        request=reader.inner("request").document,
        for_each=None
        if each is None
        else ForEach(file=each.take("file", str), items=each.take("items", str)),
        output=reader.maybe("output", str),
    )


def _decode_rule(reader: _Reader) -> NoticeRule:
    return NoticeRule(
        topic=reader.take("topic", str),
        on=frozenset(str(status) for status in reader.take("on", list)),
        link=reader.maybe("link", str),
    )


# --- run ---------------------------------------------------------------------


def encode_run(run: Run) -> dict[str, Json]:
    """The run as a JSON document, without its definition and without its version."""
    return _document(
        {
            "schema": SCHEMA,
            "id": run.id,
            "pipeline": run.pipeline.name,
            "pipelineVersion": run.pipeline.version,
            "status": str(run.status),
            "startedAt": run.started_at.isoformat(),
            "params": dict(run.params),
            "environment": dict(run.environment),
            "steps": {name: _encode_state(state) for name, state in run.steps.items()},
        },
        {
            "endedAt": _time(run.ended_at),
            "twins": [{"j": twin.job_id, "t": twin.since.isoformat()} for twin in run.twins],
            "notices": {str(rule): str(state) for rule, state in run.notices.items()},
            "noticesSince": _time(run.notices_since),
        },
    )


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _encode_state(state: StepState) -> dict[str, Json]:
    return _document(
        {"s": str(state.status), "n": state.children},
        {
            "t": _time(state.since),
            "r": state.round or None,
            "parts": [_encode_part(part) for part in state.parts],
            "m": state.manifest,
            "f": state.items_file,
            "why": state.reason,
        },
    )


def _encode_part(part: Part) -> dict[str, Json]:
    return _document(
        {"n": part.size, "t": part.since.isoformat(), "ok": part.succeeded, "bad": part.failed},
        {
            "j": part.job_id,
            "o": None if part.outcome is None else str(part.outcome),
        },
    )


def run_pipeline(document: Any) -> tuple[str, int]:
    """The name and version of the definition that a run is pinned to."""
    reader = _Reader(document, "run")
    reader.check_schema()
    return reader.take("pipeline", str), reader.take("pipelineVersion", int)


def decode_run(document: Any, pipeline: Pipeline, version: int) -> Run:
    """The reverse of `encode_run`. Raises: CodecError, its message starting with a path."""
    reader = _Reader(document, "run")
    reader.check_schema()
    steps = reader.inner("steps")
    notices = reader.inner("notices")
    return Run(
        id=reader.take("id", str),
        pipeline=pipeline,
        params=reader.strings("params"),
        environment=reader.strings("environment"),
        started_at=reader.time("startedAt"),
        status=_enum(reader, "status", RunStatus),
        ended_at=reader.maybe_time("endedAt"),
        steps={name: _decode_state(steps.inner(name)) for name in steps.document},
        twins=tuple(
            Twin(job_id=twin.take("j", str), since=twin.time("t")) for twin in reader.list("twins")
        ),
        notices={int(rule): _enum(notices, rule, NoticeState) for rule in notices.document},
        notices_since=reader.maybe_time("noticesSince"),
        version=version,
    )


def _decode_state(reader: _Reader) -> StepState:
    return StepState(
        status=_enum(reader, "s", StepStatus),
        since=reader.maybe_time("t"),
        round=reader.maybe("r", int) or 0,
        children=reader.maybe("n", int),
        parts=tuple(_decode_part(part) for part in reader.list("parts")),
        manifest=reader.maybe("m", str),
        items_file=reader.maybe("f", str),
        reason=reader.maybe("why", str) or "",
    )


def _decode_part(reader: _Reader) -> Part:
    return Part(
        size=reader.take("n", int),
        since=reader.time("t"),
        job_id=reader.maybe("j", str),
        outcome=None if reader.document.get("o") is None else _enum(reader, "o", JobOutcome),
        succeeded=reader.maybe("ok", int) or 0,
        failed=reader.maybe("bad", int) or 0,
    )


# --- order -------------------------------------------------------------------


def decode_order(document: Any) -> StartOrder:
    """What starts a run: {"pipeline", "version", "runId", "params"}. Raises: CodecError."""
    reader = _Reader(document, "order")
    run_id = reader.take("runId", str)
    if RUN_ID.fullmatch(run_id) is None:
        raise CodecError(f"order.runId: expected 1 to 32 of a-z and 0-9, got {run_id!r}")
    return StartOrder(
        run_id=run_id,
        pipeline=reader.take("pipeline", str),
        version=reader.take("version", int),
        params=reader.strings("params"),
    )
