"""Receivers of events: what each gets, and what becomes of one that is slow or away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from batch_local import BatchLocal
from batch_local.receivers.delivery import Delivery
from batch_local.receivers.receiver import TAKEN, Event, Function, Outcome
from batch_local.receivers.targets import receiver_of
from servers import client_of, make_shell, run_shell


class Play:
    """A receiver that answers as it is written, and takes what comes after."""

    name = "play"

    def __init__(self, *outcomes: Outcome | Callable[[Sequence[Event]], Outcome]) -> None:
        self.outcomes = list(outcomes)
        self.events_max = 2
        self.taken: list[Event] = []
        self.closed = False

    def send(self, events: Sequence[Event]) -> Outcome:
        outcome = self.outcomes.pop(0) if self.outcomes else TAKEN
        outcome = outcome(events) if callable(outcome) else outcome
        if outcome is TAKEN:
            self.taken += events
        return outcome

    def close(self) -> None:
        self.closed = True


def away(events: Sequence[Event]) -> Outcome:
    return Outcome(again=events, why="away")


def numbered(*numbers: int) -> list[Event]:
    return [{"id": number} for number in numbers]


def test_events_arrive_in_order_also_after_a_receiver_was_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver = Play(away, away)
    delivery = Delivery(receiver)
    delivery.put(numbered(1, 2, 3))
    delivery.put(numbered(4))
    delivery.stop()
    assert receiver.taken == numbered(1, 2, 3, 4)
    assert receiver.closed
    assert caplog.messages == ["play is not there, and is tried again: away"]


def test_a_slow_receiver_delays_nothing_and_loses_what_is_beyond_the_bound(
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_free = threading.Event()

    def slow(_events: Sequence[Event]) -> Outcome:
        is_free.wait(timeout=10)
        return TAKEN

    receiver = Play(slow)
    delivery = Delivery(receiver, waiting_max=3)
    delivery.put(numbered(1))
    while delivery._waiting:
        time.sleep(0.001)
    for number in range(2, 8):
        delivery.put(numbered(number))
    is_free.set()
    delivery.stop()
    assert receiver.taken == numbered(1, 2, 3, 4)
    assert caplog.messages == [
        "events are lost to play: more than 3 wait",
        "events for play that it has not got: 3",
    ]


def test_what_is_refused_is_lost_and_the_next_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Play(Outcome(refused=2, why="no\x1b[2J\n"))
    delivery = Delivery(receiver)
    delivery.put(numbered(1, 2, 3))
    delivery.stop()
    assert receiver.taken == numbered(3)
    assert caplog.messages == [
        "events are lost to play: no?[2J?",
        "events for play that it has not got: 2",
    ]


def test_a_dead_receiver_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Play(away)
    delivery = Delivery(receiver, try_s_max=0.05)
    delivery.put(numbered(1, 2))
    delivery.put(numbered(3))
    delivery.stop()
    assert receiver.taken == numbered(3)
    assert "events are lost to play: away" in caplog.messages


def test_a_function_that_fails_is_logged_and_called_again(caplog: pytest.LogCaptureFixture) -> None:
    taken: list[Event] = []

    def take(event: Event) -> None:
        if event["id"] == 1:
            raise KeyError("x")
        taken.append(event)

    delivery = Delivery(Function(take))
    delivery.put(numbered(1, 2))
    delivery.stop()
    assert taken == numbered(2)
    assert "KeyError('x')" in caplog.messages[0]


@pytest.mark.parametrize("text", ["", "std", "ftp://x", "http://", "eventbridge:x", "/dev/null"])
def test_what_is_no_receiver_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write stdout, the URL of a webhook"):
        receiver_of(text)


# --- over the network of this machine


class Hook(BaseHTTPRequestHandler):
    """A webhook, or an EventBridge: it keeps what it gets, and answers what it is given."""

    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, dict[str, Any]]]
    bodies: list[Any]

    def do_POST(self) -> None:  # the name is http.server's
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status, document = self.answers.pop(0) if self.answers else (200, {})
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """It is not interesting."""


@contextmanager
def hook(*answers: tuple[int, dict[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Its URL, and the bodies that it gets."""
    handler = type("OneHook", (Hook,), {"answers": list(answers), "bodies": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.bodies  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


EVENT = {
    "time": "2026-01-01T00:00:00Z",
    "source": "aws.batch",
    "detail-type": "Batch Job State Change",
    "resources": ["arn"],
    "detail": {"jobId": "1"},
}


def delivered(text: str, *events: Event) -> None:
    delivery = Delivery(receiver_of(text))
    delivery.put(events)
    delivery.stop()


@pytest.mark.cloud
def test_a_webhook_that_is_busy_is_tried_again_and_one_that_refuses_is_not() -> None:
    with hook((503, {}), (429, {}), (200, {}), (400, {}), (302, {})) as (url, bodies):
        delivered(f"{url}/a?b=1", *numbered(1, 2, 3, 4))
    assert bodies == numbered(1, 1, 1, 2, 3, 4)


@pytest.mark.cloud
def test_a_bus_that_is_busy_with_some_events_gets_those_again() -> None:
    busy = {"ErrorCode": "InternalFailure", "ErrorMessage": "later"}
    answer = {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, busy]}
    second = {**EVENT, "detail": {"jobId": "2"}}
    with hook((200, answer), (500, {}), (200, {"Entries": [{}]})) as (url, bodies):
        delivered(f"eventbridge:{url}", EVENT, second)
    assert [[json.loads(e["Detail"])["jobId"] for e in b["Entries"]] for b in bodies] == [
        ["1", "2"],
        ["2"],
        ["2"],
    ]
    assert bodies[0]["Entries"][0]["Source"] == "aws.batch"


@pytest.mark.cloud
def test_a_source_that_the_bus_refuses_is_not_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized"}
    with hook((200, {"FailedEntryCount": 1, "Entries": [refused]})) as (url, bodies):
        delivered(f"eventbridge:{url}", EVENT)
    assert len(bodies) == 1
    assert "NotAuthorizedForSourceException: Not authorized" in caplog.messages[0]


@pytest.mark.cloud
def test_a_receiver_that_is_not_there_lets_jobs_run(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batch_local.receivers.delivery.FLUSH_S", 0.1)
    events: list[Event] = []
    with hook() as (url, _):
        pass
    with BatchLocal(events_to=[url, events.append], event_source="mine") as batch:
        client = client_of(batch)
        make_shell(client)
        job = run_shell(client, "true")
    assert job["status"] == "SUCCEEDED"
    assert [event["detail"]["status"] for event in events] == [
        *("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"),
    ]
    assert {event["source"] for event in events} == {"mine"}
    assert events[-1].keys() == {
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources"),
        "detail",
    }
    assert any("is not there, and is tried again" in message for message in caplog.messages)
