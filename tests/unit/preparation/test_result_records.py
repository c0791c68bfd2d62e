"""What a job may have put where its worker's result records lie."""

from __future__ import annotations

from itertools import islice

import pytest

from batchrelay.adapters.memory.objects import MemoryObjects
from batchrelay.preparation.result_records import parsed_record, record_segments, record_uri


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"items": {}}',
        b'{"items": [1]}',
        b'{"items": [{"ok": true}]}',
        b'{"items": [{"n": "1", "ok": true}]}',
        b'{"items": [{"n": true, "ok": true}]}',
        b"[" * 100_000,
    ],
)
def test_an_object_that_is_not_the_workers_says_nothing(body: bytes) -> None:
    assert parsed_record(body) is None


def test_a_record_goes_on_up_to_the_first_object_that_is_not_the_workers() -> None:
    objects = MemoryObjects()
    for segment, body in enumerate((b'{"items": [{"n": 7}]}', b'{"items": []}', b"{", b"{}")):
        objects.objects[record_uri("s3://b/r/", 12, segment)] = body
    assert sorted(objects.objects)[0] == "s3://b/r/0000012-1.json"
    assert [record["items"] for record in record_segments(objects, "s3://b/r/", 12)] == [
        [{"n": 7}],
        [],
    ]


def test_no_more_objects_are_read_than_are_asked_for() -> None:
    class Endless(MemoryObjects):
        reads = 0

        def read(self, uri: str) -> list[bytes]:
            Endless.reads += 1
            return [b'{"items": []}']

    assert len(list(islice(record_segments(Endless(), "s3://b/r/", 0), 5))) == 5
    assert Endless.reads == 5
