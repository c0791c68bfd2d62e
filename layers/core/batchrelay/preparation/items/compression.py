"""The bytes of an object, gzipped or not, as a stream in constant memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from batchrelay.domain.errors import InvalidItems

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS = 31
_INFLATED_BYTES_MAX = 1 << 20
"""At once: a small object may hold a great many bytes."""


def plain(chunks: Iterable[bytes], source: str) -> Iterator[bytes]:
    """The bytes themselves, decompressed if they begin as gzip does. Raises: InvalidItems."""
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= len(_GZIP_MAGIC):
            break
    whole = chain((head,), stream)
    if head.startswith(_GZIP_MAGIC):
        return _inflated(whole, source)
    if source.lower().endswith(".gz") and len(head) < len(_GZIP_MAGIC):
        raise InvalidItems(f"{source}: byte {len(head)}: the gzip file is cut off")
    return whole


def _inflated(chunks: Iterable[bytes], source: str) -> Iterator[bytes]:
    """Every member of a gzip file."""
    member = zlib.decompressobj(_GZIP_WBITS)
    read = 0
    try:
        for chunk in chunks:
            read += len(chunk)
            left = chunk
            while left:
                if member.eof:
                    member = zlib.decompressobj(_GZIP_WBITS)
                yield member.decompress(left, _INFLATED_BYTES_MAX)
                left = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as error:
        raise InvalidItems(f"{source}: broken gzip before byte {read}: {error}") from None
    if not member.eof:
        raise InvalidItems(f"{source}: byte {read}: the gzip file is cut off")
