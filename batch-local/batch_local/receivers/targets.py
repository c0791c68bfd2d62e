"""Receivers that a command names: `stdout`, a URL, `eventbridge:URL`."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batch_local.arns import REGION
from batch_local.receivers.receiver import TAKEN, Event, Outcome, Receiver

TIMEOUT_S = 5
"""Seconds that a receiver may take to answer."""

ENTRIES_MAX = 10
"""Events of one PutEvents. Source: PutEvents, Entries."""

_EVENTBRIDGE = "eventbridge:"
_BUSY = (408, 429)
_BUSY_CODES = ("InternalFailure", "InternalException", "ThrottlingException")


def receiver_of(text: str) -> Receiver:
    """The receiver that is written so. Raises: ValueError."""
    if text == "stdout":
        return Stdout()
    url = text.removeprefix(_EVENTBRIDGE)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"{text!r}: write stdout, the URL of a webhook (http://127.0.0.1:8000/events), or "
            "eventbridge:URL (eventbridge:http://127.0.0.1:4566)"
        )
    return Webhook(url) if url == text else EventBridge(url)


class Stdout:
    """One line of JSON an event."""

    name = "stdout"
    events_max = 100

    def send(self, events: Sequence[Event]) -> Outcome:
        """Without buffering: a program reads along."""
        try:
            sys.stdout.write("".join(json.dumps(event) + "\n" for event in events))
            sys.stdout.flush()
        except OSError as error:
            return Outcome(refused=len(events), why=str(error))
        return TAKEN

    def close(self) -> None:
        """It is not ours."""


class Webhook:
    """A POST of each event, over one connection."""

    events_max = 1

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.name = url
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)

    def send(self, events: Sequence[Event]) -> Outcome:
        """Any 2xx takes an event; 408, 429 and 5xx are tried again."""
        [event] = events
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request("POST", self._target, json.dumps(event), headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Outcome(again=events, why=str(error) or type(error).__name__)
        if answer.status in range(200, 300):
            return TAKEN
        why = f"it answers {answer.status} {answer.reason}"
        if answer.status in _BUSY or answer.status >= 500:
            return Outcome(again=events, why=why)
        return Outcome(refused=1, why=why)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class EventBridge:
    """PutEvents on the default bus, with the credentials that an SDK would find."""

    events_max = ENTRIES_MAX

    def __init__(self, url: str) -> None:
        self.name = _EVENTBRIDGE + url
        self._url = url
        self._client: Any = None

    def send(self, events: Sequence[Event]) -> Outcome:
        """What a busy bus has not taken is tried again; a source that it refuses is not."""
        if self._client is None:
            self._client = _client(self._url)
        try:
            answer = self._client.put_events(Entries=[_entry(event) for event in events])
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code in _BUSY_CODES or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                return Outcome(again=events, why=str(error))
            return Outcome(refused=len(events), why=str(error))
        except BotoCoreError as error:
            return Outcome(again=events, why=str(error))
        return _outcome(events, answer.get("Entries", ()))

    def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            self._client.close()


def _client(url: str) -> Any:
    session: Any = botocore.session.get_session()
    keys = {}
    if session.get_credentials() is None:  # an emulator that checks none
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    once = Config(
        connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 1}
    )
    return session.create_client(
        "events", region_name=REGION, endpoint_url=url, config=once, **keys
    )


def _entry(event: Event) -> dict[str, Any]:
    return {
        "Time": event["time"],
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event["resources"],
    }


def _outcome(events: Sequence[Event], entries: Sequence[dict[str, Any]]) -> Outcome:
    again, refused, why = [], 0, ""
    for event, entry in zip(events, entries, strict=False):
        code = entry.get("ErrorCode")
        if code is not None:
            why = f"{code}: {entry.get('ErrorMessage', '')}"
            if code in _BUSY_CODES:
                again.append(event)
            else:
                refused += 1
    return Outcome(again=again, refused=refused, why=why)
