"""Reads JSON documents of ours: every take checks the type and says where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from batchrelay.codec.upgrades import SCHEMA
from batchrelay.domain.errors import CodecError, InvalidDocument
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.values import Json

_T = TypeVar("_T")
SHOWN_CHARS_MAX = 200
"""Characters of a wrong value in an error."""

NUMBER_MAX = 1e15
"""Below what a double counts in whole numbers; no factor or percentage is near it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reader:
    """One JSON object with its path; every take checks the type and says where it is wrong."""

    __slots__ = ("document", "path")

    def __init__(self, document: Any, path: str) -> None:
        if not isinstance(document, dict) and not isinstance(document, Mapping):  # abc's is slow
            raise CodecError(f"{path}: expected an object, got {_shown(document)}")
        self.document = document
        self.path = path

    def take(self, name: str, kind: type[_T]) -> _T:
        value = self.document.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise CodecError(f"{self.path}.{name}: expected {kind.__name__}, got {_shown(value)}")
        return value

    def maybe(self, name: str, kind: type[_T]) -> _T | None:
        return None if self.document.get(name) is None else self.take(name, kind)

    def strings(self, name: str) -> dict[str, str]:
        inner = self.inner(name)
        return {key: inner.take(key, str) for key in inner.document}

    def inner(self, name: str) -> Reader:
        return Reader(self.document.get(name, {}), f"{self.path}.{name}")

    def list(self, name: str) -> list[Reader]:
        values = self.document.get(name, [])
        if not isinstance(values, list):
            raise CodecError(f"{self.path}.{name}: expected a list, got {_shown(values)}")
        return [Reader(value, f"{self.path}.{name}[{i}]") for i, value in enumerate(values)]

    def time(self, name: str) -> datetime:
        """Milliseconds, or as schema 2 wrote it, a text."""
        value = self.document.get(name)
        try:
            if isinstance(value, int):
                return _EPOCH + timedelta(milliseconds=self.take(name, int))
            time = datetime.fromisoformat(self.take(name, str))
        except (ValueError, OverflowError):
            raise CodecError(f"{self.path}.{name}: expected a time, got {_shown(value)}") from None
        if time.tzinfo is None:
            raise CodecError(f"{self.path}.{name}: the time {_shown(value)} has no zone")
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


def _shown(value: object) -> str:
    """As much of a value as an error names: it may be megabytes long."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS_MAX else f"{text[: SHOWN_CHARS_MAX - 1]}…"


def check_text(document: Any, path: str) -> None:
    """That every text of it can be stored. Raises: InvalidDocument."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidDocument(
            f"{path}: half of a character (a lone surrogate) is no text"
        ) from None


def compact_json(document: Any) -> str:
    """JSON without spaces, and with every character as it is."""
    return _COMPACT.encode(document)


_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def enum(reader: Reader, name: str, kind: type[_T]) -> _T:
    text = reader.take(name, str)
    try:
        return kind(text)  # type: ignore[call-arg]
    except ValueError:
        raise CodecError(f"{reader.path}.{name}: unknown {kind.__name__} {_shown(text)}") from None


def maybe_number(reader: Reader, name: str) -> float | None:
    """A number; a whole one may be written without a point."""
    value = reader.document.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -NUMBER_MAX <= value <= NUMBER_MAX:
        raise CodecError(f"{reader.path}.{name}: expected a number, got {_shown(value)}")
    return float(value)


def overlap(reader: Reader) -> Overlap:
    return enum(reader, "overlap", Overlap) if "overlap" in reader.document else Overlap.PARALLEL


def without_none(always: dict[str, Json], unless_none: dict[str, Json]) -> dict[str, Json]:
    """What is empty on purpose is kept: it is not the same as nothing."""
    present = {name: value for name, value in unless_none.items() if value not in (None, [], {})}
    return always | present


def without_empty(always: dict[str, Json], unless_empty: dict[str, Json]) -> dict[str, Json]:
    present = {
        name: value for name, value in unless_empty.items() if value not in (None, "", [], {})
    }
    return always | present
