"""One item of a step, read with the rights of who looks: a few bytes of its manifest."""

from __future__ import annotations

import json
import struct

from botocore.exceptions import ClientError

from batchrelay.domain.values import manifest_uri, offsets_uri
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import excerpt
from batchrelay_cli.views.run_table import StepDocument

ITEM_CHARS_MAX = 100
ITEM_BYTES_MAX = 4_096
"""Of an item, as much as is read of it: an excerpt is shown."""

CHUNK_BYTES_MAX = 256 * 1024
"""Of a chunk, in which an item behind the first is looked for."""

_OFFSET_BYTES = 8


def item_text(stack: Stack, step: StepDocument, number: int) -> str:
    """An item of a step, by its number; nothing if the step has none, or it cannot be read."""
    chunk = step["chunk"]
    if step["manifest"] is None or chunk is None:
        return ""
    child, place = divmod(number, chunk)
    first_round = min((job["round"] for job in step["jobs"]), default=0)
    jobs = [job for job in step["jobs"] if job["round"] == first_round]
    first = 0
    for job in jobs:
        first += job["children"]
        if child < first:
            before = sum(other["children"] for other in jobs if other["group"] < job["group"])
            uri = manifest_uri(step["manifest"], job["group"])
            return _read(stack, uri, child - before, place)
    return ""


def _read(stack: Stack, manifest: str, row: int, place: int) -> str:
    """The item at a place of a child's items; a sentence is worth more than its item."""
    try:
        return item_at(stack, manifest, row, place) or ""
    except ClientError:
        return ""


def item_at(stack: Stack, manifest: str, row: int, place: int) -> str | None:
    """An excerpt of the item at a place of a child's items; None if there is no such item.

    Raises: ClientError: the manifest is gone, or cannot be read with these rights.
    """
    at = _OFFSET_BYTES * row
    table = stack.read(offsets_uri(manifest), at, at + 2 * _OFFSET_BYTES - 1)
    try:
        start, end = struct.unpack("<QQ", table)
    except struct.error:
        return None
    most = min(ITEM_BYTES_MAX * (place + 1), CHUNK_BYTES_MAX)
    data = stack.read(manifest, start, min(end, start + most) - 1)
    lines = data.split(b"\n")
    if place < len(lines) - data.endswith(b"\n"):
        return excerpt(_text(lines[place].decode(errors="replace")), ITEM_CHARS_MAX)
    return "" if end - start > most else None


def _text(line: str) -> str:
    """A text without its quotes; anything else, and what was cut off, as it stands."""
    try:
        value = json.loads(line)
    except ValueError:
        return line
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
