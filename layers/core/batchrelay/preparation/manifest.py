"""A step's items as its children read them: JSONL, and an offset table beside it.

The table holds 8-byte little-endian offsets, one for each child and one more for the end, so that
child i reads the two numbers at 8*i and then its own lines. The items of each group are a
manifest of their own. The format is documented in docs/reference/manifest.md.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import ITEM_BYTES_MAX
from batchrelay.domain.values import Json, offsets_uri
from batchrelay.ports import Objects, Upload

_offset = struct.Struct("<Q").pack
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(slots=True, kw_only=True)
class ManifestWriter:
    """Writes one manifest, in constant memory; it can be put down and taken up again."""

    chunk: int
    """Items of one child."""
    lines: Upload
    offsets: Upload
    count: int = 0
    """Items."""
    position: int = 0
    """Bytes."""

    @classmethod
    def begin(
        cls, objects: Objects, uri: str, chunk: int, state: Mapping[str, Any] | None = None
    ) -> ManifestWriter:
        """A new one, or one that was suspended."""
        known = state or {}
        return cls(
            chunk=chunk,
            lines=objects.upload(uri, known.get("lines")),
            offsets=objects.upload(offsets_uri(uri), known.get("offsets")),
            count=known.get("count", 0),
            position=known.get("position", 0),
        )

    @property
    def children(self) -> int:
        """Children that these items make."""
        return -(-self.count // self.chunk)

    def add(self, item: Json) -> None:
        """Append an item. Raises: InvalidItems."""
        try:
            line = _encode(item).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise InvalidItems(f"item {self.count}: half a character: {error.reason}") from None
        except ValueError:
            raise InvalidItems(f"item {self.count}: NaN and the infinities are not JSON") from None
        size = len(line) - 1
        if size > ITEM_BYTES_MAX:
            raise InvalidItems(
                f"item {self.count}: {size:,} bytes of JSON, and an item may have "
                f"{ITEM_BYTES_MAX:,}: write the data into an object, and its URI into the list"
            )
        if self.count % self.chunk == 0:
            self.offsets.write(_offset(self.position))
        self.lines.write(line)
        self.position += len(line)
        self.count += 1

    def complete(self) -> None:
        """Both objects appear."""
        self.offsets.write(_offset(self.position))
        self.lines.complete()
        self.offsets.complete()

    def abort(self) -> None:
        """Nothing is left."""
        self.lines.abort()
        self.offsets.abort()

    def suspend(self) -> dict[str, Any]:
        """What `begin` needs to go on: a JSON document."""
        return {
            "count": self.count,
            "position": self.position,
            "lines": self.lines.suspend(),
            "offsets": self.offsets.suspend(),
        }
