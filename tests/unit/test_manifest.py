"""Items in, manifest out: streamed, exact, and with errors that say where."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrelay.adapters.memory import MemoryObjects
from batchrelay.domain.errors import InvalidItems
from batchrelay.manifest import read_items, write_items

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def chunked(text: str, size: int) -> list[bytes]:
    body = text.encode()
    return [body[at : at + size] for at in range(0, len(body), size)]


@given(
    items=st.lists(_JSON, max_size=6), size=st.integers(1, 20), indent=st.sampled_from([None, 2])
)
def test_items_are_read_exactly_whatever_the_chunks(
    items: list[object], size: int, indent: int | None
) -> None:
    text = json.dumps(
        {"Metadata": {"Items": [1], "n": 12}, "plan": {"Items": items}},
        ensure_ascii=False,
        indent=indent,
    )
    assert list(read_items(chunked(text, size), "plan.Items", "f")) == items


def test_a_list_may_be_the_document_itself() -> None:
    assert list(read_items([b' [1, {"a": 2}] '], "", "f")) == [1, {"a": 2}]


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ('{"Items": 3}', "Items", "f: byte 10: there is no list at Items"),
        ('{"items": []}', "Items", "f: byte 13: there is no member Items"),
        ("{}", "Items", "f: byte 1: there is no member Items"),
        ("[1]", "Items", "f: byte 0: there is no object to hold Items"),
        ('{"Items": [1, oops]}', "Items", "f: byte 14: Expecting value"),
        ('{"Items": [1 2]}', "Items", "f: byte 13: expected ',' or ']'"),
        ('{"Items": ["ä", 1', "Items", "f: byte 18: expected ',' or ']'"),
        ('{"Items": [1,', "Items", "f: byte 13: Expecting value"),
        ("", "Items", "f: byte 0: there is no object to hold Items"),
        ('{"Items" 1}', "Items", "f: byte 9: expected ':'"),
        ('{"Items": [NaN]}', "Items", "f: byte 11: NaN is not JSON"),
        ('{"Items": [' + "[" * 100_000, "Items", "f: byte 11: nested too deeply"),
    ],
)
@pytest.mark.parametrize("size", [1, 1_000])
def test_what_is_wrong_is_said_with_its_byte(text: str, path: str, problem: str, size: int) -> None:
    with pytest.raises(InvalidItems) as error:
        list(read_items(chunked(text, size), path, "f"))
    assert str(error.value) == problem


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidItems, match="f: not UTF-8"):
        list(read_items([b'{"Items": ["\xff"]}'], "Items", "f"))


def test_a_mark_at_the_beginning_is_no_part_of_the_document() -> None:
    assert list(read_items([b'\xef\xbb\xbf{"Items": [1]}'], "Items", "f")) == [1]


def test_half_a_character_is_refused_with_its_item() -> None:
    objects = MemoryObjects()
    items = read_items([b'{"Items": ["a", "\\ud800"]}'], "Items", "f")
    with (
        pytest.raises(InvalidItems, match="item 1: half a character"),
        objects.write("s3://b/m") as lines,
        objects.write("s3://b/o") as offsets,
    ):
        write_items(items, lines, offsets)
    assert objects.objects == {}


def test_a_child_finds_its_item_by_two_offsets() -> None:
    objects = MemoryObjects()
    items = ["a b+c%20é.txt", {"key": 1}, [2]]
    with objects.write("s3://b/m") as lines, objects.write("s3://b/o") as offsets:
        assert write_items(iter(items), lines, offsets) == 3
    body, table = objects.objects["s3://b/m"], objects.objects["s3://b/o"]
    assert len(table) == 4 * 8
    for child, item in enumerate(items):
        start, end = struct.unpack_from("<QQ", table, 8 * child)
        assert json.loads(body[start:end]) == item
