"""Which child this process is, and what its items' variables mean."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from batchrelay_worker.errors import WorkerError
from batchrelay_worker.items import (
    Child,
    Item,
    arguments,
    filled,
    items_of,
    row_items,
    token_in,
    value_of,
    variables,
)
from tests.unit.worker.services import MemoryAws

ENVIRONMENT = {
    "AWS_BATCH_JOB_ARRAY_INDEX": "3",
    "AWS_BATCH_JOB_ATTEMPT": "2",
    "BATCHRELAY_OFFSET": "10000",
    "BATCHRELAY_GROUP_OFFSET": "9000",
    "BATCHRELAY_CHUNK": "7",
    "BATCHRELAY_MANIFEST": "s3://b/m.jsonl",
    "BATCHRELAY_RESULTS": "s3://b/results/",
    "BATCHRELAY_QUEUE": "https://q",
    "BATCHRELAY_ITEM_NUMBERS": "s3://b/numbers.txt",
}


def test_a_child_is_read_from_its_environment() -> None:
    assert Child.of(ENVIRONMENT) == Child(
        number=10_003,
        row=1_003,
        chunk=7,
        manifest="s3://b/m.jsonl",
        results="s3://b/results/",
        queue="https://q",
        attempt=2,
        numbers="s3://b/numbers.txt",
    )
    assert Child.of(ENVIRONMENT).group_offset == 9_000


def test_a_plain_job_outside_of_a_run_is_child_0() -> None:
    plain = Child(number=0, row=0, chunk=1, manifest="", results="", queue="", attempt=1)
    assert Child.of({}) == plain
    assert Child.of({"BATCHRELAY_INDEX": "4"}) == plain._replace(number=4, row=4)


def test_a_manifest_needs_an_index() -> None:
    with pytest.raises(WorkerError) as caught:
        Child.of({"BATCHRELAY_MANIFEST": "s3://b/m.jsonl"})
    assert str(caught.value) == (
        "AWS_BATCH_JOB_ARRAY_INDEX is not set: this is no child of an array"
    )


def test_a_wrong_environment_is_refused() -> None:
    with pytest.raises(WorkerError, match="the job's environment is not batchrelay's: invalid"):
        Child.of({**ENVIRONMENT, "BATCHRELAY_CHUNK": "x"})


class Objects:
    """Objects by URI, and the ranges that were read of them."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects
        self.ranges: list[tuple[str, int, int]] = []

    def get(self, uri: str, first: int, last: int) -> bytes:
        self.ranges.append((uri, first, last))
        return self._objects[uri][first : last + 1]


def numbered(*numbers: int) -> bytes:
    return "".join(f"{number:>10}\n" for number in numbers).encode()


VALUES = ("a", "b", "c", "d", "e")
LINES = [json.dumps(value).encode() + b"\n" for value in VALUES]
STARTS = (0, 8, 16, 20)
"""Of children with two items each, and the end."""
MANIFEST = {
    "s3://b/m.jsonl": b"".join(LINES),
    "s3://b/m.offsets": struct.pack("<4Q", *STARTS),
}
AGAIN = {
    "AWS_BATCH_JOB_ARRAY_INDEX": "1",
    "BATCHRELAY_CHUNK": "2",
    "BATCHRELAY_MANIFEST": "s3://b/m.jsonl",
    "BATCHRELAY_ITEM_NUMBERS": "s3://b/numbers.txt",
}


def test_the_items_of_the_first_round_are_counted() -> None:
    objects = Objects(MANIFEST)
    environment = {name: AGAIN[name] for name in AGAIN if not name.endswith("NUMBERS")}
    offset = {"BATCHRELAY_OFFSET": "10", "BATCHRELAY_GROUP_OFFSET": "10"}
    child = Child.of({**environment, **offset})
    assert items_of(child, objects) == [Item(22, "c"), Item(23, "d")]  # type: ignore[arg-type]
    assert objects.ranges == [("s3://b/m.offsets", 8, 23), ("s3://b/m.jsonl", 8, 15)]


@pytest.mark.parametrize(
    ("index", "offset", "group_offset", "items", "numbers_range"),
    [
        ("0", "0", "0", [Item(3, "a"), Item(17, "b")], (0, 21)),
        ("1", "0", "0", [Item(18, "c"), Item(1_234_567_890, "d")], (22, 43)),
        ("0", "2", "0", [Item(0, "e")], (44, 54)),
        ("1", "40", "40", [Item(18, "c"), Item(1_234_567_890, "d")], (22, 43)),
    ],
)
def test_items_that_run_again_keep_their_numbers(
    index: str, offset: str, group_offset: str, items: list[Item], numbers_range: tuple[int, int]
) -> None:
    numbers = numbered(3, 17, 18, 1_234_567_890, 0)
    objects = Objects({**MANIFEST, "s3://b/numbers.txt": numbers})
    environment = {
        **AGAIN,
        "AWS_BATCH_JOB_ARRAY_INDEX": index,
        "BATCHRELAY_OFFSET": offset,
        "BATCHRELAY_GROUP_OFFSET": group_offset,
    }
    child = Child.of(environment)
    assert items_of(child, objects) == items  # type: ignore[arg-type]
    assert objects.ranges[2:] == [("s3://b/numbers.txt", *numbers_range)]
    assert child.number == int(offset) + int(index)


def test_a_step_without_items_knows_its_number_when_it_runs_again() -> None:
    objects = Objects({"s3://b/numbers.txt": numbered(3, 17, 4_000)})
    environment = {
        "AWS_BATCH_JOB_ARRAY_INDEX": "1",
        "BATCHRELAY_OFFSET": "1",
        "BATCHRELAY_ITEM_NUMBERS": "s3://b/numbers.txt",
    }
    child = Child.of(environment)
    assert items_of(child, objects) == [Item(4_000, {"number": 4_000})]  # type: ignore[arg-type]
    assert objects.ranges == [("s3://b/numbers.txt", 22, 32)]
    plain = Child.of({"BATCHRELAY_INDEX": "0", "BATCHRELAY_ITEM_NUMBERS": "s3://b/numbers.txt"})
    assert items_of(plain, objects) == [Item(3, {"number": 3})]  # type: ignore[arg-type]


def test_one_item_of_a_child_may_be_the_only_one_to_do() -> None:
    objects = Objects(MANIFEST)
    environment = {name: AGAIN[name] for name in AGAIN if not name.endswith("NUMBERS")}
    child = Child.of({**environment, "BATCHRELAY_ONLY_ITEM": "3"})
    assert items_of(child, objects) == [Item(3, "d")]  # type: ignore[arg-type]
    with pytest.raises(WorkerError) as caught:
        items_of(child._replace(only=4), objects)  # type: ignore[arg-type]
    assert str(caught.value) == "BATCHRELAY_ONLY_ITEM: item 4 is not among this child's"


def test_a_row_without_items_reads_no_numbers() -> None:
    empty = {"s3://b/m.jsonl": b"", "s3://b/m.offsets": struct.pack("<2Q", 0, 0)}
    objects = Objects(empty)
    child = Child.of({**AGAIN, "AWS_BATCH_JOB_ARRAY_INDEX": "0"})
    assert items_of(child, objects) == []  # type: ignore[arg-type]
    assert objects.ranges == [("s3://b/m.offsets", 0, 15)]


@pytest.mark.parametrize(
    "numbers",
    [b"", numbered(1, 2, 3), numbered(1, 2, 3, 4)[:-1], b" " * 22 + b"1\n" * 11, b"\n" * 44],
)
def test_numbers_that_are_damaged_are_refused(numbers: bytes) -> None:
    objects = Objects({**MANIFEST, "s3://b/numbers.txt": numbers})
    with pytest.raises(WorkerError) as caught:
        items_of(Child.of(AGAIN), objects)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "s3://b/numbers.txt does not have the numbers of 2 items at byte 22"
    )


@pytest.mark.parametrize(
    ("value", "path", "meaning"),
    [
        ({"number": 9}, "item.number", 5),
        ({"a": {"b": 1}}, "item.a.b", 1),
        ({"a": [1, 2]}, "item.a.1", 2),
        ({"a": [1, 2]}, "item.a.2", None),
        ({"a": [1, 2]}, "item.a.x", None),
        ({"a": "text"}, "item.a.name", None),
        ("s3://b/x.fq.gz", "item.name", "x.fq.gz"),
        ("s3://b/x.fq.gz", "item.stem", "x.fq"),
        ("s3://b/folder/", "item.name", "folder"),
        ("s3://b/.hidden", "item.stem", ".hidden"),
        ({"bucket": "b", "key": "a/x.fq"}, "item.uri", "s3://b/a/x.fq"),
        ({"bucket": "b", "key": "a/x.fq"}, "item.name", "x.fq"),
        ({"key": "a/x.fq"}, "item.uri", None),
        ({"bucket": "b"}, "item.uri", None),
        ({"uri": "s3://b/y.bam"}, "item.stem", "y"),
        ({"output": "s3://b/z.txt"}, "item.name", "z.txt"),
        ({"output": "s3://b/z.txt"}, "item.other", None),
        (7, "item.name", None),
    ],
)
def test_a_variable_of_an_item_means_its_value(value: Any, path: str, meaning: Any) -> None:
    assert value_of(Item(5, value), path) == meaning


def test_every_variable_of_a_word_is_filled() -> None:
    item = Item(5, {"a": "x", "b": {"c": 1}})
    assert filled("--in={item.a}:{item.number} {other} {item.b.c}", item) == "--in=x:5 {other} 1"


def test_a_value_that_is_absent_is_named() -> None:
    for value in ({"b": "é" * 80}, {"a": {"b": None}, "c": "é" * 80}):
        with pytest.raises(WorkerError) as caught:
            filled("x{item.a.b}", Item(5, value))
        shown = str(caught.value).removeprefix("item 5 has no a.b, or it is null: ")
        assert (shown[:4], len(shown), "é" in shown) == (str(value).replace("'", '"')[:4], 80, True)


def test_a_word_that_is_one_list_becomes_as_many_words() -> None:
    item = Item(5, {"a": ["x y", {"b": [1, 2]}], "n": []})
    words = ["tool", "{item.a}", "-{item.a}", "{item.n}", "{item.number}"]
    assert arguments(words, item) == [
        *("tool", "x y", '{"b":[1,2]}', '-["x y",{"b":[1,2]}]', "5"),
    ]


def test_the_first_variable_of_a_word_is_named() -> None:
    assert (token_in("a{item.b}{item}"), token_in("{run.id}")) == ("{item.b}", "")


def test_an_item_has_variables() -> None:
    fields = {"a b": "é", "n": 1.5, "yes": True, "list": [1], "map": {}, "none": None}
    assert variables(Item(5, {**fields, "key": "x/y.fq", "bucket": "b"})) == {
        "ITEM": '{"a b": "\\u00e9", "n": 1.5, "yes": true, "list": [1], "map": {}, "none": null, '
        '"key": "x/y.fq", "bucket": "b"}',
        "ITEM_A_B": "é",
        "ITEM_N": "1.5",
        "ITEM_YES": "true",
        "ITEM_KEY": "x/y.fq",
        "ITEM_BUCKET": "b",
        "ITEM_URI": "s3://b/x/y.fq",
        "ITEM_NAME": "y.fq",
        "ITEM_STEM": "y",
        "ITEM_NUMBER": "5",
    }
    assert variables(Item(5, [1])) == {"ITEM": "[1]", "ITEM_NUMBER": "5"}


def test_a_value_that_no_variable_can_hold_is_left_out() -> None:
    assert variables(Item(5, {"nul": "a\0b", "long": "x" * 30_000, "name": "x" * 29_999})) == {
        "ITEM_NAME": "x" * 29_999,
        "ITEM_NUMBER": "5",
    }


CHUNK = Child(10_003, 1_003, 2, "s3://b/m.jsonl", "", "", 1)
CHUNK_LINES = b'"a"\n"b"\n"c"\n'


def manifest(lines: bytes, *offsets: int) -> MemoryAws:
    """The offsets of rows 1,003 and on."""
    table = bytes(8 * 1_003) + b"".join(struct.pack("<Q", offset) for offset in offsets)
    return MemoryAws({"s3://b/m.jsonl": lines, "s3://b/m.offsets": table})


def test_a_child_reads_its_own_bytes_only() -> None:
    aws = manifest(CHUNK_LINES, 4, 12)
    assert items_of(CHUNK, aws) == [Item(20_006, "b"), Item(20_007, "c")]
    assert aws.calls == [
        ("get", "s3://b/m.offsets", 8_024, 8_039),
        ("get", "s3://b/m.jsonl", 4, 11),
    ]
    aws = manifest(CHUNK_LINES, 0, 4, 12)
    assert list(row_items(CHUNK, 1_004, aws)) == [Item(20_008, "b"), Item(20_009, "c")]


def test_a_row_may_have_no_items() -> None:
    aws = manifest(CHUNK_LINES, 4, 4)
    assert items_of(CHUNK, aws) == []
    assert aws.calls == [("get", "s3://b/m.offsets", 8_024, 8_039)]


def test_a_step_without_items_has_its_number_for_one() -> None:
    assert items_of(CHUNK._replace(manifest="", chunk=1), MemoryAws()) == [
        Item(10_003, {"number": 10_003})
    ]


@pytest.mark.parametrize(
    ("lines", "offsets", "problem"),
    [
        (CHUNK_LINES, (4,), "unpack requires a buffer of 16 bytes"),
        (CHUNK_LINES, (1, 4), "Expecting value: line 1 column 1 (char 0)"),
        (b"[" * 100_000, (0, 100_000), "maximum recursion depth exceeded"),
    ],
)
def test_a_damaged_manifest_is_refused(
    lines: bytes, offsets: tuple[int, ...], problem: str
) -> None:
    with pytest.raises(WorkerError) as caught:
        items_of(CHUNK, manifest(lines, *offsets))
    start = f"s3://b/m.jsonl and its offsets do not agree: {problem}"
    assert str(caught.value).startswith(start)
