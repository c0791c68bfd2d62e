"""What a user's list can be: the right items, or a refusal with the place and what to write.

Every case stands in docs/reference/lists.md under the same words, and nothing else does.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from batchrelay.adapters.memory import MemoryObjects
from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import ITEM_BYTES_MAX, REASON_CHARS_MAX
from batchrelay.domain.pipeline import ForEach, ListFile, ListFormat, Listing, StepOutputs
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.values import Json
from batchrelay.preparation.items import json_list
from batchrelay.preparation.items.json_list import read_json_list
from batchrelay.preparation.items.sources import SOURCE_CHARS_MAX, Passed, Position, Sources
from batchrelay.preparation.items.tables import read_table
from batchrelay.preparation.items.texts import read_jsonl, read_lines
from batchrelay.preparation.manifest import ManifestWriter
from tests.builders import run_of, step
from tests.stack import ROOT

CSV = b"id,b\n1,2\n3,4\n"
ROWS: list[Json] = [{"id": "1", "b": "2"}, {"id": "3", "b": "4"}]
LONG = "A" * 140_000

Case = tuple[str, str, bytes, dict[str, Any], "list[Json] | str"]
"""Its name in the docs, the object's name, its bytes, what forEach says beside, items or refusal."""

CASES: tuple[Case, ...] = (
    # encodings
    ("a byte order mark at the beginning", "f.csv", b'\xef\xbb\xbf"id",b\r\n1,2\r\n\r\n3,"4\n5"\r\n', {}, [{"id": "1", "b": "2"}, {"id": "3", "b": "4\n5"}]),
    ("a byte order mark at the beginning", "f.jsonl", b'\xef\xbb\xbf{"a": 1}\n', {}, [{"a": 1}]),
    ("a byte order mark at the beginning", "f.txt", b"\xef\xbb\xbfa\nb\n", {}, ["a", "b"]),
    ("a byte order mark at the beginning", "f.json", b"\xef\xbb\xbf[1]", {}, [1]),
    ("a byte order mark inside, as in joined files", "f.csv", CSV + b"\xef\xbb\xbf" + CSV, {}, "line 4: a byte order mark inside the file: were files joined?"),
    ("a byte order mark inside, as in joined files", "f.txt", b"a\n\xef\xbb\xbfb\n", {}, "line 2: a byte order mark inside the file: were files joined?"),
    ("UTF-16", "f.csv", "id,b\n1,2\n".encode("utf-16"), {}, "byte 0: not UTF-8: this looks like UTF-16: write UTF-8"),
    ("UTF-16", "f.txt", "a\nb\n".encode("utf-16-le"), {}, "byte 1: not UTF-8: a NUL character: UTF-16 and binary files have it: write UTF-8"),
    ("Latin-1, or any other encoding", "f.csv", "id\ncafé\n".encode("latin-1"), {}, "byte 6: not UTF-8: invalid continuation byte: convert it, such as with iconv -f latin1 -t utf-8"),
    ("Latin-1, or any other encoding", "f.json", '["café"]'.encode("latin-1"), {}, "byte 5: not UTF-8"),
    ("Latin-1, or any other encoding", "f.txt", "ok\ncafé".encode("latin-1"), {}, "byte 6: not UTF-8: unexpected end of data"),
    ("half of a character", "f.jsonl", b'"ok"\n"\\ud800"\n', {}, "line 2: not JSON: half of a character (a lone surrogate)"),
    ("half of a character", "f.json", b'["ok", {"\\udc00": 1}]', {}, "byte 7: half of a character (a lone surrogate)"),
    ("half of a character", "f.jsonl", b'"\\ud83d\\ude00"', {}, ["\N{GRINNING FACE}"]),
    # compression
    ("gzip, whatever the name", "f.csv", gzip.compress(CSV), {}, ROWS),
    ("gzip, whatever the name", "f.tsv.gz", gzip.compress(b"id\tb\n1\t2\n3\t4\n"), {}, ROWS),
    ("gzip, whatever the name", "F.CSV.GZ", gzip.compress(CSV), {}, ROWS),
    ("several gzip files in one", "f.csv.gz", gzip.compress(CSV[:9]) + gzip.compress(CSV[9:]), {}, ROWS),
    ("`.gz` that is no gzip", "f.csv.gz", CSV, {}, ROWS),
    ("a gzip file that is cut off", "f.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 50)[:-9], {}, "the gzip file is cut off"),
    ("a gzip file that is cut off", "f.jsonl.gz", b"", {}, "byte 0: the gzip file is cut off"),
    ("a damaged gzip file", "f.txt.gz", b"\x1f\x8bnonsense", {}, "broken gzip before byte "),
    ("a damaged gzip file", "f.txt.gz", gzip.compress(b"a\n") + b"rubbish", {}, "broken gzip before byte"),
    ("gzip in gzip", "f.csv.gz", gzip.compress(gzip.compress(CSV)), {}, "byte 1: not UTF-8: this looks like a gzip file inside a gzip file: write UTF-8, plain or gzipped once"),
    ("zip, xlsx, bzip2, xz, zstd, Parquet", "f.xlsx", b"PK\x03\x04\x14\x00", {}, "this looks like a zip archive or a spreadsheet"),
    ("zip, xlsx, bzip2, xz, zstd, Parquet", "f.csv.zst", b"\x28\xb5\x2f\xfd\x04", {}, "this looks like zstd"),
    # lines
    ("CRLF", "f.txt", b"a\r\nb\r\n", {}, ["a", "b"]),
    ("CRLF", "f.tsv", b"id\tb\r\n1\t2\r\n3\t4", {}, ROWS),
    ("CR alone", "f.txt", b"a\rb\rc\r", {}, "line 1: a carriage return inside the line: lines end with LF or CRLF"),
    ("CR alone", "f.csv", b"id,b\r1,2\r", {}, "line 1: not CSV: a carriage return outside quotes: lines end with LF or CRLF"),
    ("CR alone", "f.jsonl", b'{"a": 1}\r{"a": 2}\r', {}, "line 1, column 9: not JSON: Extra data"),
    ("blank lines, also before a header", "f.csv", b"\n \r\nid,b\n\t\n1,2\n\n3,4\n\n\n", {}, ROWS),
    ("blank lines, also before a header", "f.tsv", b"\n  \nid\tb\n1\t2\n\n3\t4\n", {}, ROWS),
    ("blank lines, also before a header", "f.txt", b"\n  \na\n\t\nb", {}, ["a", "b"]),
    ("blank lines, also before a header", "f.jsonl", b"\n1\n \r\n2\n", {}, [1, 2]),
    ("0 bytes, or blank lines only", "f.txt", b"", {}, []),
    ("0 bytes, or blank lines only", "f.jsonl", b"\n \r\n\n", {}, []),
    ("0 bytes, or blank lines only", "f.csv", b"\n\n", {}, "empty; a CSV or TSV file begins with its header"),
    ("0 bytes, or blank lines only", "f.json", b"", {}, "byte 0: there is no list in the document"),
    ("a header and no row", "f.csv", b"id,b\n", {}, []),
    ("blanks around a text", "f.txt", b" a\nb \n", {}, [" a", "b "]),
    ("blanks around a text", "f.csv", b"id,b\n1, 2 \n", {}, [{"id": "1", "b": " 2 "}]),
    ("blanks around the name of a column", "f.csv", b"id, b\n1, 2\n", {}, "line 1: the name of column 2 has blanks around it: remove them around names and values"),
    ("the same item twice", "f.txt", b"a\na\n", {}, ["a", "a"]),
    ("a very long field", "f.csv", f"id,sequence\n1,{LONG}\n2,C\n".encode(), {}, [{"id": "1", "sequence": LONG}, {"id": "2", "sequence": "C"}]),
    ("a very long field", "f.jsonl", json.dumps({"id": LONG}).encode(), {}, [{"id": LONG}]),
    # which format
    ("`.tsv` or `.tab`", "f.tsv", b'sample\treads\nNA1\t100\n"NA\t2"\t200\n', {}, [{"sample": "NA1", "reads": "100"}, {"sample": "NA\t2", "reads": "200"}]),
    ("`.tsv` or `.tab`", "F.TAB", b"id\tb\n1\t2\n3\t4\n", {}, ROWS),
    ("`format` beside another name", "f.txt", b"id\tb\n1\t2\n3\t4\n", {"format": ListFormat.TSV}, ROWS),
    ("`format` beside another name", "f.tsv", b"a\tb\n", {"format": ListFormat.LINES}, ["a\tb"]),
    ("a table or JSON under a name that does not say it", "f.txt", b"sample\treads\nNA1\t100\n", {}, "the first lines look like a table: write format: tsv in forEach, or format: lines if each is an item"),
    ("a table or JSON under a name that does not say it", "list", b"sample,reads\nNA1,100\n", {}, 'look like a table: write separator: "," in forEach, or format: lines'),
    ("a table or JSON under a name that does not say it", "f.txt", b'{"a": 1}\n', {}, "look like JSON: write format: jsonl (or json) in forEach"),
    ("a table or JSON under a name that does not say it", "f.yaml", b"- a\n- b\n", {}, "look like YAML: write JSON, JSONL or CSV, or format: lines"),
    ("a table or JSON under a name that does not say it", "f.txt", b"a,b.txt\nc.txt\n", {}, ["a,b.txt", "c.txt"]),
    ("one column whose name holds `;`, `,`, a tab or a bar", "f.csv", b"sample;reads\nNA1;100\n", {}, 'line 1: the only column holds a semicolon: write separator: ";" in forEach, or separator: "," to keep it'),
    ("one column whose name holds `;`, `,`, a tab or a bar", "f.csv", b"sample\treads\nNA1\t100\n", {}, 'the only column holds a tab: write format: tsv in forEach'),
    ("one column whose name holds `;`, `,`, a tab or a bar", "f.csv", b"sample_name;reads;condition;batch;path\n",  {}, "the only column holds a semicolon: write"),
    ("one column whose name holds `;`, `,`, a tab or a bar", "f.csv", b"sample|reads\n", {}, 'write separator: "|" in forEach'),
    ("one column whose name holds `;`, `,`, a tab or a bar", "f.tsv", b"sample,reads\nNA1,100\n", {}, 'write separator: "," in forEach, or separator: "\\t" to keep it'),
    ("one column whose name holds `;`, `,`, a tab or a bar", "f.csv", b'{"a": 1}\n{"a": 2}\n', {}, "write format: jsonl in forEach, or separator"),
    ("a web page instead of the list", "f.txt", b"<!DOCTYPE html>\n<html>\n", {}, "the first lines look like HTML or XML: write JSON, JSONL or CSV"),
    ("a web page instead of the list", "f.csv", b"<?xml version='1.0'?>\n<Error/>\n", {}, "line 1: the header begins as HTML or XML does, not as a table"),
    ("`sep=;` before the header", "f.csv", b"sep=;\nid;b\n1;2\n", {}, "line 1: a spreadsheet's sep= line: remove it, and write separator in forEach"),
    ("`sep=;` before the header", "f.csv", b"sep=;\nid;b\n1;2\n", {"separator": ";"}, "line 1: a spreadsheet's sep= line"),
    ("`separator`", "f.csv", b"id;b\n1;2\n3;4\n", {"separator": ";"}, ROWS),
    ("`separator`", "list", b"id\tb\n1\t2\n3\t4\n", {"format": ListFormat.CSV, "separator": "\t"}, ROWS),
    ("`separator`", "f.csv", b"a;b\n1\n", {"separator": ","}, [{"a;b": "1"}]),
    # tables
    ("quotes, and line ends inside them", "f.csv", b'id,"b ""x"""\n"1\n\n2",3\n', {}, [{"id": "1\n\n2", 'b "x"': "3"}]),
    ("a quote that is not closed", "f.csv", b'id,b\n1,2\n3,"4\n5,6\n', {}, "line 3: not CSV: unexpected end of data"),
    ("text behind a closed quote", "f.csv", b'id,b\n"1"x,2\n', {}, "line 2: not CSV: ',' expected after '\"'"),
    ("missing or extra fields", "f.csv", b"id,b\n1,2\n3\n", {}, "line 3: 1 columns, the header has 2"),
    ("missing or extra fields", "f.tsv", b"id\tb\n1\t2\t\n", {}, "line 2: 3 columns, the header has 2"),
    ("a row of empty fields", "f.csv", b"id,b\n1,2\n,\n", {}, "line 3: a row of empty values: remove it"),
    ("an empty field", "f.csv", b"id,b\n1,\n", {}, [{"id": "1", "b": ""}]),
    ("one column without a name", "f.csv", b",b\n0,2\n", {}, [{"": "0", "b": "2"}]),
    ("several columns without a name", "f.csv", b"id,,b,,\n", {}, "line 1: columns 2, 4 and 5 of the header have no name"),
    ("two columns of one name", "f.csv", b"id,b,id\n", {}, "line 1: columns 1 and 3 have the same name"),
    ("the header once more, as in joined files", "f.csv", CSV + CSV, {}, "line 4: the header once more: were files joined?"),
    # JSON
    ("JSON that is cut off, also behind the list", "f.json", b'{"Items": ["a","b"], "More": ["c"', {"items": "Items"}, "byte 33: expected ',' or ']', and the document ends here"),
    ("JSON that is cut off, also behind the list", "f.json", b'{"Items": ["a","b"]', {"items": "Items"}, "byte 19: expected ',' or '}'"),
    ("JSON that is cut off, also behind the list", "f.json", b'[1, 2', {}, "byte 5: expected ',' or ']'"),
    ("JSON that is cut off, also behind the list", "f.json", b'{"p": {"Items": [1]', {"items": "p.Items"}, "byte 19: expected ',' or '}'"),
    ("JSON that is cut off, also behind the list", "f.jsonl", b'{"a": 1}\n{"a": ', {}, "line 2, column 6: not JSON: Expecting value"),
    ("anything behind the document", "f.json", b'{"Items": [1]}\n{"Items": [2]}', {"items": "Items"}, "byte 15: expected the end: there is more behind the document"),
    ("anything behind the document", "f.json", b"[1] rubbish", {}, "byte 4: expected the end"),
    ("anything behind the document", "f.json", b'{"Items": [1], oops}', {"items": "Items"}, "byte 15: expected a key in double quotes"),
    ("a key twice", "f.json", b'{"Items": [1], "Items": [2]}', {"items": "Items"}, "byte 15: a key that was there before"),
    ("a key twice", "f.json", b'{"x": 1, "x": 2, "Items": []}', {"items": "Items"}, "byte 9: a key that was there before"),
    ("a key twice", "f.json", b'{"Items": [], "x": {"y": 1, "y": 2}}', {"items": "Items"}, "byte 28: a key that was there before"),
    ("a key twice", "f.json", b'[{"a": 1}, {"a": 1, "\\u0061": 2}]', {}, "byte 11: members 1 and 2 of an object have the same key"),
    ("a key twice", "f.jsonl", b'{"a": {"b": 1, "b": 1}}\n', {}, "line 1: not JSON: members 1 and 2 of an object have the same key"),
    ("NaN, Infinity", "f.jsonl", b'{"v": NaN}\n', {}, "line 1: not JSON: NaN is not JSON"),
    ("NaN, Infinity", "f.json", b"[1, -Infinity]", {}, "byte 4: -Infinity is not JSON"),
    ("a number that a double does not hold", "f.jsonl", b'{"v": 1e400}\n', {}, "line 1: not JSON: a number beyond what a double holds: write it as a text"),
    ("a number that a double does not hold", "f.json", b'{"Items": [1, 1e-400]}', {"items": "Items"}, "byte 14: a number beyond what a double holds"),
    ("a number that a double does not hold", "f.json", b'{"Items": [1], "x": -1E999}', {"items": "Items"}, "byte 20: a number beyond what a double holds"),
    ("an integer of many digits", "f.jsonl", b"123456789012345678901234567890\n", {}, [123456789012345678901234567890]),
    ("an integer of many digits", "f.jsonl", b"1" * 5_000, {}, "line 1: not JSON: an integer of over 4,300 digits: write it as a text"),
    ("a fraction or an exponent", "f.jsonl", b"1.10\n0e5\n1e3\n0.0\n", {}, [1.1, 0.0, 1000.0, 0.0]),
    ("members beside the list", "f.json", b'{"a": [1, {"Items": 2}], "p": {"x": 1, "Items": ["i"], "y": {}}, "z": [[]]}', {"items": "p.Items"}, ["i"]),
    ("many columns", "f.csv", b"%s\n1\n" % b",".join(b"c%d" % n for n in range(16_385)), {}, "line 1: 16,385 columns, and a table may have 16,384"),
)  # fmt: skip


def named(case: Case) -> str:
    return re.sub(r"\W+", "-", f"{case[0]} {case[1]}")


def items_of(for_each: ForEach, objects: dict[str, bytes], chunk_bytes: int = 65_536) -> list[Json]:
    """The items, as the children read them: out of the manifest."""
    stored = {f"s3://b/{name}": body for name, body in objects.items()}
    sources = Sources(objects=MemoryObjects(stored, chunk_bytes=chunk_bytes))
    manifests = MemoryObjects()
    writer = ManifestWriter.begin(manifests, "s3://m/items.jsonl", 1)
    for item in sources.items(run_of(step("a")), for_each, Position()):
        if not isinstance(item, Passed):
            writer.add(item)
    writer.complete()
    lines = manifests.objects["s3://m/items.jsonl"].split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("size", [1, 5, 65_536])
def test_a_list_is_its_items_or_is_refused_with_the_place(case: Case, size: int) -> None:
    _, name, body, options, wanted = case
    each = ListFile(file=f"s3://b/{name}", **options)
    if isinstance(wanted, list):
        assert items_of(each, {name: body}, size) == wanted
        return
    with pytest.raises(InvalidItems) as error:
        items_of(each, {name: body}, size)
    assert wanted in str(error.value)
    assert str(error.value).startswith(f"s3://b/{name}: ")
    problem = str(error.value).removeprefix(f"s3://b/{name}")
    assert SOURCE_CHARS_MAX + len(problem) <= REASON_CHARS_MAX, "a run keeps the whole sentence"


def test_an_error_names_the_end_of_a_long_uri() -> None:
    name = f"{'folder/' * 20}list.jsonl"
    with pytest.raises(InvalidItems) as error:
        items_of(ListFile(file=f"s3://b/{name}"), {name: b"1\noops"})
    assert str(error.value) == (
        "…folder/folder/folder/list.jsonl: line 2, column 1: not JSON: Expecting value"
    )


def test_a_number_reaches_a_child_with_every_digit() -> None:
    digits = "-" + "9" * 4_000
    manifests = MemoryObjects()
    writer = ManifestWriter.begin(manifests, "s3://m/items.jsonl", 1)
    for item in read_jsonl([digits.encode()], "f"):
        writer.add(item)
    writer.complete()
    assert manifests.objects["s3://m/items.jsonl"] == digits.encode() + b"\n"


def test_every_case_stands_in_the_docs_and_no_other() -> None:
    page = (ROOT / "docs/reference/lists.md").read_text()
    section = page.partition("## What a file can be")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| ", section, re.MULTILINE)
    documented = [row for row in rows if row not in ("---", "a list with")]
    assert documented == list(dict.fromkeys(case[0] for case in CASES))


# --- how long an item may be ---------------------------------------------------


def endless(begin: bytes) -> Iterator[bytes]:
    """A file that would not fit into memory."""
    yield begin
    for _ in range(40):
        yield b"x" * (ITEM_BYTES_MAX // 8)
    raise AssertionError("read on")


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        (lambda: read_lines(endless(b"a\n"), "f"), "f: line 2: over 8,388,608 characters"),
        (lambda: read_jsonl(endless(b'1\n"'), "f"), "f: line 2: over 8,388,608 characters"),
        (lambda: read_table(endless(b"a\n"), "f", ","), "f: line 2: over 8,388,608 characters"),
        (lambda: read_json_list(endless(b'[1, "'), "", "f"), "f: byte 4: an item of over 8,388,608"),
    ],
    ids=["lines", "jsonl", "csv", "json"],
)  # fmt: skip
def test_an_item_that_has_no_end_is_refused_before_it_fills_the_memory(
    read: Any, problem: str
) -> None:
    with pytest.raises(InvalidItems) as error:
        list(read())
    assert str(error.value).startswith(problem)


def test_a_quote_that_is_not_closed_does_not_take_in_the_file() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'id,b\n1,2\n3,"4\n'
        for _ in range(200):
            yield b"5,6\n" * 65_536
        raise AssertionError("read on")

    with pytest.raises(InvalidItems, match=r"f: line 3: a row of over 8,388,608 .*not closed\?"):
        list(read_table(chunks(), "f", ","))


def test_an_item_longer_than_its_line_is_refused_by_its_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A CSV row names its columns once in the file, and as an item each time."""
    monkeypatch.setattr("batchrelay.preparation.manifest.ITEM_BYTES_MAX", 20)
    with pytest.raises(InvalidItems, match="item 0: 30 bytes of JSON, and an item may have 20"):
        items_of(ListFile(file="s3://b/f.csv"), {"f.csv": b"a_long_name,b\n1,2345\n"})


def test_the_csv_limit_of_the_process_is_raised_and_never_lowered() -> None:
    before = csv.field_size_limit(3 * ITEM_BYTES_MAX)
    try:
        list(read_table([CSV], "f", ","))
        assert csv.field_size_limit() == 3 * ITEM_BYTES_MAX
        csv.field_size_limit(131_072)
        list(read_table([CSV], "f", ","))
        assert csv.field_size_limit() == ITEM_BYTES_MAX
    finally:
        csv.field_size_limit(before)


def test_no_value_that_is_not_json_comes_into_a_manifest() -> None:
    writer = ManifestWriter.begin(MemoryObjects(), "s3://m/items.jsonl", 1)
    writer.add(1.5)
    with pytest.raises(InvalidItems, match="item 1: NaN and the infinities are not JSON"):
        writer.add({"v": float("inf")})


# --- what is no file -----------------------------------------------------------


@pytest.mark.parametrize(
    ("objects", "wanted"),
    [
        ({"in/": b"", "in/a": b"x"}, ["in/a"]),
        ({"in/a_$folder$": b"", "in/a/b": b"x"}, ["in/a/b"]),
        ({"in/a/": b"x"}, ["in/a/"]),
        ({"in/empty.txt": b""}, ["in/empty.txt"]),
        ({"in/a\nb\t;`$(id)`é\u2028": b"x"}, ["in/a\nb\t;`$(id)`é\u2028"]),
        ({"in.txt": b"x", "inner/x": b"y"}, []),
        ({}, []),
    ],
)
def test_a_listing_is_the_objects_and_no_folders(
    objects: dict[str, bytes], wanted: list[str]
) -> None:
    found = items_of(Listing(prefix="s3://b/in/"), objects)
    assert [item["key"] for item in found] == wanted  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("output", "state", "wanted"),
    [
        ("s3://b/out/", StepState(status=StepStatus.SUCCEEDED, children=3), ["s3://b/out/"]),
        ("s3://b/${item.number}", StepState(status=StepStatus.SUCCEEDED, children=2), ["s3://b/0", "s3://b/1"]),
        ("s3://b/${item.number}", StepState(status=StepStatus.SUCCEEDED, children=0), []),
        ("s3://b/${item.number}", StepState(status=StepStatus.SKIPPED), []),
        (None, StepState(status=StepStatus.SUCCEEDED, children=1), "step a has no flow.output"),
    ],
)  # fmt: skip
def test_a_steps_outputs_are_items(
    output: str | None, state: StepState, wanted: list[str] | str
) -> None:
    run = replace(run_of(step("a", size=3, output=output), step("b", "a")), steps={"a": state})
    found = Sources(objects=MemoryObjects()).items(run, StepOutputs(step="a"), Position())
    if isinstance(wanted, str):
        with pytest.raises(InvalidItems, match=wanted):
            list(found)
        return
    assert [*found] == [{"output": uri, "number": n} for n, uri in enumerate(wanted)]


@pytest.mark.parametrize("case", [case for case in CASES if case[1] == "f.json"], ids=named)
def test_skipping_in_pieces_gives_the_same_items(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if every nested list and object beside the list were long."""
    monkeypatch.setattr(json_list, "_SKIPPED_CHARS_MAX", 2)
    _, name, body, options, wanted = case
    each = ListFile(file=f"s3://b/{name}", **options)
    if isinstance(wanted, list):
        assert items_of(each, {name: body}, 3) == wanted
        return
    with pytest.raises(InvalidItems):
        items_of(each, {name: body}, 3)


def test_an_object_around_a_list_has_a_bounded_number_of_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_list, "MEMBERS_MAX", 3)
    each = ListFile(file="s3://b/f.json", items="i")
    assert items_of(each, {"f.json": b'{"a": 1, "b": 2, "i": [3]}'}) == [3]
    with pytest.raises(InvalidItems, match="an object of over 3 members"):
        items_of(each, {"f.json": b'{"a": 1, "b": 2, "c": 3, "i": [3]}'})


def test_a_long_key_is_known_when_it_comes_again() -> None:
    key = "k" * 100
    body = f'{{"{key}x": 1, "{key}": 1, "i": [3], "{key}": 1}}'.encode()
    each = ListFile(file="s3://b/f.json", items="i")
    with pytest.raises(InvalidItems, match="a key that was there before"):
        items_of(each, {"f.json": body})
