"""What jobs print, as CloudWatch Logs answers: what is an event, when it was, pages, groups."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_local.logs.api import LogApi
from batch_local.logs.queries import (
    LogsError,
    describe_log_streams,
    filter_log_events,
    get_log_events,
)
from batch_local.logs.streams import EVENT_BYTES_MAX, Logs, Stream


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, b"of the attempt before\n")
    yield descriptor
    os.close(descriptor)


def stream_of(file: int, *pieces: bytes, name: str = "s", open_: bool = False) -> Stream:
    """A stream of pieces, one written every second from 1,000 on; it ends with the last."""
    stream = Stream(name, file, os.fstat(file).st_size, 1_000)
    for number, piece in enumerate(pieces, start=1):
        os.write(file, piece)
        stream.mark(1_000 * number)
    if not open_:
        stream.close(1_000 * len(pieces))
    stream.refresh(10_000)
    return stream


def messages(stream: Stream) -> list[str]:
    return stream.messages(0, len(stream))


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"", []),
        (b"\n\n\n", []),
        (b"a\n\nb\n", ["a", "b"]),
        (b" \n", [" "]),
        (b"10%\r20%\r30%\n", ["10%\r20%\r30%"]),
        (b"a\r\nb\r\n", ["a\r", "b\r"]),
        *(
            (f"a{mark}b\n".encode(), [f"a{mark}b"])
            for mark in "\v\f\x1c\x1d\x1e\x85\u2028\u2029\0\t"
        ),
        ("ä\n𝄞".encode(), ["ä", "𝄞"]),
        (b"\xff\xfe\n", ["\ufffd\ufffd"]),
    ],
)
def test_a_line_feed_ends_an_event_and_nothing_else_does(
    file: int, text: bytes, events: list[str]
) -> None:
    assert messages(stream_of(file, text)) == events


def test_a_line_is_an_event_when_it_ends(file: int) -> None:
    stream = stream_of(file, b"whole\nhal", open_=True)
    assert messages(stream) == ["whole"]
    os.write(file, b"f\n")
    stream.refresh(11_000)
    assert messages(stream) == ["whole", "half"]


@pytest.mark.parametrize("letter", ["a", "ä", "€", "𝄞"])
def test_an_overlong_line_is_cut_between_characters(file: int, letter: str) -> None:
    text = "x" + letter * (3 * EVENT_BYTES_MAX // len(letter.encode()))
    for stream in (stream_of(file, text.encode()), stream_of(file, text.encode() + b"\n", b"y\n")):
        events = [event for event in messages(stream) if event != "y"]
        assert "".join(events) == text
        assert max(len(event.encode()) for event in events) <= EVENT_BYTES_MAX
        assert len(events) == 4


def test_an_event_has_the_time_at_which_it_was_written(file: int) -> None:
    stream = stream_of(file, b"a\n", b"b\nc\n", b"d")
    assert [stream.time(index) for index in range(4)] == [1_000, 2_000, 2_000, 3_000]


def test_times_stay_exact_for_their_number(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batch_local.logs.streams.MARKS_MAX", 64)
    count = 1_000
    stream = Stream("s", file, os.fstat(file).st_size, 0)
    for number in range(count):
        os.write(file, b"x\n")
        stream.mark(100 * number)
    stream.close(100 * count)
    stream.refresh(100 * count)
    times = [stream.time(index) for index in range(count)]
    assert times == sorted(times)
    assert len(set(times)) > 32
    assert max(time - 100 * number for number, time in enumerate(times)) <= 3_200


TEN = b"".join(b"%d\n" % number for number in range(10))


def taken(answer: dict[str, Any]) -> str:
    return " ".join(event["message"] for event in answer["events"])


@pytest.mark.parametrize(
    ("request_", "events"),
    [
        ({}, "0 1 2 3 4 5 6 7 8 9"),
        ({"limit": 2}, "8 9"),
        ({"limit": 2, "startFromHead": True}, "0 1"),
        ({"limit": 2, "nextToken": "f/4"}, "4 5"),
        ({"limit": 2, "nextToken": "b/4"}, "2 3"),
        ({"nextToken": "f/10"}, ""),
        ({"nextToken": "f/99999999999999999999"}, ""),
        ({"nextToken": "b/0"}, ""),
        ({"startTime": 1_000}, "0 1 2 3 4 5 6 7 8 9"),
        ({"startTime": 1_001}, ""),
        ({"endTime": 1_000}, ""),
        ({"endTime": 1_001, "limit": 3}, "7 8 9"),
        ({"startTime": 2_000, "endTime": 500}, ""),
    ],
)
def test_events_are_read_from_a_side_a_token_and_between_times(
    file: int, request_: dict[str, Any], events: str
) -> None:
    assert taken(get_log_events(stream_of(file, TEN), request_)) == events


def test_between_times(file: int) -> None:
    stream = stream_of(file, b"a\n", b"b\n", b"c\n")
    assert taken(get_log_events(stream, {"startTime": 2_000})) == "b c"
    assert taken(get_log_events(stream, {"endTime": 2_000})) == "a"
    assert taken(get_log_events(stream, {"startTime": 2_000, "endTime": 3_000})) == "b"
    back = get_log_events(stream, {"startTime": 2_000, "limit": 1})
    again = {"startTime": 2_000, "nextToken": back["nextBackwardToken"]}
    assert taken(get_log_events(stream, again)) == "b", "and not a, which was before"


@pytest.mark.parametrize("token", ["", "x", "f/", "f/-1", "f/x", "g/1", "f/٣"])
def test_a_token_that_is_not_ours_is_refused(file: int, token: str) -> None:
    with pytest.raises(LogsError, match="nextToken is invalid"):
        get_log_events(stream_of(file, TEN), {"nextToken": token})


def walk(read: Callable[[dict[str, Any]], dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Pages until there is nothing more."""
    pages: list[dict[str, Any]] = []
    request: dict[str, Any] = {}
    while True:
        pages.append(read(request))
        token = pages[-1].get(key)
        if token is None or token == request.get("nextToken"):
            return pages
        request = {"nextToken": token}


def test_a_page_is_a_megabyte_at_most(file: int) -> None:
    line = b"x" * 99_974 + b"\n"  # 100,000 with what an event counts beside its message
    stream = stream_of(file, line * 25)
    pages = walk(
        lambda more: get_log_events(stream, {"startFromHead": True, **more}), "nextForwardToken"
    )
    assert [len(page["events"]) for page in pages] == [10, 10, 5, 0]
    pages = walk(lambda more: get_log_events(stream, more), "nextBackwardToken")
    assert [len(page["events"]) for page in pages] == [10, 10, 5, 0]
    pages = walk(lambda more: filter_log_events({"s": stream}, more, lambda _: True), "nextToken")
    assert [len(page["events"]) for page in pages] == [10, 10, 5]


@pytest.fixture
def three(tmp_path: Path) -> Iterator[dict[str, Stream]]:
    """Streams that write alternately, each at a full second."""
    streams, files = {}, []
    for name in ("a/1", "a/2", "b/1"):
        files.append(os.open(tmp_path / name.replace("/", ""), os.O_RDWR | os.O_CREAT))
        pieces = (f"{name} {number}\n".encode() for number in range(3))
        streams[name] = stream_of(files[-1], *pieces, name=name)
    yield streams
    for descriptor in files:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("request_", "events"),
    [
        ({}, "a/1 0,a/2 0,b/1 0,a/1 1,a/2 1,b/1 1,a/1 2,a/2 2,b/1 2"),
        ({"logStreamNames": ["b/1"]}, "b/1 0,b/1 1,b/1 2"),
        ({"logStreamNamePrefix": "a/"}, "a/1 0,a/2 0,a/1 1,a/2 1,a/1 2,a/2 2"),
        ({"startTime": 3_000}, "a/1 2,a/2 2,b/1 2"),
        ({"endTime": 1_000}, "a/1 0,a/2 0,b/1 0"),
        ({"startTime": 1_001, "endTime": 1_999}, ""),
        ({"limit": 2}, "a/1 0,a/2 0"),
    ],
)
def test_events_of_many_streams_are_read_by_time(
    three: dict[str, Stream], request_: dict[str, Any], events: str
) -> None:
    answer = filter_log_events(three, request_, lambda _: True)
    assert ",".join(event["message"] for event in answer["events"]) == events
    assert len({event["eventId"] for event in answer["events"]}) == len(answer["events"])


@pytest.mark.parametrize("limit", [1, 2, 4, 9, 10])
def test_every_event_is_on_one_page(three: dict[str, Stream], limit: int) -> None:
    pages = walk(
        lambda more: filter_log_events(three, {"limit": limit, **more}, lambda _: True), "nextToken"
    )
    assert [len(page["events"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert sum(len(page["events"]) for page in pages) == 9
    assert [event for page in pages for event in page["events"]] == (
        filter_log_events(three, {}, lambda _: True)["events"]
    )


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"logStreamNames": ["a/1"], "logStreamNamePrefix": "a"}, "InvalidParameterException"),
        ({"logStreamNames": ["c"]}, "ResourceNotFoundException"),
        ({"nextToken": "x"}, "InvalidParameterException"),
        ({"nextToken": "bnVsbA=="}, "InvalidParameterException"),
    ],
)
def test_a_search_that_cannot_be_is_refused(
    three: dict[str, Stream], request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(LogsError) as error:
        filter_log_events(three, request_, lambda _: True)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({}, ["a/1", "a/2", "b/1"]),
        ({"descending": True}, ["b/1", "a/2", "a/1"]),
        ({"logStreamNamePrefix": "a"}, ["a/1", "a/2"]),
        ({"limit": 2}, ["a/1", "a/2"]),
        ({"limit": 2, "nextToken": "2"}, ["b/1"]),
    ],
)
def test_streams_are_described(
    three: dict[str, Stream], request_: dict[str, Any], names: list[str]
) -> None:
    answer = describe_log_streams(three, request_, "arn:g")
    assert [stream["logStreamName"] for stream in answer["logStreams"]] == names
    assert answer.get("nextToken") == ("2" if request_ == {"limit": 2} else None)
    first = answer["logStreams"][0]
    assert (first["firstEventTimestamp"], first["lastEventTimestamp"]) == (1_000, 3_000)
    assert first["arn"] == f"arn:g:log-stream:{names[0]}"


# --- over the wire


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": "x"}, {"startTime": -1}, {"lines": 1}])
def test_a_request_of_no_shape_is_refused(tmp_path: Path, file: int, wrong: dict[str, Any]) -> None:
    logs = Logs(tmp_path)
    logs._groups["g"] = {"s": stream_of(file, TEN)}
    api = LogApi(logs, lambda _: {}, lambda _: lambda _: True)
    request = {"logGroupName": "g", "logStreamName": "s"}
    assert api.answer("GetLogEvents", {**request, **wrong})[0] == 400  # type: ignore[index]
    assert api.answer("GetLogEvents", request)[0] == 200  # type: ignore[index]
    assert api.answer("GetLogEvents", {**request, "logStreamName": "t"}) is None
    assert api.answer("GetLogEvents", {**request, "logGroupName": "h"}) is None
