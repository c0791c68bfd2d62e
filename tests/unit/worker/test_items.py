"""Which child this process is, and what its items' variables mean."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay_worker.errors import WorkerError
from batchrelay_worker.items import Child, Item, filled, value_of

ENVIRONMENT = {
    "AWS_BATCH_JOB_ARRAY_INDEX": "3",
    "AWS_BATCH_JOB_ATTEMPT": "2",
    "BATCHRELAY_OFFSET": "10000",
    "BATCHRELAY_GROUP_OFFSET": "9000",
    "BATCHRELAY_CHUNK": "7",
    "BATCHRELAY_MANIFEST": "s3://b/m.jsonl",
    "BATCHRELAY_RESULTS": "s3://b/results/",
    "BATCHRELAY_QUEUE": "https://q",
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
