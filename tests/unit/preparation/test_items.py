"""Items from every source, exact and with errors that say where."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrelay.adapters.memory import MemoryObjects
from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.item import expand_item, item_value, literal_prefix
from batchrelay.domain.pipeline import (
    ForEach,
    InlineItems,
    ListFile,
    ListFormat,
    Listing,
    Matrix,
)
from batchrelay.domain.values import Json
from batchrelay.preparation.items.compression import plain
from batchrelay.preparation.items.glob import glob
from batchrelay.preparation.items.json_list import read_json_list
from batchrelay.preparation.items.sources import Passed, Position, Sources, reduced
from batchrelay.preparation.items.tables import read_table
from batchrelay.preparation.items.texts import read_jsonl, read_lines
from tests.builders import run_of, step

KEYS = ("in/a b+c%20é.txt", "in/sub/x.txt", "in/sub/", "in/y.csv", "in/empty/", "other/z.txt")


def chunked(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def items(for_each: ForEach, position: Position | None = None, /, **objects: bytes) -> list[Json]:
    stored = {f"s3://b/{name}": body for name, body in objects.items()}
    stored |= {f"s3://b/{key}": b"" if key.endswith("/") else key.encode() for key in KEYS}
    run = run_of(step("a"), params={"x": "s3://b/"})
    sources = Sources(objects=MemoryObjects(stored, chunk_bytes=7))
    found = sources.items(run, for_each, position or Position())
    return [item for item in found if not isinstance(item, Passed)]


@given(rows=st.lists(st.text().filter(str.strip), max_size=6), size=st.integers(1, 9))
def test_jsonl_is_read_exactly_whatever_the_chunks(rows: list[str], size: int) -> None:
    body = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(
        "utf-8", "replace"
    )
    wanted = [json.loads(line) for line in body.decode().split("\r\n") if line]
    assert list(read_jsonl(chunked(body, size), "f")) == wanted


def test_lines_end_with_a_newline_only() -> None:
    body = "\ufeffa\u2028b\r\n\n  c \nlast".encode()
    assert list(read_lines(chunked(body, 1), "f")) == ["a\u2028b", "  c ", "last"]


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_csv_has_quotes_newlines_and_a_header(size: int) -> None:
    body = b'key,"a ""b"""\r\n"x\ny",1\n\nz,\n'
    assert list(read_table(chunked(body, size), "f", ",")) == [
        {"key": "x\ny", 'a "b"': "1"},
        {"key": "z", 'a "b"': ""},
    ]


@pytest.mark.parametrize("size", [1, 5, 1_000])
def test_gzip_is_recognised_by_its_first_bytes(size: int) -> None:
    body = gzip.compress(b"a\n" * 1_000) + gzip.compress(b"b\n")
    assert list(read_lines(plain(chunked(body, size), "f"), "f")) == ["a"] * 1_000 + ["b"]
    assert list(plain(chunked(b"a", size), "f")) == [b"a"]
    assert b"".join(plain(iter(()), "f")) == b""


@pytest.mark.parametrize(
    ("for_each", "body", "problem"),
    [
        (
            ListFile(file="s3://b/f.csv"),
            b"a,b\n1,2\n3\n",
            "line 3: 1 columns, the header has 2",
        ),
        (
            ListFile(file="s3://b/f.csv"),
            b"a,b\n1,2,3\n",
            "line 2: 3 columns, the header has 2",
        ),
        (ListFile(file="s3://b/f.csv"), b"", "empty; a CSV or TSV file begins with its header"),
        (
            ListFile(file="s3://b/f.csv"),
            b"a,a\n",
            "line 1: columns 1 and 2 have the same name",
        ),
        (ListFile(file="s3://b/f.csv"), b'a\n"x', "line 2: not CSV: unexpected end of data"),
        (
            ListFile(file="s3://b/f.jsonl"),
            b'{"a": 1}\n\n{"a": }\n',
            "line 3, column 7: not JSON: Expecting value",
        ),
        (ListFile(file="s3://b/f.jsonl"), b"NaN", "line 1: not JSON: NaN is not JSON"),
        (ListFile(file="s3://b/f.txt"), b"ok\n\xff\n", "not UTF-8"),
        (
            ListFile(file="s3://b/f.json", format=ListFormat.JSON, items="Items"),
            b'{"Items": 3}',
            "byte 10: there is no list at Items",
        ),
        (
            ListFile(file="s3://b/f.txt.gz"),
            gzip.compress(b"abc" * 99, mtime=0)[:-9],
            "the gzip file is cut off",
        ),
        (ListFile(file="s3://b/f.txt.gz"), b"\x1f\x8bnonsense", "broken gzip"),
        (ListFile(file="s3://b/nowhere"), b"", "there is no such object"),
    ],
)
def test_a_list_that_is_not_what_it_says_is_refused(
    for_each: ListFile, body: bytes, problem: str
) -> None:
    name = for_each.file.removeprefix("s3://b/")
    with pytest.raises(InvalidItems) as error:
        items(for_each, **({} if name == "nowhere" else {name: body}))
    assert problem in str(error.value)
    assert str(error.value).startswith(for_each.file)


def test_a_mistake_far_before_the_end_is_reported_before_the_rest_is_read() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'[1, oops, "' + b"x" * 1_000 + b'"'
        raise AssertionError("read on")

    with pytest.raises(InvalidItems, match="byte 4: Expecting value"):
        list(read_json_list(chunks(), "", "f"))


@pytest.mark.parametrize(
    ("name", "body", "wanted"),
    [
        ("f.json", b'["x", 2]', ["x", 2]),
        ("f.jsonl.gz", gzip.compress(b'{"k": 1}\n', mtime=0), [{"k": 1}]),
        ("f.csv", b"k\n1\n", [{"k": "1"}]),
        ("list", b"x\ny\n", ["x", "y"]),
    ],
)
def test_a_format_is_known_by_the_name(name: str, body: bytes, wanted: list[Json]) -> None:
    assert items(ListFile(file=f"${{params.x}}{name}"), **{name: body}) == wanted


def test_a_listing_is_filtered_and_has_no_folders() -> None:
    def keys(**how: str) -> list[Json]:
        found = items(Listing(prefix="${params.x}in/", **how))
        return [item["key"] for item in found]  # type: ignore[index, call-overload]

    assert keys() == ["in/a b+c%20é.txt", "in/sub/x.txt", "in/y.csv"]
    assert keys(suffix=".txt") == ["in/a b+c%20é.txt", "in/sub/x.txt"]
    assert keys(match="*.txt") == ["in/a b+c%20é.txt"]
    assert keys(match="**/*.txt") == ["in/a b+c%20é.txt", "in/sub/x.txt"]
    assert items(Listing(prefix="s3://b/in/y"))[0] == {"bucket": "b", "key": "in/y.csv", "size": 8}


def test_a_matrix_is_every_combination() -> None:
    matrix = Matrix(axes={"a": (1, 2), "b": ("x", "y")})
    assert items(matrix) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


@pytest.mark.parametrize(
    "for_each",
    [
        ListFile(file="s3://b/f"),
        Listing(prefix="s3://b/in/"),
        Matrix(axes={"a": (1, 2, 3)}),
        InlineItems(items=(1, 2, 3)),
    ],
)
@pytest.mark.parametrize("read", [0, 1, 2, 3])
def test_a_source_goes_on_where_it_stopped(for_each: ForEach, read: int) -> None:
    whole = items(for_each, f=b"x\ny\nz")
    last = whole[read - 1] if read else {"key": ""}
    after = last["key"] if isinstance(last, dict) and "key" in last else ""
    assert items(for_each, Position(read=read, after=str(after)), f=b"x\ny\nz") == whole[read:]


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.txt", "a.txt", "a/b.txt"),
        ("**.txt", "a/b.txt", "a/b.csv"),
        ("sample-?.bam", "sample-1.bam", "sample-12.bam"),
        ("[abc]*", "b7", "d7"),
        ("[!abc]*", "d7", "b7"),
        ("a+(b).txt", "a+(b).txt", "aab.txt"),
        ("x/**/y", "x/1/2/y", "x/1/2/z"),
        ("x/**/y", "x/y", "xy"),
    ],
)
def test_globs(pattern: str, yes: str, no: str) -> None:
    assert glob(pattern)(yes)
    assert not glob(pattern)(no)


@pytest.mark.parametrize(
    ("pattern", "item", "text"),
    [
        ("s3://o/${item}.json", "a", "s3://o/a.json"),
        ("${item.name}|${item.stem}", "s3://b/in/a b.tar.gz", "a b.tar.gz|a b.tar"),
        ("${item.uri}", {"bucket": "b", "key": "in/é.txt"}, "s3://b/in/é.txt"),
        ("${item.name}", {"name": "own", "key": "x/y"}, "own"),
        ("${item.a.b}-${item.l.1}", {"a": {"b": 3}, "l": [1, True]}, "3-true"),
        ("${item.number}", {"number": 99}, "7"),
        ("${item}", {"a": [1]}, '{"a":[1]}'),
    ],
)
def test_an_item_has_values(pattern: str, item: Json, text: str) -> None:
    assert expand_item(pattern, item, 7) == text


def test_an_absent_value_is_reported_with_the_item() -> None:
    with pytest.raises(InvalidItems, match=r"item 7 has no name\.x, or it is null$"):
        expand_item("${item.name.x}", {"a": 1}, 7)
    assert item_value({"a": None}, "item.a") is None
    assert item_value({"a": [1, 2]}, "item.a.1") == 2
    assert item_value({"a": [1, 2]}, f"item.a.{'9' * 5_000}") is None
    assert literal_prefix("s3://b/x-${item.n}/y") == "s3://b/x-"


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])]
)
def test_a_level_takes_so_many_inputs_each(count: int, sizes: list[int]) -> None:
    inputs = [f"s3://b/{number}" for number in range(count)]
    level = list(reduced(iter(inputs), 100, "s3://b/all.json.gz", "s3://b/r0/out/"))
    assert [len(item["inputs"]) for item in level] == sizes  # type: ignore[index, call-overload, arg-type]
    outputs = [item["output"] for item in level]  # type: ignore[index, call-overload]
    if count <= 100:
        assert outputs == ["s3://b/all.json.gz"] * len(sizes)
    else:
        assert outputs[:2] == ["s3://b/r0/out/000000.json.gz", "s3://b/r0/out/000001.json.gz"]
