"""What every store of objects, and every way to say something, does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from batchrelay.domain.effects import ContinueRun, Prepare, WriteReport
from batchrelay.domain.errors import (
    InvalidItems,
)
from batchrelay.domain.notices import Notice
from batchrelay.domain.state_change import StateChange
from batchrelay.ports import (
    EventBus,
    ManyObjects,
    Notices,
    Objects,
    Preparations,
    Presigner,
)
from tests.builders import T0


class ObjectsContract:
    def test_an_object_is_read_as_it_was_written(self, objects: Objects, bucket: str) -> None:
        uri = f"s3://{bucket}/a b+c%20é.txt"
        upload = objects.upload(uri)
        for chunk in (b"one\n", b"", b"two\n"):
            upload.write(chunk)
        upload.complete()
        assert b"".join(objects.read(uri)) == b"one\ntwo\n"

    def test_an_object_larger_than_a_part_is_written_whole(
        self, objects: Objects, bucket: str
    ) -> None:
        uri = f"s3://{bucket}/large"
        chunk = bytes(range(256)) * 4_096  # 1 MiB
        upload = objects.upload(uri)
        for _ in range(17):
            upload.write(chunk)
        upload.complete()
        assert b"".join(objects.read(uri)) == chunk * 17

    @pytest.mark.parametrize("pause", [0, 3, 9, 17])
    def test_an_upload_is_taken_up_where_it_was_put_down(
        self, objects: Objects, bucket: str, pause: int
    ) -> None:
        uri = f"s3://{bucket}/paused"
        upload = objects.upload(uri)
        chunks = [bytes([number]) * 1_048_576 for number in range(17)]
        for chunk in chunks[:pause]:
            upload.write(chunk)
        upload = objects.upload(uri, json.loads(json.dumps(upload.suspend())))
        for chunk in chunks[pause:]:
            upload.write(chunk)
        upload.complete()
        assert b"".join(objects.read(uri)) == b"".join(chunks)

    def test_objects_are_listed_by_key_behind_a_key(self, objects: Objects, bucket: str) -> None:
        names = ["a b+c%20é.txt", "a/", "b&<>.txt", "z\u2028.txt", "Ä.txt", "a/b.txt"]
        for name in names:
            upload = objects.upload(f"s3://{bucket}/list/{name}")
            upload.write(name.encode())
            upload.complete()
        expected = [(f"list/{name}", len(name.encode())) for name in sorted(names, key=str.encode)]
        assert list(objects.list(f"s3://{bucket}/list/", "")) == expected
        assert list(objects.list(f"s3://{bucket}/list/", expected[2][0])) == expected[3:]
        assert list(objects.list(f"s3://{bucket}/nothing", "")) == []

    def test_many_objects_are_read_in_their_order(self, objects: ManyObjects, bucket: str) -> None:
        for number in range(30):
            upload = objects.upload(f"s3://{bucket}/many/{number}")
            upload.write(b"%d" % number)
            upload.complete()
        names = [f"s3://{bucket}/many/{number}" for number in (*range(29, -1, -1), "absent")]
        bodies = [b"%d" % number for number in range(29, -1, -1)]
        assert list(objects.read_all(names)) == [*bodies, None]

    def test_a_range_of_an_object_is_read_with_its_last_byte(
        self, objects: ManyObjects, bucket: str
    ) -> None:
        upload = objects.upload(f"s3://{bucket}/range")
        upload.write(b"0123456789")
        upload.complete()
        assert objects.read_range(f"s3://{bucket}/range", 2, 4) == b"234"
        assert objects.read_range(f"s3://{bucket}/range", 8, 20) == b"89"
        for name, first in (("range", 10), ("absent", 0)):
            with pytest.raises(InvalidItems):
                objects.read_range(f"s3://{bucket}/{name}", first, 12)

    def test_a_small_object_is_written_whole_and_replaces_the_one_before(
        self, objects: ManyObjects, bucket: str
    ) -> None:
        for body in (b"<p>one", "<p>two é".encode()):
            objects.put(f"s3://{bucket}/page.html", body, "text/html; charset=utf-8")
            assert b"".join(objects.read(f"s3://{bucket}/page.html")) == body

    @pytest.mark.parametrize("megabytes", [0, 9])
    def test_a_failed_write_leaves_no_object(
        self, objects: Objects, bucket: str, megabytes: int
    ) -> None:
        uri = f"s3://{bucket}/half"
        upload = objects.upload(uri)
        for _ in range(megabytes):
            upload.write(b"x" * 1_048_576)
        upload.abort()
        with pytest.raises(InvalidItems, match="there is no such object"):
            list(objects.read(uri))


class PreparationsContract:
    def test_a_request_arrives(
        self, preparations: Preparations, arrived: Callable[[], tuple[str, str | None]]
    ) -> None:
        preparations.request(Prepare(run_id="one", step="Fan é", round=2, since=T0))
        assert arrived() == ("one", "Fan é, round 2")

    def test_a_request_to_go_on_with_a_run_arrives(
        self, preparations: Preparations, arrived: Callable[[], tuple[str, str | None]]
    ) -> None:
        preparations.request(ContinueRun(run_id="one", since=T0))
        assert arrived() == ("one", None)

    def test_a_request_of_a_report_arrives(
        self, preparations: Preparations, arrived: Callable[[], tuple[str, str | None]]
    ) -> None:
        preparations.request(WriteReport(run_id="one", redrive=2, since=T0))
        assert arrived() == ("one", "report 2")


class NoticesContract:
    def test_a_notice_arrives_with_its_id(
        self, notices: Notices, topic: str, received_notice: Callable[[], dict[str, str]]
    ) -> None:
        notices.publish(
            Notice(
                topic=topic,
                id="one-0-succeeded",
                subject="p SUCCEEDED",
                message="Output: s3://b/é",
                attributes={"batchrelay.runId": "one", "batchrelay.run": '{"a":"\\u00e9"}'},
            )
        )
        assert received_notice() == {
            "subject": "p SUCCEEDED",
            "message": "Output: s3://b/é",
            "batchrelay.noticeId": "one-0-succeeded",
            "batchrelay.runId": "one",
            "batchrelay.run": '{"a":"\\u00e9"}',
        }


class EventBusContract:
    def test_the_end_of_a_run_arrives(
        self, event_bus: EventBus, received_event: Callable[[], dict[str, Any]]
    ) -> None:
        event_bus.publish(StateChange(time=T0, detail='{"runId":"one","redrive":0}'))
        assert received_event() == {
            "source": "batchrelay",
            "detail-type": "batchrelay Run State Change",
            "detail": {"runId": "one", "redrive": 0},
        }


class PresignerContract:
    def test_a_url_names_the_object_and_its_time(self, presigner: Presigner) -> None:
        url = presigner.presigned("s3://some-bucket/a/b c.csv", 3_600)
        assert url.startswith("http")
        assert "some-bucket" in url
        assert "X-Amz-Expires=3600" in url

    def test_what_is_no_object_has_no_url(self, presigner: Presigner) -> None:
        with pytest.raises(InvalidItems):
            presigner.presigned("s3://some-bucket/", 60)
