"""JSONL and plain lines, as streams in constant memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import ITEM_BYTES_MAX
from batchrelay.domain.values import Json
from batchrelay.preparation.items.encoding import MARK, decoded
from batchrelay.preparation.items.strict_json import NotJson, decode

SEPARATORS = "\t,;|"
"""What separates the columns of tables."""


def read_jsonl(chunks: Iterable[bytes], source: str) -> Iterator[Json]:
    """One item a line; blank lines are skipped. Raises: InvalidItems with the line."""
    for number, line in enumerate(lines_of(chunks, source), start=1):
        text = line.strip(" \t\r")
        if not text:
            continue
        yield _value(text, source, number, line)  # held here no longer: it may be large


def _value(text: str, source: str, number: int, line: str) -> Json:
    try:
        value, end = decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(source, number, line, error.pos, error.msg) from None
    except NotJson as error:
        raise InvalidItems(f"{source}: line {number}: not JSON: {error}") from None
    if end != len(text):
        raise _not_json(source, number, line, end, "Extra data")
    return value


def _not_json(source: str, number: int, line: str, at: int, problem: str) -> InvalidItems:
    """What is wrong at a place of the line, counted behind its leading blanks."""
    column = len(line) - len(line.lstrip(" \t\r")) + at + 1
    return InvalidItems(f"{source}: line {number}, column {column}: not JSON: {problem}")


def read_lines(chunks: Iterable[bytes], source: str, *, is_guess: bool = False) -> Iterator[Json]:
    """Every line that is not blank, as it is.

    Args:
        is_guess: the format is not declared, so what looks like another format is
            refused.

    Raises:
        InvalidItems: with the line.
    """
    lines = _texts(chunks, source)
    if not is_guess:
        return lines
    head = list(islice(lines, 2))
    _check_guess(head, source)
    return chain(head, lines)


def _texts(chunks: Iterable[bytes], source: str) -> Iterator[str]:
    for number, line in enumerate(lines_of(chunks, source), start=1):
        text = line.rstrip("\r")
        if "\r" in text:
            raise InvalidItems(
                f"{source}: line {number}: a carriage return inside the line: lines end with LF "
                "or CRLF; write a text that holds one as JSONL"
            )
        if text[:1] == MARK:
            raise InvalidItems(
                f"{source}: line {number}: a byte order mark inside the file: were files joined?"
            )
        if text.strip(" \t"):
            yield text


def _check_guess(head: list[str], source: str) -> None:
    """That the first lines do not look like something else. Raises: InvalidItems."""
    if not head:
        return
    form = None
    if head[0].lstrip().startswith(("{", "[")):
        form = "JSON: write format: jsonl (or json) in forEach"
    elif head[0].lstrip().startswith("<"):
        form = "HTML or XML: write JSON, JSONL or CSV"
    elif all(line.startswith(("- ", "---")) for line in head):
        form = "YAML: write JSON, JSONL or CSV"
    elif len(head) > 1:
        counts = {mark: [line.count(mark) for line in head] for mark in SEPARATORS}
        mark = next((mark for mark, (one, two) in counts.items() if one == two > 0), None)
        how = "format: tsv" if mark == "\t" else f'separator: "{mark}"'
        form = None if mark is None else f"a table: write {how} in forEach"
    if form is not None:
        raise InvalidItems(
            f"{source}: the first lines look like {form}, or format: lines if each is an item"
        )


def lines_of(chunks: Iterable[bytes], source: str) -> Iterator[str]:
    """The lines without their LF. Nothing else ends one: \\u2028 may stand in a text.

    Raises: InvalidItems, for a line that is longer than an item may be.
    """
    held: list[str] = []
    length, ended = 0, 0
    pieces = decoded(chunks, source)
    first = next(pieces, "").removeprefix(MARK)
    for text in chain((first,), pieces):
        *whole, rest = text.split("\n")
        if whole:
            whole[0] = "".join((*held, whole[0]))
            held.clear()
            length = 0
            yield from whole
            ended += len(whole)
        held.append(rest)
        length += len(rest)
        if length > ITEM_BYTES_MAX:
            raise InvalidItems(
                f"{source}: line {ended + 1}: over {ITEM_BYTES_MAX:,} characters, and an item "
                "may not be longer"
            )
    last = "".join(held)
    if last:
        yield last
