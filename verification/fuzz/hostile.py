"""Lists that are made to kill their reader, each prepared in a process that is limited as Lambda's.

    python -m verification.fuzz.hostile NAME      what came of one, as JSON

A list is made while it is read: none of them is held in memory here, so that what the process needs
is what the preparation needs, and what Lambda's Python with our packages needs before it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import boto3

from batchrelay.adapters.memory import MemoryClock, MemoryJobs, MemoryLogs, MemoryQueues
from batchrelay.adapters.s3 import READ_CHUNK_BYTES, S3Upload
from batchrelay.domain.pipeline import ListFile, ListFormat
from batchrelay.preparation.prepare import Preparation
from tests.builders import run_of, step
from tests.stack import template
from verification.peak_memory import peak_bytes

MIB = 1 << 20
BOMB_BYTES = 600 * MIB
ITEM = 8 * MIB
"""Characters: the most that an item may have."""

MEMORY_BYTES = template()["Globals"]["Function"]["MemorySize"] * MIB
SECONDS_MAX = 900


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One member of a gzip file."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def many(piece: bytes, size: int = BOMB_BYTES) -> Iterator[bytes]:
    """A piece again and again, a megabyte at a time."""
    block = piece * (MIB // len(piece))
    yield from repeat(block, size // len(block))
    yield piece * (size % len(block) // len(piece))


def numbered(form: str, count: int, step_: int = 10_000) -> Iterator[bytes]:
    """A text with every number from 0 on."""
    for start in range(0, count, step_):
        yield "".join(form.format(n) for n in range(start, min(count, start + step_))).encode()


def between(begin: bytes, pieces: Iterable[bytes], end: bytes = b"") -> Iterator[bytes]:
    """Pieces with something before and behind them."""
    return chain((begin,), pieces, (end,))


Made = Callable[[], Iterable[bytes]]


def late(make: Callable[[bytes], Iterable[bytes]], piece: bytes) -> Made:
    """What is made of a piece when it is asked for."""
    return lambda: make(piece)


def of_item(piece: bytes) -> Iterable[bytes]:
    """As long as an item may be."""
    return many(piece, ITEM - 9)


def _files() -> Iterator[tuple[str, str, Made]]:
    """Names, what the file is called, and its bytes."""
    kinds = ("txt", "csv", "tsv", "jsonl", "json")
    for kind in kinds:
        quoted = b'"' if "js" in kind else b""
        yield (
            f"one-line-{kind}",
            f"f.{kind}.gz",
            late(lambda q: gzipped(between(q, many(b"a"))), quoted),
        )
        yield f"empty-lines-{kind}", f"f.{kind}.gz", lambda: gzipped(many(b"\n", 100 * MIB))
        yield f"blank-{kind}", f"f.{kind}.gz", lambda: gzipped(many(b" "))
        yield f"nul-{kind}", f"f.{kind}.gz", lambda: gzipped(many(b"\0"))
        yield f"boms-{kind}", f"f.{kind}", lambda: many(b"\xef\xbb\xbf", 10 * MIB)
        yield f"utf16-{kind}", f"f.{kind}", lambda: ("﻿a,b\n1,2\n" * 9).encode("utf-16").split(b"~")
        yield f"latin1-{kind}", f"f.{kind}", lambda: many(b"\xe9", 10 * MIB)
        yield f"members-{kind}", f"f.{kind}.gz", lambda: many(b"".join(gzipped([b""])), 10 * MIB)
        yield f"tiny-members-{kind}", f"f.{kind}.gz", lambda: many(b"".join(gzipped([b"1"])), MIB)
    yield "cr-txt", "f.txt.gz", lambda: gzipped(many(b"\r"))
    yield "quoted-csv", "f.csv.gz", lambda: gzipped(between(b'a,b\n1,"', many(b"x")))
    yield "quoted-lines-csv", "f.csv.gz", lambda: gzipped(between(b'a,b\n1,"', many(b"x\n")))
    yield "quotes-csv", "f.csv.gz", lambda: gzipped(between(b'a\n"', many(b'""')))
    yield "columns-csv", "f.csv", lambda: many(b",", ITEM - MIB)
    yield "named-columns-csv", "f.csv", lambda: chain(numbered("c{},", 900_000), (b"z\n1\n",))
    yield "values-csv", "f.csv", lambda: between(b"a\n", many(b",", ITEM - MIB), b"\n")
    yield "widest-row-csv", "f.csv", _widest_table
    yield "big-rows-csv", "f.csv", lambda: between(b"a\n", _rows(b"x" * (ITEM - 9), 20))


def _rows(row: bytes, count: int) -> Iterator[bytes]:
    return repeat(row + b"\n", count)


def _widest_table() -> Iterator[bytes]:
    """As many columns as a table may have, with names and values as long as a row may be."""
    names = ",".join(f"{n:0>250}" for n in range(16_384)).encode()
    values = ",".join(f"{n:0>500}" for n in range(16_384)).encode()
    return iter((names + b"\n", *[values + b"\n"] * 8))


_ELEMENTS = {
    "zeros": b"0,",
    "lists": b"[],",
    "objects": b"{},",
    "lists-of-one": b"[0],",
    "objects-of-one": b'{"":0},',
    "floats": b"0.5,",
    "texts": b'"\xc3\xa9",',
    "wide": b'"\xf0\x9f\x98\x80",',
    "escapes": b'"\\u00e9",',
}


def _documents() -> Iterator[tuple[str, str, Made]]:
    """JSON: what is deep, long, wide, and what is skipped."""
    for name, piece in _ELEMENTS.items():
        yield (
            f"item-{name}-json",
            "f.json",
            late(
                lambda p: between(b"[[", chain(of_item(p), (b"0],[",), of_item(p)), b"0]]"), piece
            ),
        )
        yield (
            f"item-{name}-jsonl",
            "f.jsonl",
            late(lambda p: chain(*(between(b"[", of_item(p), b"0]\n") for _ in range(3))), piece),
        )
        yield (
            f"bomb-{name}-json",
            "f.json.gz",
            late(lambda p: gzipped(between(b"[[", many(p), b"0]]")), piece),
        )
        yield (
            f"bomb-{name}-jsonl",
            "f.jsonl.gz",
            late(lambda p: gzipped(between(b"[", many(p), b"0]\n")), piece),
        )
    for name, piece in (("zeros", b"0,"), ("objects-of-one", b'{"":0},')):
        yield (
            f"skipped-{name}-json",
            "skipped.json.gz",
            late(
                lambda p: gzipped(between(b'{"x": [', many(p, 60 * MIB), b'0], "Items": [1, 2]}')),
                piece,
            ),
        )
        yield (
            f"skipped-deep-{name}-json",
            "skipped.json.gz",
            late(
                lambda p: gzipped(
                    between(b'{"x": {"y": [', many(p, 60 * MIB), b'0]}, "Items": [1, 2]}')
                ),
                piece,
            ),
        )
    for depth in (b"[", b'{"a":'):
        kind = "lists" if depth == b"[" else "objects"
        yield (
            f"deep-{kind}-json",
            "f.json.gz",
            late(lambda d: gzipped(between(b"[", many(d))), depth),
        )
        yield f"deep-{kind}-jsonl", "f.jsonl.gz", late(lambda d: gzipped(many(d)), depth)
        yield (
            f"deep-skipped-{kind}-json",
            "skipped.json.gz",
            late(lambda d: gzipped(between(b'{"x": ', many(d))), depth),
        )
    yield "skipped-text-json", "skipped.json.gz", lambda: gzipped(between(b'{"x": "', many(b"a")))
    yield "skipped-key-json", "skipped.json.gz", lambda: gzipped(between(b'{"', many(b"a")))
    yield (
        "skipped-members-json",
        "skipped.json",
        lambda: between(b"{", numbered('"k{}":0,', 4_000_000), b'"Items":[1,2]}'),
    )
    yield (
        "members-item-json",
        "f.json",
        lambda: between(b"[{", numbered('"{}":0,', 600_000), b'"z":0}]'),
    )
    yield (
        "members-item-jsonl",
        "f.jsonl",
        lambda: between(b"{", numbered('"{}":0,', 600_000), b'"z":0}\n'),
    )
    yield "number-json", "f.json.gz", lambda: gzipped(between(b"[", many(b"1"), b"]"))
    yield "number-jsonl", "f.jsonl.gz", lambda: gzipped(many(b"1"))
    yield "fraction-json", "f.json.gz", lambda: gzipped(between(b"[0.", many(b"1"), b"]"))
    yield (
        "big-items-json",
        "f.json",
        lambda: between(b"[", repeat(b'"' + b"x" * (ITEM - 9) + b'",', 20), b"0]"),
    )


CASES: Mapping[str, tuple[str, Made]] = {
    name: (file, made) for name, file, made in chain(_files(), _documents())
}


@dataclass
class Objects:
    """One list that is made while it is read; what is written goes the way of S3's uploads."""

    made: Made

    def read(self, _: str) -> Iterator[bytes]:
        held = bytearray()
        for piece in self.made():
            held += piece
            while len(held) >= READ_CHUNK_BYTES:
                yield bytes(held[:READ_CHUNK_BYTES])
                del held[:READ_CHUNK_BYTES]
        if held:
            yield bytes(held)

    def list(self, _prefix: str, _after: str) -> Iterator[tuple[str, int]]:
        return iter(())

    def upload(self, _: str, state: Mapping[str, Any] | None = None) -> S3Upload:
        client: Any = SimpleNamespace(
            put_object=lambda **_: {},
            create_multipart_upload=lambda **_: {"UploadId": "u"},
            upload_part=lambda **_: {"ETag": "e"},
            complete_multipart_upload=lambda **_: {},
            abort_multipart_upload=lambda **_: {},
        )
        upload = S3Upload(client, {"Bucket": "b", "Key": "k"})
        if state is not None:
            upload.go_on(state)
        return upload


def prepared(name: str) -> dict[str, Any]:
    """What came of a list, after how many seconds, with how many bytes at most."""
    boto3.client("s3", region_name="us-east-1")  # as the handler has one, with its model
    file, made = CASES[name]
    is_json = ".json" in file and ".jsonl" not in file
    listed = ListFile(
        file=f"s3://b/{file}",
        format=ListFormat.JSON if is_json else None,
        items="Items" if file.startswith("skipped") else "",
    )
    run = run_of(step("a", for_each=listed))
    preparation = Preparation(
        objects=Objects(made),
        queues=MemoryQueues(),
        jobs=MemoryJobs(),
        logs=MemoryLogs(),
        clock=MemoryClock(),
    )
    began = time.monotonic()
    event = preparation.prepare(
        run, "a", 0, time_left=lambda: SECONDS_MAX - time.monotonic() + began
    )
    return {
        "seconds": round(time.monotonic() - began, 1),
        "bytes": peak_bytes(),
        "event": type(event).__name__,
        "reason": getattr(event, "reason", ""),
        "items": getattr(event, "items", 0),
    }


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (3 * MEMORY_BYTES, 3 * MEMORY_BYTES))  # for this machine
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    json.dump(prepared(sys.argv[1]), sys.stdout)
