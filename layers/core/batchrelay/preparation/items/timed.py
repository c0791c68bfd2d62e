"""Objects that are read for as long as there is time, however long a list is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.ports import Objects, Upload

RESERVE_S = 40.0
"""Seconds that are kept when reading ends between two items: to put everything down."""

LOOKS_EVERY_KEYS = 1_000
"""Keys between two looks at the time: a page of a listing."""


class OutOfTime(Exception):
    """The invocation must end soon; the message says where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedObjects:
    """Objects of which no more is read when the time is up. Raises: OutOfTime while it reads."""

    objects: Objects
    time_left: Callable[[], float]

    def read(self, uri: str) -> Iterator[bytes]:
        return self._chunks(uri, self.objects.read(uri))

    def _chunks(self, uri: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        count = 0
        for chunk in chunks:
            yield chunk
            count += len(chunk)
            if self.time_left() < RESERVE_S:
                raise OutOfTime(f"at byte {count:,} of {uri}")

    def list(self, prefix: str, after: str) -> Iterator[tuple[str, int]]:
        for count, found in enumerate(self.objects.list(prefix, after), start=1):
            yield found
            if count % LOOKS_EVERY_KEYS == 0 and self.time_left() < RESERVE_S:
                raise OutOfTime(f"at key {count:,} below {prefix}")

    def upload(self, uri: str, state: Mapping[str, Any] | None = None) -> Upload:
        return self.objects.upload(uri, state)
