"""Items in, manifest out: streamed, exact, and with errors that say where."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrelay.adapters.memory import MemoryObjects
from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.values import Json
from batchrelay.preparation.items.json_list import read_json_list
from batchrelay.preparation.manifest import ManifestWriter

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
    assert list(read_json_list(chunked(text, size), "plan.Items", "f")) == items


def test_a_list_may_be_the_document_itself() -> None:
    assert list(read_json_list([b' [1, {"a": 2}] '], "", "f")) == [1, {"a": 2}]


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ('{"Items": 3}', "Items", "f: byte 10: there is no list at Items"),
        (
            '{"items": []}',
            "Items",
            "f: byte 12: there is no member Items; others there: 1",
        ),
        ("{}", "Items", "f: byte 1: there is no member Items"),
        ("[1]", "Items", "f: byte 0: there is no object to hold Items"),
        ('{"Items": [1, oops]}', "Items", "f: byte 14: Expecting value"),
        ('{"Items": [1 2]}', "Items", "f: byte 13: expected ',' or ']'"),
        (
            '{"Items": ["ä", 1',
            "Items",
            "f: byte 18: expected ',' or ']', and the document ends here",
        ),
        ('{"Items": [1,', "Items", "f: byte 13: Expecting value, and the document ends here"),
        ("", "Items", "f: byte 0: there is no object to hold Items, and the document ends here"),
        ('{"Items" 1}', "Items", "f: byte 9: expected ':'"),
        ('{"Items": [NaN]}', "Items", "f: byte 11: NaN is not JSON"),
        ('{"Items": [' + "[" * 100_000, "Items", "f: byte 11: nested too deeply"),
    ],
)
@pytest.mark.parametrize("size", [1, 1_000])
def test_an_error_is_reported_with_its_byte(text: str, path: str, problem: str, size: int) -> None:
    with pytest.raises(InvalidItems) as error:
        list(read_json_list(chunked(text, size), path, "f"))
    assert str(error.value) == problem


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidItems, match="f: byte 12: not UTF-8: invalid start byte"):
        list(read_json_list([b'{"Items": ["\xff"]}'], "Items", "f"))


def test_a_mark_at_the_beginning_is_no_part_of_the_document() -> None:
    assert list(read_json_list([b'\xef\xbb\xbf{"Items": [1]}'], "Items", "f")) == [1]


def test_half_a_character_is_refused_with_its_item() -> None:
    """Of a list in the pipeline itself: a file is refused before (test_lists.py)."""
    writer = ManifestWriter.begin(MemoryObjects(), "s3://b/items.jsonl", 1)
    writer.add("a")
    with pytest.raises(InvalidItems, match="item 1: half a character"):
        writer.add("\ud800")


@pytest.mark.parametrize("chunk", [1, 2, 5])
@pytest.mark.parametrize("pause", [0, 1, 2, 3])
def test_a_child_finds_its_items_by_two_offsets(chunk: int, pause: int) -> None:
    """Also when the writing was put down after so many items, and taken up elsewhere."""
    objects = MemoryObjects()
    items: list[Json] = ["a b+c%20é.txt", {"key": 1}, [2]]
    writer = ManifestWriter.begin(objects, "s3://b/items.jsonl", chunk)
    for number, item in enumerate(items):
        if number == pause:
            state = json.loads(json.dumps(writer.suspend()))
            writer = ManifestWriter.begin(objects, "s3://b/items.jsonl", chunk, state)
        writer.add(item)
    writer.complete()
    body, table = objects.objects["s3://b/items.jsonl"], objects.objects["s3://b/items.offsets"]
    assert (writer.count, writer.children, len(table)) == (
        3,
        -(-3 // chunk),
        8 * (writer.children + 1),
    )
    read = []
    for child in range(writer.children):
        start, end = struct.unpack_from("<QQ", table, 8 * child)
        lines = body[start:end].splitlines()
        assert len(lines) == min(chunk, len(items) - child * chunk)
        read += [json.loads(line) for line in lines]
    assert read == items
