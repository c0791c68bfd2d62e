"""A JSON list inside a document, one element at a time, in constant memory."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.values import Json

MEMBERS_TOLD = 10
"""Names of an error's sentence."""

_LITERAL_CHARS_MAX = 16
"""Characters of what is one to the parser: false, or two halves \\ud83d\\ude00 of a character."""

_WHITESPACE = " \t\n\r"


def read_json_list(chunks: Iterable[bytes], path: str, source: str) -> Iterator[Json]:
    """The elements of the JSON list at a dotted path, one at a time, in constant memory.

    Args:
        chunks: the document in UTF-8.
        path: such as `Items` or `plan.files`; empty for the document itself.
        source: named in errors.

    Raises:
        InvalidItems: broken JSON (with its byte), no such path, or not a list.
    """
    return _Reader(chunks, source).items(tuple(path.split(".")) if path else ())


def _no_json(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")


STRICT = json.JSONDecoder(parse_constant=_no_json)
"""JSON without NaN and the infinities, which Python alone would read."""


class _Reader:
    """A window on the text: what was read is dropped, what a value needs is fetched."""

    def __init__(self, chunks: Iterable[bytes], source: str) -> None:
        self._chunks = iter(chunks)
        self._source = source
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._json = STRICT
        self._text = ""
        self._at = 0
        self._bytes_dropped = 0
        self._ended = False

    def items(self, path: tuple[str, ...]) -> Iterator[Json]:
        for depth, name in enumerate(path):
            self._enter_member(name, ".".join(path[: depth + 1]))
        if self._peek() != "[":
            where = f"at {'.'.join(path)}" if path else "in the document: write `items: PATH`"
            raise self._error(f"there is no list {where}")
        self._at += 1
        if self._peek() == "]":
            return
        while True:
            yield self._value()
            if self._next_is("]"):
                return

    def _enter_member(self, name: str, path: str) -> None:
        """Stand before the value of a member of the object here."""
        if self._peek() != "{":
            raise self._error(f"there is no object to hold {path}")
        self._at += 1
        known: list[str] = []
        while self._peek() != "}":
            key = self._value()
            known.append(str(key))
            if self._peek() != ":":
                raise self._error("expected ':'")
            self._at += 1
            if key == name:
                return
            self._value()
            if self._next_is("}"):
                break
        there = f"; there are {', '.join(known[:MEMBERS_TOLD])}" if known else ""
        raise self._error(f"there is no member {path}{there}")

    def _next_is(self, end: str) -> bool:
        """Step over a comma (False) or over the end of the list or object (True)."""
        found = self._peek()
        if found not in (",", end):
            raise self._error(f"expected ',' or '{end}'")
        self._at += 1
        return found == end

    def _value(self) -> Json:
        """The value here. A number at the window's edge may go on, so more is fetched first."""
        self._peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                into_value = error.pos - self._at
                if self._may_be_cut(error) and self._fetch():
                    continue
                raise self._error(error.msg, self._at + into_value) from None
            except RecursionError:
                raise self._error("nested too deeply") from None
            except ValueError as error:
                raise self._error(str(error)) from None
            if self._may_go_on(value, end) and self._fetch():
                continue
            self._at = end
            return value  # type: ignore[no-any-return]

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether more text could mend it: not what is wrong far before the end of the window."""
        near_the_end = error.pos >= len(self._text) - _LITERAL_CHARS_MAX
        return near_the_end or error.msg.startswith("Unterminated string")

    def _may_go_on(self, value: Json, end: int) -> bool:
        """Whether more text could make it another value: only a number has no end of its own."""
        return isinstance(value, int | float) and self._text[end : end + 1] in ("", *".eE")

    def _peek(self) -> str:
        """The next character that is not white space; '' at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _WHITESPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._fetch():
                return ""

    def _fetch(self) -> bool:
        """Read at least as much again as is held, so that a long value is not re-read often."""
        if self._ended:
            return False
        self._bytes_dropped += len(self._text[: self._at].encode())
        held = self._text[self._at :]
        self._at = 0
        wanted = len(held)
        pieces = [held]
        try:
            for chunk in self._chunks:
                piece = self._decode(chunk)
                pieces.append(piece)
                wanted -= len(piece)
                if wanted < 0:
                    break
            else:
                self._ended = True
                pieces.append(self._decode(b"", True))
        except UnicodeDecodeError as error:
            raise InvalidItems(f"{self._source}: not UTF-8: {error.reason}") from None
        self._text = "".join(pieces)
        return len(self._text) > len(held)

    def _error(self, what: str, position: int | None = None) -> InvalidItems:
        before = self._text[: self._at if position is None else position]
        return InvalidItems(
            f"{self._source}: byte {self._bytes_dropped + len(before.encode())}: {what}"
        )
