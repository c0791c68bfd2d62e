"""JSONL, CSV and plain lines, gzipped or not, as streams in constant memory."""

from __future__ import annotations

import codecs
import csv
import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.values import Json
from batchrelay.items.json_list import STRICT

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
    return _inflated(whole, source) if head.startswith(_GZIP_MAGIC) else whole


def _inflated(chunks: Iterable[bytes], source: str) -> Iterator[bytes]:
    """Every member of a gzip file."""
    member = zlib.decompressobj(_GZIP_WBITS)
    try:
        for chunk in chunks:
            left = chunk
            while left:
                if member.eof:
                    member = zlib.decompressobj(_GZIP_WBITS)
                yield member.decompress(left, _INFLATED_BYTES_MAX)
                left = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as error:
        raise InvalidItems(f"{source}: broken gzip: {error}") from None
    if not member.eof:
        raise InvalidItems(f"{source}: the gzip file is cut off")


def read_jsonl(chunks: Iterable[bytes], source: str) -> Iterator[Json]:
    """One item a line; empty lines are none. Raises: InvalidItems with the line."""
    for number, line in enumerate(_lines(chunks, source), start=1):
        text = line.strip(" \t\r\n")
        if not text:
            continue
        try:
            yield STRICT.decode(text)
        except json.JSONDecodeError as error:
            where = f"line {number}, column {error.colno}"
            raise InvalidItems(f"{source}: {where}: not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise InvalidItems(f"{source}: line {number}: not JSON: {error}") from None


def read_lines(chunks: Iterable[bytes], source: str) -> Iterator[Json]:
    """Every line that is not empty, as it is."""
    for line in _lines(chunks, source):
        text = line.rstrip("\r\n")
        if text:
            yield text


def read_csv(chunks: Iterable[bytes], source: str) -> Iterator[Json]:
    """A mapping a row, by the header. Raises: InvalidItems with the line of a wrong row."""
    rows = csv.reader(_lines(chunks, source), strict=True)
    try:
        header = next(rows, None)
        if header is None:
            raise InvalidItems(f"{source}: empty; a CSV file begins with its header")
        twice = {name for name in header if header.count(name) > 1}
        if twice:
            raise InvalidItems(f"{source}: the header names {', '.join(sorted(twice))} twice")
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise InvalidItems(
                    f"{source}: line {rows.line_num}: {len(row)} columns, the header has "
                    f"{len(header)} ({', '.join(header)})"
                )
            yield dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InvalidItems(f"{source}: line {rows.line_num}: not CSV: {error}") from None


def _lines(chunks: Iterable[bytes], source: str) -> Iterator[str]:
    """The lines with their ends. Only \\n ends one: \\u2028 may stand in a text."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    held: list[str] = []
    read = 0
    try:
        for chunk in chunks:
            text = decoder.decode(chunk)
            read += len(chunk)
            *whole, rest = text.split("\n")
            for line in whole:
                held.append(line)
                held.append("\n")
                yield "".join(held)
                held.clear()
            held.append(rest)
        held.append(decoder.decode(b"", True))
    except UnicodeDecodeError as error:
        at = read + error.start
        raise InvalidItems(f"{source}: byte {at}: not UTF-8: {error.reason}") from None
    last = "".join(held)
    if last:
        yield last
