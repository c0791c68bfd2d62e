"""The files of a round's failures, in a folder of the attempt's own (docs/reference/failures.md).

- failures.jsonl: every item that has failed and did not succeed later, with its cause.
- causes.json: the same, grouped; of each cause one sample with the end of its log.
- items.jsonl and its offsets, numbers.txt, and a list of forEach's own shape: the items that run
  again, for each group. An item's number is what it was in the first round.
- succeeded.jsonl: the items that succeeded, once nothing runs again.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeGuard

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.failures import Cause, FailureClass
from batchrelay.domain.step_state import StepState
from batchrelay.domain.values import (
    NUMBER_CHARS,
    Json,
    causes_uri,
    failures_uri,
    manifest_uri,
    numbers_uri,
    succeeded_uri,
)
from batchrelay.ports import Objects
from batchrelay.preparation.items.texts import read_jsonl, read_lines

SCHEMA = 1


def put(objects: Objects, uri: str, pieces: Iterable[bytes]) -> None:
    """An object appears, whole."""
    upload = objects.upload(uri)
    for piece in pieces:
        upload.write(piece)
    upload.complete()


def json_line(value: Any) -> bytes:
    """A line of JSONL."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace") + b"\n"


def items_of_group(objects: Objects, folder: str, group: int) -> Iterator[Json]:
    """A manifest's items, in their order. Raises: InvalidItems."""
    uri = manifest_uri(folder, group)
    return read_jsonl(objects.read(uri), uri)


def numbers_of_group(objects: Objects, folder: str, group: int) -> array[int]:
    """The numbers of a retry manifest's items. Raises: InvalidItems."""
    uri = numbers_uri(folder, group)
    numbers = array("Q")
    for line in read_lines(objects.read(uri), uri):
        text = str(line).strip()
        if not text.isascii() or not text.isdigit() or len(text) > NUMBER_CHARS:
            raise InvalidItems(f"{uri}: {text[:NUMBER_CHARS]!r} is no number of an item")
        numbers.append(int(text))
    return numbers


def number_line(number: int) -> bytes:
    """The number of one item, as that file holds it."""
    return f"{number:{NUMBER_CHARS}d}\n".encode()


# --- what earlier rounds left


def failures_for_good(objects: Objects, state: StepState) -> Iterator[Mapping[str, Any]]:
    """The failures of earlier rounds whose items do not run again. Raises: InvalidItems."""
    if state.failures:
        uri = failures_uri(state.failures)
        for entry in read_jsonl(objects.read(uri), uri):
            if not _is_failure(entry):
                raise InvalidItems(f"{uri}: not a list of failures: did a job write there?")
            if entry.get("again") is not True:
                yield entry


def _is_failure(entry: Json) -> TypeGuard[Mapping[str, Any]]:
    return (
        isinstance(entry, Mapping)
        and all(type(entry.get(name)) is int for name in ("number", "group"))
        and entry.get("class") in list(FailureClass)
    )


def failed_numbers(objects: Objects, state: StepState) -> set[int]:
    """The items of a step that has ended which failed for good. Raises: InvalidItems."""
    return {int(entry["number"]) for entry in failures_for_good(objects, state)}


def causes_for_good(objects: Objects, state: StepState) -> list[Cause]:
    """The causes of those failures. Raises: InvalidItems."""
    if not state.failures:
        return []
    collected = collected_causes(objects, state.failures).causes
    lasting = (replace(cause, count=cause.count - cause.again, again=0) for cause in collected)
    return [cause for cause in lasting if cause.count]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedCauses:
    """What a folder of failures says of their causes."""

    round: int
    """The latest that they are of."""
    items: int
    """All items of the step."""
    causes: tuple[Cause, ...]


def collected_causes(objects: Objects, folder: str) -> CollectedCauses:
    """Raises: InvalidItems: there is no such file, or a job wrote something else there."""
    uri = causes_uri(folder)
    try:
        document = json.loads(b"".join(objects.read(uri)))
        return CollectedCauses(
            round=int(document["round"]),
            items=int(document["items"]),
            causes=tuple(_cause(entry) for entry in document["causes"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InvalidItems(f"{uri}: not a list of causes: did a job write there?") from None


def _cause(entry: Mapping[str, Any]) -> Cause:
    sample = entry.get("sample") or {}
    return Cause(
        named=FailureClass(entry["class"]),
        exit_code=entry["exitCode"],
        reason=entry["reason"],
        count=int(entry["count"]),
        again=int(entry["again"]),
        sample_number=sample.get("number", 0),
        sample_job=sample.get("job", ""),
        log=tuple(sample.get("log", ())),
    )


# --- what this one leaves


def causes_document(round_number: int, items: int, causes: Iterable[Cause]) -> bytes:
    """What `batchrelay failures` shows."""
    document = {
        "schema": SCHEMA,
        "round": round_number,
        "items": items,
        "causes": [
            {
                "class": str(cause.named),
                "exitCode": cause.exit_code,
                "reason": cause.reason,
                "count": cause.count,
                "again": cause.again,
                "sample": {
                    "number": cause.sample_number,
                    "job": cause.sample_job,
                    "log": list(cause.log),
                }
                if cause.sample_job
                else None,
            }
            for cause in causes
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode(errors="replace") + b"\n"


def put_succeeded(objects: Objects, folder: str, state: StepState, failed: set[int]) -> None:
    """The items that succeeded, from the manifests of the first round."""
    put(objects, succeeded_uri(folder), _succeeded(objects, state, failed))


def _succeeded(objects: Objects, state: StepState, failed: set[int]) -> Iterator[bytes]:
    if state.manifest is None:
        for number in range(state.children or 0):
            if number not in failed:
                yield json_line({"number": number})
        return
    children = 0
    for group in sorted({part.group for part in state.first_parts}):
        first = children * state.chunk
        children += sum(part.size for part in state.first_parts if part.group == group)
        for number, item in enumerate(items_of_group(objects, state.manifest, group), start=first):
            if number not in failed:
                yield json_line(item)


def chosen(values: Iterator[Json], rows: Sequence[int]) -> Iterator[Json]:
    """The values at these places, which are in order. Raises: InvalidItems if one is missing."""
    position = 0
    for row in rows:
        value = next(islice(values, row - position, None), _END)
        if value is _END:
            raise InvalidItems(f"item {row} is no longer in its manifest")
        position = row + 1
        yield value  # type: ignore[misc]


_END = object()
