"""This child's items: small byte ranges of the manifest, whatever its length."""

from __future__ import annotations

import json
import re
import struct
from typing import Any, Iterator, Mapping, NamedTuple, Sequence

from batchrelay_worker.aws import Aws
from batchrelay_worker.errors import WorkerError

_TOKEN = re.compile(r"\{(item(?:\.[^}]+)?)\}")
_INDEX = re.compile(r"[0-9]{1,9}")
_OFFSET_BYTES = 8
_NUMBER = re.compile(rb" *[0-9]+\n")
_NUMBER_BYTES = 11
"""Of a line of BATCHRELAY_ITEM_NUMBERS: 10 characters and a line feed."""

VARIABLE_CHARS_MAX = 30_000
"""Of a variable: Linux takes 128 KiB of each, four bytes a character; a longer one is left out."""


class Item(NamedTuple):
    """One unit of work; its number is its place in the step."""

    number: int
    value: Any


class Child(NamedTuple):
    """Which child of which step this process is. Source: docs/reference/manifest.md."""

    number: int
    """Within the step."""
    row: int
    """Within its manifest."""
    chunk: int
    manifest: str
    """S3 URI; empty for a step without items."""
    results: str
    """S3 URI of the folder of result records; empty outside batchrelay."""
    queue: str
    """SQS URL; empty without one."""
    attempt: int
    numbers: str = ""
    """S3 URI of the numbers of the manifest's items; empty unless failed items run again."""
    only: int | None = None
    """The number of the only item of its own to do; None for all of them."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Child:
        """Raises: WorkerError outside a batchrelay job."""
        index = environment.get("AWS_BATCH_JOB_ARRAY_INDEX") or environment.get("BATCHRELAY_INDEX")
        manifest = environment.get("BATCHRELAY_MANIFEST", "")
        only = environment.get("BATCHRELAY_ONLY_ITEM", "")
        if index is None and manifest:
            raise WorkerError("AWS_BATCH_JOB_ARRAY_INDEX is not set: this is no child of an array")
        try:
            number = int(environment.get("BATCHRELAY_OFFSET", "0")) + int(index or 0)
            return cls(
                number=number,
                row=number - int(environment.get("BATCHRELAY_GROUP_OFFSET", "0")),
                chunk=int(environment.get("BATCHRELAY_CHUNK", "1")),
                manifest=manifest,
                results=environment.get("BATCHRELAY_RESULTS", ""),
                queue=environment.get("BATCHRELAY_QUEUE", ""),
                attempt=int(environment.get("AWS_BATCH_JOB_ATTEMPT", "1")),
                numbers=environment.get("BATCHRELAY_ITEM_NUMBERS", ""),
                only=int(only) if only else None,
            )
        except ValueError as error:
            raise WorkerError(f"the job's environment is not batchrelay's: {error}") from None

    @property
    def group_offset(self) -> int:
        """The first child of this child's group."""
        return self.number - self.row


def items_of(child: Child, aws: Aws) -> list[Item]:
    """The items of a child; a step without items has its own number for one."""
    if not child.manifest:
        [number] = _numbers(child, child.row, 1, aws)
        return [Item(number, {"number": number})]
    items = list(row_items(child, child.row, aws))
    if child.only is None:
        return items
    if child.only not in [item.number for item in items]:
        raise WorkerError(f"BATCHRELAY_ONLY_ITEM: item {child.only} is not among this child's")
    return [item for item in items if item.number == child.only]


def row_items(child: Child, row: int, aws: Aws) -> Iterator[Item]:
    """The items of a row of the manifest: of a child, or of a message of the queue.

    Raises: WorkerError if the manifest is damaged; ServiceError.
    """
    table = child.manifest[: -len(".jsonl")] + ".offsets"
    at = _OFFSET_BYTES * row
    try:
        start, end = struct.unpack("<QQ", aws.get(table, at, at + 2 * _OFFSET_BYTES - 1))
        lines = aws.get(child.manifest, start, end - 1).splitlines() if start < end else []
        values = [json.loads(line) for line in lines]
    except (struct.error, ValueError, RecursionError) as error:
        raise WorkerError(f"{child.manifest} and its offsets do not agree: {error}") from None
    for number, value in zip(_numbers(child, row, len(values), aws), values):
        yield Item(number, value)


def _numbers(child: Child, row: int, count: int, aws: Aws) -> Sequence[int]:
    """The numbers of the items of a row: counted, or where failed items run again, those that the
    items had in the first round. Raises: WorkerError, ServiceError."""
    if not child.numbers:
        first = (child.group_offset + row) * child.chunk
        return range(first, first + count)
    if count == 0:
        return ()
    at = _NUMBER_BYTES * row * child.chunk
    data = aws.get(child.numbers, at, at + _NUMBER_BYTES * count - 1)
    lines = [data[i : i + _NUMBER_BYTES] for i in range(0, len(data), _NUMBER_BYTES)]
    is_whole = len(data) == _NUMBER_BYTES * count
    if not is_whole or not all(_NUMBER.fullmatch(line) for line in lines):
        raise WorkerError(
            f"{child.numbers} does not have the numbers of {count} items at byte {at}"
        )
    return [int(line) for line in lines]


# --- what {item.…} means -------------------------------------------------------


def value_of(item: Item, path: str) -> Any:
    """The value at `item.a.b`; None if there is none."""
    if path == "item.number":
        return item.number
    value = item.value
    names = path.split(".")[1:]
    for name in names:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and _INDEX.fullmatch(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return _derived(item.value, name) if len(names) == 1 else None
    return value


def _derived(value: Any, name: str) -> str | None:
    """An item that says where it lies has a name, a stem and a URI."""
    fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
    if name == "uri" and "bucket" in fields and "key" in fields:
        return f"s3://{fields['bucket']}/{fields['key']}"
    places = [value, *(fields.get(field) for field in ("key", "uri", "output"))]
    where = next((place for place in places if isinstance(place, str)), None)
    if where is None or name not in ("name", "stem"):
        return None
    last = where.rstrip("/").rpartition("/")[2]
    return last if name == "name" else (last.rpartition(".")[0] or last)


def filled(word: str, item: Item) -> str:
    """A word with every `{item.…}` replaced. Raises: WorkerError."""

    def text(match: re.Match[str]) -> str:
        value = value_of(item, match.group(1))
        if value is None:
            name = match.group(1)[len("item.") :] or "item"
            start = json.dumps(item.value, ensure_ascii=False)[:80]
            raise WorkerError(f"item {item.number} has no {name}, or it is null: {start}")
        return _text(value)

    return _TOKEN.sub(text, word)


def token_in(word: str) -> str:
    """The first `{item.…}` of a word; empty if it has none."""
    match = _TOKEN.search(word)
    return match.group(0) if match else ""


def arguments(words: list[str], item: Item) -> list[str]:
    """A command for an item; a word that is one list becomes as many words."""
    command: list[str] = []
    for word in words:
        match = _TOKEN.fullmatch(word)
        value = value_of(item, match.group(1)) if match else None
        command += (
            [_text(entry) for entry in value] if isinstance(value, list) else [filled(word, item)]
        )
    return command


def variables(item: Item) -> dict[str, str]:
    """ITEM (JSON), ITEM_NUMBER, and ITEM_KEY … for every plain value of a mapping.

    Of two names that become the same variable neither has one: which would it be?
    """
    values = {"ITEM": json.dumps(item.value)}
    fields = item.value if isinstance(item.value, dict) else {}
    names = ["ITEM_" + re.sub(r"[^A-Za-z0-9]", "_", name).upper() for name in fields]
    for variable, value in zip(names, fields.values()):
        is_plain = not isinstance(value, (dict, list)) and value is not None
        if is_plain and names.count(variable) == 1:
            values[variable] = _text(value)
    for name in ("uri", "name", "stem"):
        text = value_of(item, f"item.{name}")
        if isinstance(text, str):
            values.setdefault(f"ITEM_{name.upper()}", text)
    values["ITEM_NUMBER"] = str(item.number)
    return {
        name: value
        for name, value in values.items()
        if "\0" not in value and len(value) < VARIABLE_CHARS_MAX
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
