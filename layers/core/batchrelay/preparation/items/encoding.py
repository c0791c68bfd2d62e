"""Bytes as text: UTF-8 and nothing else, with the byte where it is not."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from batchrelay.domain.errors import InvalidItems

MARK = "\ufeff"
"""A byte order mark: at the beginning it is no part of the text."""

_NO_TEXT = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x1f\x8b", "a gzip file inside a gzip file"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "Parquet"),
)
"""Formats that begin like this, for a file that is not text."""

_HEAD_BYTES = 5
_NUL = "a NUL character"


def decoded(chunks: Iterable[bytes], source: str) -> Iterator[str]:
    """The text in pieces, none of them empty. Raises: InvalidItems with the byte."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    read = 0
    for chunk in chain((head,), stream):
        start = read - len(decoder.getstate()[0])
        text = _decode(decoder, chunk, start, source, head)
        read += len(chunk)
        if "\0" in text:
            at = start + len(text[: text.index("\0")].encode())
            raise _no_text(source, at, _NUL, head)
        if text:
            yield text
    _decode(decoder, b"", read - len(decoder.getstate()[0]), source, head, is_last=True)


def _decode(
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    start: int,
    source: str,
    head: bytes,
    *,
    is_last: bool = False,
) -> str:
    try:
        return decoder.decode(chunk, is_last)
    except UnicodeDecodeError as error:
        raise _no_text(source, start + error.start, error.reason, head) from None


def _no_text(source: str, at: int, reason: str, head: bytes) -> InvalidItems:
    kind = next((kind for begin, kind in _NO_TEXT if head.startswith(begin)), None)
    if kind is not None:
        why = f"this looks like {kind}: write UTF-8, plain or gzipped once"
    elif reason == _NUL:
        why = f"{reason}: UTF-16 and binary files have it: write UTF-8"
    else:
        why = f"{reason}: convert it, such as with iconv -f latin1 -t utf-8"
    return InvalidItems(f"{source}: byte {at}: not UTF-8: {why}")
