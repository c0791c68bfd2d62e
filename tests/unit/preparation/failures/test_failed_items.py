"""The lists of failed items, of their numbers, and of the items that succeeded."""

from __future__ import annotations

import gzip
import json
import struct

import pytest

from batchrelay.domain.events import FailuresCollected
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import Group, ListFile, ListFormat
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import numbers_uri
from tests.builders import step
from tests.unit.preparation.collected import OOM, Collected, child
from tests.unit.preparation.failures.retried import RETRY, a


def test_the_failed_items_and_their_numbers_are_listed_for_the_next_round() -> None:
    one = Collected(a())
    one.end("a", child(2), child(7, 137, OOM))
    one.prepare()
    assert one.lines("failures.jsonl") == [
        {
            "number": 2, "group": 0, "class": "ExitCode", "exitCode": 1, "reason": "",
            "round": 0, "again": True, "item": {"name": "n2"},
        },
        {
            "number": 7, "group": 0, "class": "OutOfMemory", "exitCode": 137, "reason": OOM,
            "round": 0, "again": True, "item": {"name": "n7"},
        },
    ]  # fmt: skip
    assert one.file("numbers.txt") == b"         2\n         7\n"
    assert one.lines("items.jsonl") == [{"name": "n2"}, {"name": "n7"}]
    assert struct.unpack("<3Q", one.file("items.offsets")) == (0, 14, 28)
    assert json.loads(one.file("list.json")) == {"Items": [{"name": "n2"}, {"name": "n7"}]}
    assert one.run.state("a").reason == (
        "1 × ExitCode (exit code 1), 1 × OutOfMemory (exit code 137)"
    )
    assert [part.size for part in one.run.state("a").parts] == [2]


def test_numbers_lie_in_the_folder_of_their_items_whatever_it_is_called() -> None:
    folder = "s3://my-items/runs/run1/items/r1/t/"
    assert numbers_uri(folder, 0) == f"{folder}numbers.txt"
    assert numbers_uri(folder, 2) == f"{folder}numbers-2.txt"


def test_what_fails_again_is_listed_with_what_was_given_up() -> None:
    retry = RetryFailed(rounds=1, when=frozenset({"ExitCode"}))
    one = Collected(a(retry_failed=retry, tolerate=Tolerate(count=3)))
    one.end("a", child(2), child(4), child(7, 137, OOM))
    one.prepare()
    one.end("a", child(1), round_number=1)
    one.prepare()
    state = one.run.state("a")
    assert (state.status, state.failed_items) == (StepStatus.PARTIAL, 2)
    assert [(f["number"], f["round"], f["again"]) for f in one.lines("failures.jsonl")] == [
        (7, 0, False),
        (4, 1, False),
    ]
    assert [cause["count"] for cause in one.causes()] == [1, 1]
    succeeded = [item["name"] for item in one.lines("succeeded.jsonl")]
    assert succeeded == ["n0", "n1", "n2", "n3", "n5", "n6", "n8", "n9"]


def test_nothing_runs_again_in_a_step_that_fails_whatever_it_does() -> None:
    one = Collected(a(retry_failed=RetryFailed(rounds=1, when=frozenset({"ExitCode"}))))
    one.end("a", child(2), child(7, 137, OOM))
    one.prepare()
    state = one.run.state("a")
    assert (state.status, state.failed_items) == (StepStatus.FAILED, 2)
    assert [failure["again"] for failure in one.lines("failures.jsonl")] == [False, False]


SHAPES = [
    (
        ListFile(file="s3://b/x.json", format=ListFormat.JSON, items="plan.files"),
        b'{"plan": {"other": 1, "files": ["a", "b", "c"]}}',
        "list.json",
        b'{"plan":{"files":[\n"a",\n"c"\n]}}\n',
    ),
    (
        ListFile(file="s3://b/x.json", format=ListFormat.JSON),
        b'["a", "b", "c"]',
        "list.json",
        b'[\n"a",\n"c"\n]\n',
    ),
    (ListFile(file="s3://b/x.jsonl"), b'"a"\n"b"\n"c"\n', "list.jsonl", b'"a"\n"c"\n'),
    (ListFile(file="s3://b/x.txt"), b"a\nb\nc\n", "list.txt", b"a\nc\n"),
    (
        ListFile(file="s3://b/x.csv"),
        b'name,note\na,"1, 2"\nb,2\nc,3\n',
        "list.csv",
        b'name,note\na,"1, 2"\nc,3\n',
    ),
    (
        ListFile(file="s3://b/x.csv", format=ListFormat.CSV, separator=";"),
        b"name;n\na;1\nb;2\nc;3\n",
        "list.csv",
        b"name;n\na;1\nc;3\n",
    ),
    (
        ListFile(file="s3://b/x.tsv"),
        b"name\tn\na\t1\nb\t2\nc\t3\n",
        "list.tsv",
        b"name\tn\na\t1\nc\t3\n",
    ),
]


@pytest.mark.parametrize(("listed", "body", "name", "expected"), SHAPES)
@pytest.mark.parametrize("is_gzipped", [False, True])
def test_the_list_has_the_shape_of_the_first(
    listed: ListFile, body: bytes, name: str, expected: bytes, is_gzipped: bool
) -> None:
    suffix = ".gz" if is_gzipped else ""
    source = ListFile(
        file=listed.file + suffix, format=listed.format, items=listed.items,
        separator=listed.separator,
    )  # fmt: skip
    data = gzip.compress(body) if is_gzipped else body
    one = Collected(step("a", for_each=source, retry_failed=RETRY), lists={source.file: data})
    one.end("a", child(0), child(2))
    one.prepare()
    written = one.file(name + suffix)
    assert (gzip.decompress(written) if is_gzipped else written) == expected


def test_a_step_without_items_lists_numbers_only() -> None:
    one = Collected(step("a", size=10, retry_failed=RETRY))
    one.end("a", child(4), child(9))
    one.prepare()
    assert one.file("numbers.txt") == b"         4\n         9\n"
    written = {uri.rpartition("/")[2] for uri in one.cloud.objects.objects if "/r1/" in uri}
    assert written == {"failures.jsonl", "numbers.txt", "causes.json"}


def test_children_of_a_second_part_are_counted_on_from_the_first() -> None:
    one = Collected(step("a", size=20_000, retry_failed=RETRY))
    assert [part.size for part in one.run.state("a").parts] == [10_000, 10_000]
    one.end("a", child(4), part=0)
    one.end("a", child(9), part=1)
    one.prepare()
    assert one.file("numbers.txt") == b"         4\n     10009\n"


def test_a_plain_job_is_one_item() -> None:
    one = Collected(step("a", retry_failed=RETRY))
    one.end("a", child(0))
    one.prepare()
    assert one.file("numbers.txt") == b"         0\n"
    one.end("a", round_number=1)
    assert one.run.state("a").status is StepStatus.SUCCEEDED


def test_the_items_that_succeeded_are_known_by_their_number_in_every_group() -> None:
    groups = (Group(when="item.name in ['n3', 'n4']", overrides={"jobQueue": "large"}),)
    one = Collected(a(groups=groups, retry_failed=None, tolerate=Tolerate(count=2)))
    one.end("a", child(1), part=0)
    one.end("a", child(0), part=1)
    one.prepare()
    assert [failure["number"] for failure in one.lines("failures.jsonl")] == [1, 2]
    succeeded = [item["name"] for item in one.lines("succeeded.jsonl")]
    assert succeeded == ["n3", "n1", "n2", "n5", "n6", "n7", "n8", "n9"]


def test_the_event_says_what_was_found() -> None:
    one = Collected(a(tolerate=Tolerate(count=2)))
    one.end("a", child(2), child(7))
    event = one.cloud.engine.preparation.prepare(one.run, "a", 1)
    assert isinstance(event, FailuresCollected)
    assert (event.failed, event.upstream, event.children) == (0, 0, (2,))


def test_each_attempt_writes_into_a_folder_of_its_own() -> None:
    one = Collected(a())
    one.end("a", child(2))
    first = one.cloud.engine.preparation.prepare(one.run, "a", 1)
    one.cloud.clock.move(0.001)
    second = one.cloud.engine.preparation.prepare(one.run, "a", 1)
    assert isinstance(first, FailuresCollected)
    assert isinstance(second, FailuresCollected)
    assert first.failures != second.failures
