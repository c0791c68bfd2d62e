"""CSV and TSV: a header, and a row for every item, as a stream in constant memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import COLUMNS_MAX, ITEM_BYTES_MAX
from batchrelay.domain.values import Json
from batchrelay.preparation.items.encoding import MARK
from batchrelay.preparation.items.texts import SEPARATORS, lines_of


def read_table(
    chunks: Iterable[bytes], source: str, separator: str, *, is_guess: bool = False
) -> Iterator[Json]:
    """A mapping a row, by the header; blank lines are skipped, and values are as they are written.

    Args:
        separator: of columns, one character.
        is_guess: the pipeline does not say it, so a header that looks like another is refused.

    Raises:
        InvalidItems: with the line where the wrong row begins.
    """
    # The limit belongs to the process, and others may want more of it; ours is kept in _Rows.
    csv.field_size_limit(max(csv.field_size_limit(), ITEM_BYTES_MAX))
    rows = _Rows(lines_of(chunks, source), source, separator)
    header = next(rows.read(), None)
    if header is None:
        raise InvalidItems(f"{source}: empty; a CSV or TSV file begins with its header")
    _check_header(header, rows)
    if is_guess:
        _check_separator(header, rows)
    width, first = len(header), header[0]
    for row in rows.read():
        # a row that is not empty, and not the header, mostly shows it at once
        if len(row) != width or row[0] in ("", first) or row[0][0] == MARK:
            _check_row(row, header, rows)
        yield dict(zip(header, row, strict=True))


def _check_row(row: Sequence[str], header: Sequence[str], rows: _Rows) -> None:
    """Raises: InvalidItems."""
    if row[0].startswith(MARK):
        raise rows.error("a byte order mark inside the file: were files joined?")
    if row == header:
        raise rows.error("the header once more: were files joined?")
    if len(row) != len(header):
        raise rows.error(f"{len(row)} columns, the header has {len(header)}")
    if len(row) > 1 and not any(row):
        raise rows.error("a row of empty values: remove it")


class _Rows:
    """Rows of texts; it knows where each begins, and none is longer than an item may be."""

    def __init__(self, lines: Iterator[str], source: str, separator: str) -> None:
        self.separator = separator
        self._source = source
        self._line = 0
        self._begin = 0
        self._chars = 0
        self._last = ""
        blank = " \t\r".replace(separator, "")
        self._reader = csv.reader(self._fed(lines, blank), delimiter=separator, strict=True)

    def read(self) -> Iterator[list[str]]:
        """The rows that are left. Raises: InvalidItems."""
        try:
            for row in self._reader:
                self._chars = 0
                yield row
        except csv.Error as error:
            raise self.error(f"not CSV: {self._reason(error)}") from None

    def _fed(self, lines: Iterator[str], blank: str) -> Iterator[str]:
        """Lines for the reader, blank ones between rows left out."""
        for line in lines:
            self._line += 1
            if not self._chars:
                if not line.strip(blank):
                    continue
                self._begin = self._line
            self._chars += len(line) + 1
            if self._chars - 1 > ITEM_BYTES_MAX:
                raise self.error(
                    f"a row of over {ITEM_BYTES_MAX:,} characters, and an item may not be longer "
                    "(is a quote not closed?)"
                )
            self._last = line
            yield line + "\n"

    def _reason(self, error: csv.Error) -> str:
        if "\r" in self._last.rstrip("\r"):
            return "a carriage return outside quotes: lines end with LF or CRLF"
        return str(error)

    def error(self, problem: str) -> InvalidItems:
        """What is wrong with the row that was read last."""
        return InvalidItems(f"{self._source}: line {self._begin}: {problem}")


def _check_separator(header: Sequence[str], rows: _Rows) -> None:
    """That a single column is not the sign of another dialect. Raises: InvalidItems."""
    if len(header) > 1:
        return
    name = header[0]
    others = [mark for mark in SEPARATORS if mark in name]
    if name.startswith("<"):
        raise rows.error("the header begins as HTML or XML does, not as a table")
    if name.startswith(("{", "[")):
        what, how = "begins as JSON does", "format: jsonl"
    elif others:
        mark = max(others, key=name.count)
        what = f"holds a {_MARKS[mark]}"
        how = "format: tsv" if mark == "\t" else f'separator: "{mark}"'
    else:
        return
    mark = "\\t" if rows.separator == "\t" else rows.separator
    raise rows.error(
        f'the only column {what}: write {how} in forEach, or separator: "{mark}" to keep it'
    )


_MARKS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
"""What SEPARATORS are called."""


def _check_header(header: Sequence[str], rows: _Rows) -> None:
    """That every column has a name of its own. Raises: InvalidItems with their positions."""
    if header[0].lower().startswith("sep=") and len("".join(header)) <= len("sep=;"):
        raise rows.error("a spreadsheet's sep= line: remove it, and write separator in forEach")
    if len(header) > COLUMNS_MAX:
        raise rows.error(f"{len(header):,} columns, and a table may have {COLUMNS_MAX:,}")
    nameless = [str(place) for place, name in enumerate(header, start=1) if not name]
    if len(nameless) > 1:
        *some, last = nameless
        raise rows.error(f"columns {', '.join(some)} and {last} of the header have no name")
    places: dict[str, int] = {}
    for place, name in enumerate(header, start=1):
        if name != name.strip():
            raise rows.error(
                f"the name of column {place} has blanks around it: remove them around names and "
                "values: they would be part of them"
            )
        if name in places:
            raise rows.error(f"columns {places[name]} and {place} have the same name")
        places[name] = place
