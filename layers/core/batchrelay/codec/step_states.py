"""States of steps as documents. A run of 500 steps has 500 of them, written at every event.

So a document has what differs from the default only, and what it does not have costs nothing. An
event changes a state or two: the others are kept, as they were read and as they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from batchrelay.codec.parts import packed_parts, unpacked_parts
from batchrelay.codec.reader import Reader, compact_json, enum
from batchrelay.domain.errors import CodecError
from batchrelay.domain.kept import STATES_KEPT, Kept
from batchrelay.domain.step_state import (
    NO_ATTEMPTS,
    WAITING_STEP,
    Attempts,
    JobOutcome,
    Part,
    StepState,
    StepStatus,
)
from batchrelay.domain.stops import EarlyStop, EarlyStopCause
from batchrelay.domain.values import Json, milliseconds

_Take = Callable[[Reader, str], Any]


@dataclass(frozen=True, slots=True)
class _Field:
    """A key of the document."""

    key: str
    name: str
    take: _Take
    encode: Callable[[Any], Json] | None = None
    """None for what is stored as it is."""


# --- states


def encode_state(state: StepState) -> dict[str, Json]:
    """What of a state differs from one that waits; its status and its children always."""
    document: dict[str, Json] = {"s": str(state.status), "n": state.children}
    if state.parts:
        document |= _encode_parts(state.parts)
    document |= _differences(state, _STATE)
    if state.attempts is not NO_ATTEMPTS:
        document |= _differences(state.attempts, _ATTEMPTS)
    return document


def decode_state(reader: Reader) -> StepState:
    """The reverse. Raises: CodecError, its message starting with a path."""
    values = _values(reader, _STATE_BY_KEY)
    if "parts" in reader.document:
        values["parts"] = _decode_parts(reader)
    if not _ATTEMPTS_BY_KEY.keys().isdisjoint(reader.document):
        values["attempts"] = Attempts(**_values(reader, _ATTEMPTS_BY_KEY))
    children = reader.maybe("n", int)
    return StepState(status=enum(reader, "s", StepStatus), children=children, **values)


def member_text(name: str, state: StepState) -> str:
    """A state as a member of a JSON object: its name, and what `encode_state` says of it."""
    kept = _TEXTS.get((name, id(state)))
    if kept is not None and kept[0] is state:
        return kept[1]
    text = compact_json({name: encode_state(state)})[1:-1]
    if len(text) <= CHARS_KEPT_MAX:
        _TEXTS.keep((name, id(state)), (state, text))
    return text


def decode_states(reader: Reader) -> dict[str, StepState]:
    """The states of a run, by name. One that was read lately is the same object again."""
    states: dict[str, StepState] = {}
    for name, document in reader.document.items():
        try:
            is_short = len(document.get("parts", "")) <= CHARS_KEPT_MAX
            kept = _kept_state(*document, *document.values()) if is_short else None
        except (AttributeError, TypeError, CodecError):  # no object, lists in it, or wrong
            kept = None
        states[name] = decode_state(reader.inner(name)) if kept is None else kept
    return states


CHARS_KEPT_MAX = 400
"""Of a state with a part or two, as most are. One with hundreds is another at each of its events:
those of one run would take all of a function's memory."""

_TEXTS: Kept[tuple[str, int], tuple[StepState, str]] = Kept(STATES_KEPT)
"""By identity, which a state that is kept here has for itself: its hash would cost as much."""


@lru_cache(maxsize=STATES_KEPT, typed=True)  # 1 is not True
def _kept_state(*keys_and_values: Any) -> StepState:
    keys = len(keys_and_values) // 2
    return decode_state(
        Reader(dict(zip(keys_and_values[:keys], keys_and_values[keys:], strict=True)), "")
    )


def _differences(value: object, fields: _Fields) -> dict[str, Json]:
    document: dict[str, Json] = {}
    values = value.__dict__
    for field, default in fields:
        inner = values[field.name]
        if inner is not default and inner != default:
            document[field.key] = inner if field.encode is None else field.encode(inner)
    return document


def _values(reader: Reader, by_key: Mapping[str, _Field]) -> dict[str, Any]:
    return {
        field.name: field.take(reader, key)
        for key, value in reader.document.items()
        if value is not None and (field := by_key.get(key)) is not None
    }


# --- parts


def _encode_parts(parts: tuple[Part, ...]) -> dict[str, Json]:
    """As records of equal length; one by one if a part does not fit, which no job of AWS does."""
    records = packed_parts(parts)
    if records is None:
        return {"parts": [_encode_part(part) for part in parts]}
    document: dict[str, Json] = {"parts": records}
    blocked = {str(number): part.blocked for number, part in enumerate(parts) if part.blocked}
    if blocked:
        document["blocked"] = blocked
    return document


def _decode_parts(reader: Reader) -> tuple[Part, ...]:
    """Up to schema 4 one by one."""
    if not isinstance(reader.document["parts"], str):
        return tuple(_decode_part(part) for part in reader.list("parts"))
    parts = unpacked_parts(reader.take("parts", str), f"{reader.path}.parts")
    if "blocked" not in reader.document:
        return parts
    blocked = reader.strings("blocked")
    return tuple(
        replace(part, blocked=blocked[str(number)]) if str(number) in blocked else part
        for number, part in enumerate(parts)
    )


def _encode_part(part: Part) -> dict[str, Json]:
    return {"n": part.size, **_differences(part, _PART)}


def _decode_part(reader: Reader) -> Part:
    return Part(size=reader.take("n", int), **_values(reader, _PART_BY_KEY))


def _encode_rounds(rounds: tuple[tuple[Part, ...], ...]) -> Json:
    """Earlier rounds: all of them have ended."""
    return [packed_parts(parts) or [_encode_part(part) for part in parts] for parts in rounds]


def _decode_rounds(reader: Reader, key: str) -> tuple[tuple[Part, ...], ...]:
    return tuple(
        _decode_round(parts, f"{reader.path}.{key}[{number}]")
        for number, parts in enumerate(reader.take(key, list))
    )


def _decode_round(parts: Any, path: str) -> tuple[Part, ...]:
    if isinstance(parts, str):
        return unpacked_parts(parts, path)
    return tuple(_decode_part(part) for part in Reader({"parts": parts}, path).list("parts"))


# --- early stops


def _encode_early_stop(stop: EarlyStop) -> Json:
    return {"cause": str(stop.cause), "at": milliseconds(stop.at), "t": milliseconds(stop.since)}


def _decode_early_stop(reader: Reader, key: str) -> EarlyStop:
    inner = reader.inner(key)
    return EarlyStop(
        cause=enum(inner, "cause", EarlyStopCause), at=inner.time("at"), since=inner.time("t")
    )


# --- the keys


def _is_a(kind: type[Any]) -> _Take:
    return lambda reader, key: reader.take(key, kind)


def _outcome(reader: Reader, key: str) -> JobOutcome:
    return enum(reader, key, JobOutcome)


_COUNT, _TEXT, _FLAG, _TIME = _is_a(int), _is_a(str), _is_a(bool), Reader.time

_Fields = tuple[tuple[_Field, Any], ...]
"""Each with the default that is not stored."""


def _fields(defaults: object, *fields: _Field) -> _Fields:
    return tuple((field, getattr(defaults, field.name)) for field in fields)


def _by_key(fields: _Fields) -> dict[str, _Field]:
    return {field.key: field for field, _ in fields}


_STATE = _fields(
    WAITING_STEP,
    _Field("t", "since", _TIME, milliseconds),
    _Field("r", "round", _COUNT),
    _Field("i", "items", _COUNT),
    _Field("x", "existing", _COUNT),
    _Field("c", "chunk", _COUNT),
    _Field("m", "manifest", _TEXT),
    _Field("q", "queue", _TEXT),
    _Field("rounds", "earlier_rounds", _decode_rounds, _encode_rounds),
    _Field("fu", "failures", _TEXT),
    _Field("fc", "is_collected", _FLAG),
    _Field("fi", "failed_items", _COUNT),
    _Field("ui", "upstream_items", _COUNT),
    _Field("si", "stopped_items", _COUNT),
    _Field("rr", "redrive_round", _COUNT),
    _Field("lv", "level", _COUNT),
    _Field("reason", "reason", _TEXT),
    _Field("jr", "job_reason", _TEXT),
    _Field("es", "early_stop", _decode_early_stop, _encode_early_stop),
    _Field("k", "counted_at", _TIME, milliseconds),
    _Field("u", "resume", _TEXT),
)
_ATTEMPTS = _fields(
    NO_ATTEMPTS,
    _Field("a", "requests", _COUNT),
    _Field("b", "begun", _COUNT),
    _Field("w", "is_underway", _FLAG),
)
_PART = _fields(
    Part(size=1),
    _Field("t", "since", _TIME, milliseconds),
    _Field("succeeded", "succeeded", _COUNT),
    _Field("failed", "failed", _COUNT),
    _Field("running", "running", _COUNT),
    _Field("g", "group", _COUNT),
    _Field("j", "job_id", _TEXT),
    _Field("terminated", "is_terminate_accepted", _FLAG),
    _Field("blocked", "blocked", _TEXT),
    _Field("missing", "missing_since", _TIME, milliseconds),
    _Field("givenUp", "is_given_up", _FLAG),
    _Field("measured", "is_measured", _FLAG),
    _Field("o", "outcome", _outcome, str),
)
_STATE_BY_KEY, _ATTEMPTS_BY_KEY, _PART_BY_KEY = map(_by_key, (_STATE, _ATTEMPTS, _PART))
