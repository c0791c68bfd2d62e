"""One item of a step, read with the rights of who looks: a few bytes of its manifest."""

from __future__ import annotations

import struct

from botocore.exceptions import ClientError

from batchrelay.domain.values import offsets_uri
from batchrelay.report.items import OFFSET_BYTES, bytes_read, item_of_line, item_place
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import excerpt
from batchrelay_cli.views.run_table import StepDocument

ITEM_CHARS_MAX = 100


def item_text(stack: Stack, step: StepDocument, number: int) -> str:
    """An item of a step, by its number; nothing if the step has none, or it cannot be read."""
    place = item_place(step, number)
    return "" if place is None else _read(stack, place.manifest, place.row, place.behind)


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
    at = OFFSET_BYTES * row
    table = stack.read(offsets_uri(manifest), at, at + 2 * OFFSET_BYTES - 1)
    try:
        start, end = struct.unpack("<QQ", table)
    except struct.error:
        return None
    most = bytes_read(place)
    data = stack.read(manifest, start, min(end, start + most) - 1)
    lines = data.split(b"\n")
    if place < len(lines) - data.endswith(b"\n"):
        return excerpt(item_of_line(lines[place]), ITEM_CHARS_MAX)
    return "" if end - start > most else None
