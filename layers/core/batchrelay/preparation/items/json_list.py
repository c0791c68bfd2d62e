"""A JSON list inside a document, one element at a time, in constant memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import ITEM_BYTES_MAX, MEMBERS_MAX
from batchrelay.domain.values import Json
from batchrelay.preparation.items.encoding import MARK, decoded
from batchrelay.preparation.items.strict_json import NotJson, decode

_SKIPPED_CHARS_MAX = 1024 * 1024
"""Characters of what is skipped at once; longer lists and objects are skipped piece by piece."""

_KEY_CHARS_KEPT = 64
"""Characters of a key that is kept as it is, to know whether it is there twice."""

_LITERAL_CHARS_MAX = 16
"""Characters of what is one to the parser: false, or two halves \\ud83d\\ude00 of a character."""

_WHITESPACE = " \t\n\r"


def read_json_list(chunks: Iterable[bytes], path: str, source: str) -> Iterator[Json]:
    """The elements of the JSON list at a dotted path, one at a time, in constant memory.

    What follows the list is read too: a document that is cut off behind it is refused.

    Args:
        chunks: the document in UTF-8.
        path: such as `Items` or `plan.files`; empty for the document itself.
        source: named in errors.

    Raises:
        InvalidItems: broken JSON (with its byte), no such path, or not a list.
    """
    return _Reader(decoded(chunks, source), source).items(tuple(path.split(".")) if path else ())


class _TooLong(InvalidItems):
    """A value of more characters than may be held at once."""


class _Reader:
    """A window on the text: what was read is dropped, what a value needs is fetched."""

    def __init__(self, pieces: Iterator[str], source: str) -> None:
        self._pieces = pieces
        self._source = source
        self._text = ""
        self._at = 0
        self._bytes_dropped = 0

    def items(self, path: tuple[str, ...]) -> Iterator[Json]:
        if self._peek() == MARK:
            self._at += 1
        open_objects = []
        for depth, name in enumerate(path):
            members = self._object(".".join(path[: depth + 1]))
            self._enter(members, name, ".".join(path[: depth + 1]))
            open_objects.append(members)
        if self._peek() != "[":
            where = f"at {'.'.join(path)}" if path else "in the document: write `items: PATH`"
            raise self._error(f"there is no list {where}")
        yield from self._elements(lambda: self._value(ITEM_BYTES_MAX))
        for members in reversed(open_objects):
            for _ in members:
                self._skip()
        if self._peek():
            raise self._error("expected the end: there is more behind the document")

    def _object(self, path: str) -> Iterator[str]:
        if self._peek() != "{":
            raise self._error(f"there is no object to hold {path}")
        return self._members()

    def _enter(self, members: Iterator[str], name: str, path: str) -> None:
        """Stand before the value of a member of the object here."""
        others = 0
        for key in members:
            if key == name:
                return
            others += 1
            self._skip()
        there = f"; others there: {others:,}" if others else ""
        raise self._error(f"there is no member {path}{there}", self._at - 1)

    def _members(self) -> Iterator[str]:
        """Every key of the object here; read its value before asking for the next one."""
        self._at += 1
        keys: set[str | bytes] = set()
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            yield self._key(keys)
            if self._next_is("}"):
                return

    def _key(self, keys: set[str | bytes]) -> str:
        if self._peek() not in ('"', ""):
            raise self._error("expected a key in double quotes")
        begin = self._bytes_dropped + len(self._text[: self._at].encode())
        key = str(self._value(ITEM_BYTES_MAX))
        mark = key if len(key) <= _KEY_CHARS_KEPT else _digest(key)
        if mark in keys:
            raise InvalidItems(f"{self._source}: byte {begin}: a key that was there before")
        keys.add(mark)
        if len(keys) > MEMBERS_MAX:
            raise self._error(f"an object of over {MEMBERS_MAX:,} members")
        if self._peek() != ":":
            raise self._error("expected ':'")
        self._at += 1
        return key

    def _elements(self, read: Callable[[], Json]) -> Iterator[Json]:
        """Every element of the list here, each read where it begins."""
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield read()
            if self._next_is("]"):
                return

    def _skip(self) -> None:
        """Read a member that is not on the path, a list or an object piece by piece."""
        match self._peek():
            case "[":
                for _ in self._elements(self._skip_inner):
                    pass
            case "{":
                for _ in self._members():
                    self._skip_inner()
            case _:
                self._value(ITEM_BYTES_MAX)

    def _skip_inner(self) -> None:
        """Read a value at once, or a long one piece by piece."""
        try:
            self._value(_SKIPPED_CHARS_MAX)
        except _TooLong:
            self._skip()

    def _next_is(self, end: str) -> bool:
        """Step over a comma (False) or over the end of the list or object (True)."""
        found = self._peek()
        if found not in (",", end):
            raise self._error(f"expected ',' or '{end}'")
        self._at += 1
        return found == end

    def _value(self, longest: int) -> Json:
        """The value here. A number at the window's edge may go on, so more is fetched first.

        Raises: InvalidItems; _TooLong, at the value, if so many characters do not hold it.
        """
        self._peek()
        while True:
            try:
                value, end = decode(self._text, self._at)
            except json.JSONDecodeError as error:
                into_value = error.pos - self._at
                held = len(self._text) - self._at
                if held > longest:
                    problem = f"an item of over {longest:,} characters"
                    raise _TooLong(str(self._error(problem))) from None
                if self._may_be_cut(error) and self._fetch(longest + 1 - held):
                    continue
                raise self._error(error.msg, self._at + into_value) from None
            except NotJson as error:
                raise self._error(str(error)) from None
            if self._may_go_on(value, end) and self._fetch(1):
                continue
            self._at = end
            return value

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether more text could complete it: not an error far before the end of the window."""
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

    def _fetch(self, enough: int = 0) -> bool:
        """Read as much again as is held, so that a long value is not re-read often; or enough."""
        self._bytes_dropped += len(self._text[: self._at].encode())
        held = self._text[self._at :]
        self._at = 0
        wanted = min(len(held), enough)
        pieces = [held]
        for piece in self._pieces:
            pieces.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                break
        self._text = "".join(pieces)
        return len(self._text) > len(held)

    def _error(self, what: str, position: int | None = None) -> InvalidItems:
        at = self._at if position is None else position
        byte = self._bytes_dropped + len(self._text[:at].encode())
        end = ", and the document ends here" if at >= len(self._text) else ""
        return InvalidItems(f"{self._source}: byte {byte}: {what}{end}")


def _digest(key: str) -> bytes:
    """A long key in 16 bytes."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
