"""GetLogEvents, FilterLogEvents and DescribeLogStreams over streams of events.

Source: CloudWatch Logs API Reference, these operations.
"""

from __future__ import annotations

import base64
import heapq
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

LOG_EVENTS_MAX = 10_000
"""Events of one answer. Source: GetLogEvents, FilterLogEvents: limit."""

PAGE_BYTES_MAX = 1_048_576
"""Bytes of one answer's events."""

EVENT_OVERHEAD_BYTES = 26
"""Bytes that an event counts beside its message. Source: PutLogEvents."""

STREAMS_MAX = 50
"""Streams of one DescribeLogStreams answer."""

_BLOCK = 100


class LogsError(Exception):
    """What CloudWatch Logs answers with 400."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class EventStream(Protocol):
    """Events in the order of their times."""

    @property
    def created_at(self) -> int:
        """Epoch milliseconds."""

    def __len__(self) -> int: ...

    def time(self, index: int) -> int:
        """Of an event, epoch milliseconds."""

    def size(self, index: int) -> int:
        """Bytes of an event's message."""

    def messages(self, start: int, end: int) -> list[str]:
        """Of some events."""


def get_log_events(stream: EventStream, request: Mapping[str, Any]) -> dict[str, Any]:
    """GetLogEvents: from the head, from the end, or from a token on. Raises: LogsError."""
    lower = _first_at(stream, request.get("startTime", 0))
    upper = max(lower, _first_at(stream, request.get("endTime", 2**63)))
    limit = min(request.get("limit", LOG_EVENTS_MAX), LOG_EVENTS_MAX)
    forward, position = _position(request, lower, upper)
    if forward:
        start, end = position, _page_end(stream, position, min(position + limit, upper))
    else:
        start, end = _page_start(stream, max(position - limit, lower), position), position
    return {
        "events": [
            {"timestamp": stream.time(n), "message": message, "ingestionTime": stream.time(n)}
            for n, message in enumerate(stream.messages(start, end), start)
        ],
        "nextForwardToken": f"f/{end}",
        "nextBackwardToken": f"b/{start}",
    }


def _position(request: Mapping[str, Any], lower: int, upper: int) -> tuple[bool, int]:
    """Which way to read, and from where."""
    token = request.get("nextToken")
    if token is None:
        forward = bool(request.get("startFromHead"))
        return forward, lower if forward else upper
    direction, _, number = token.partition("/")
    if direction not in ("f", "b") or not (number.isascii() and number.isdecimal()):
        raise LogsError("InvalidParameterException", "The specified nextToken is invalid.")
    return direction == "f", min(max(int(number[:18]), lower), upper)


def _first_at(stream: EventStream, time: int) -> int:
    return bisect_left(range(len(stream)), time, key=stream.time)


def _page_end(stream: EventStream, start: int, end: int) -> int:
    """Where a page ends that begins here: it has an event, and else a megabyte at most."""
    size = 0
    for index in range(start, end):
        size += stream.size(index) + EVENT_OVERHEAD_BYTES
        if size > PAGE_BYTES_MAX and index > start:
            return index
    return end


def _page_start(stream: EventStream, start: int, end: int) -> int:
    """Where a page begins that ends here."""
    size = 0
    for index in range(end - 1, start - 1, -1):
        size += stream.size(index) + EVENT_OVERHEAD_BYTES
        if size > PAGE_BYTES_MAX and index < end - 1:
            return index + 1
    return start


def filter_log_events(
    streams: Mapping[str, EventStream],
    request: Mapping[str, Any],
    matches: Callable[[str], bool],
) -> dict[str, Any]:
    """FilterLogEvents: the events of many streams by time. Raises: LogsError."""
    limit = min(request.get("limit", LOG_EVENTS_MAX), LOG_EVENTS_MAX)
    behind = _cursor(request.get("nextToken"))
    events: list[dict[str, Any]] = []
    size = 0
    since = max(request.get("startTime", 0), behind[0])
    for time, name, index, message in _merged(_wanted(streams, request), request, since):
        if (time, name, index) <= behind or not matches(message):
            continue
        size += streams[name].size(index) + EVENT_OVERHEAD_BYTES
        if len(events) == limit or (size > PAGE_BYTES_MAX and events):
            return {"events": events, "searchedLogStreams": [], "nextToken": _token(behind)}
        behind = (time, name, index)
        events.append(
            {
                "logStreamName": name,
                "timestamp": time,
                "message": message,
                "ingestionTime": time,
                "eventId": f"{name}/{index}",
            }
        )
    return {"events": events, "searchedLogStreams": []}


def _wanted(
    streams: Mapping[str, EventStream], request: Mapping[str, Any]
) -> Mapping[str, EventStream]:
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names and prefix:
        raise LogsError(
            "InvalidParameterException",
            "logStreamNamePrefix and logStreamNames are mutually exclusive: write one of them",
        )
    for name in names or ():
        if name not in streams:
            raise LogsError("ResourceNotFoundException", "The specified log stream does not exist.")
    stream_names = names or [name for name in streams if name.startswith(prefix or "")]
    return {name: streams[name] for name in stream_names}


def _merged(
    streams: Mapping[str, EventStream], request: Mapping[str, Any], since: int
) -> Iterator[tuple[int, str, int, str]]:
    ranges = []
    for name, stream in streams.items():
        start = _first_at(stream, since)
        last = request.get("endTime", 2**63)
        end = bisect_right(range(len(stream)), last, key=stream.time)
        if start < end:
            ranges.append(_events(name, stream, start, end))
    return heapq.merge(*ranges)


def _events(
    name: str, stream: EventStream, start: int, end: int
) -> Iterator[tuple[int, str, int, str]]:
    for first in range(start, end, _BLOCK):
        messages = stream.messages(first, min(first + _BLOCK, end))
        for index, message in enumerate(messages, first):
            yield stream.time(index), name, index, message


def _token(cursor: tuple[int, str, int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()


def _cursor(token: str | None) -> tuple[int, str, int]:
    """The event behind which to go on. Raises: LogsError."""
    if token is None:
        return -1, "", -1
    try:
        time, name, index = json.loads(base64.urlsafe_b64decode(token))
        return int(time), str(name), int(index)
    except (ValueError, TypeError):
        raise LogsError(
            "InvalidParameterException", "The specified nextToken is invalid."
        ) from None


def describe_log_streams(
    streams: Mapping[str, EventStream], request: Mapping[str, Any], group_arn: str
) -> dict[str, Any]:
    """DescribeLogStreams, by name or by the time of the last event. Raises: LogsError."""
    prefix, by_time = request.get("logStreamNamePrefix"), request.get("orderBy") == "LastEventTime"
    if prefix and by_time:
        raise LogsError(
            "InvalidParameterException",
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        )
    names = sorted(name for name in streams if name.startswith(prefix or ""))
    if by_time:
        names.sort(key=lambda name: _last_time(streams[name]))
    if request.get("descending"):
        names.reverse()
    token = str(request.get("nextToken", "0"))
    if not (token.isascii() and token.isdecimal()):
        raise LogsError("InvalidParameterException", "The specified nextToken is invalid.")
    start = int(token[:18])
    end = start + min(request.get("limit", STREAMS_MAX), STREAMS_MAX)
    answer: dict[str, Any] = {
        "logStreams": [_described(name, streams[name], group_arn) for name in names[start:end]]
    }
    if end < len(names):
        answer["nextToken"] = str(end)
    return answer


def _last_time(stream: EventStream) -> int:
    return stream.time(len(stream) - 1) if len(stream) else 0


def _described(name: str, stream: EventStream, group_arn: str) -> dict[str, Any]:
    description: dict[str, Any] = {
        "logStreamName": name,
        "creationTime": stream.created_at,
        "arn": f"{group_arn}:log-stream:{name}",
        "storedBytes": 0,  # what CloudWatch Logs says since 2019
        "uploadSequenceToken": "1",
    }
    if len(stream):
        last = _last_time(stream)
        description |= {
            "firstEventTimestamp": stream.time(0),
            "lastEventTimestamp": last,
            "lastIngestionTime": last,
        }
    return description
