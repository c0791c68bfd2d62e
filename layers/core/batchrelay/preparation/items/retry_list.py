"""The failed items of a list as a file of the same shape: a container reads it unchanged."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from batchrelay.domain.pipeline import ListFile, ListFormat
from batchrelay.domain.values import Json


def retry_list(
    items: Iterable[Json], listed: ListFile, form: ListFormat, uri: str
) -> Iterator[bytes]:
    """The bytes of the file; gzipped if its name says so."""
    pieces = (piece.encode() for piece in _texts(items, listed, form))
    return _gzipped(pieces) if uri.endswith(".gz") else pieces


def _texts(items: Iterable[Json], listed: ListFile, form: ListFormat) -> Iterator[str]:
    match form:
        case ListFormat.JSON:
            return _document(items, tuple(listed.items.split(".")) if listed.items else ())
        case ListFormat.JSONL:
            return (_json(item) + "\n" for item in items)
        case ListFormat.CSV:
            return _table(items, listed.separator or ",")
        case ListFormat.TSV:
            return _table(items, "\t")
        case ListFormat.LINES:
            return (f"{item}\n" for item in items)


def _json(item: Json) -> str:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def _document(items: Iterable[Json], path: tuple[str, ...]) -> Iterator[str]:
    """The list at its path; what else the document holds is left out."""
    yield "".join(f"{{{json.dumps(name)}:" for name in path) + "["
    for number, item in enumerate(items):
        yield ("," if number else "") + "\n" + _json(item)
    yield "\n]" + "}" * len(path) + "\n"


def _table(items: Iterable[Json], separator: str) -> Iterator[str]:
    text = io.StringIO()
    writer: Any = None
    for item in items:
        row: Mapping[str, Json] = item if isinstance(item, Mapping) else {}
        if writer is None:
            writer = csv.DictWriter(text, list(row), delimiter=separator, lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = io.BytesIO()
    with gzip.GzipFile(fileobj=held, mode="wb", mtime=0) as compressed:
        for piece in pieces:
            compressed.write(piece)
            yield held.getvalue()
            held.seek(0)
            held.truncate()
    yield held.getvalue()
