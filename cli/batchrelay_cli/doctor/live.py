"""The port to AWS itself: every call and every event goes into the transcript."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batchrelay_cli.doctor.port import (
    Answer,
    CallFailed,
    Document,
    Look,
    ReceivedEvent,
    Stopped,
)
from batchrelay_cli.doctor.redaction import ACCOUNT, text_without_account, without_account
from batchrelay_cli.doctor.transcript import TranscriptWriter

CONNECTIONS_MAX = 50
"""Probes call side by side."""

ABSENT_OPERATION = "AbsentOperation"
"""Our code of an operation that this boto3 does not know."""

CLIENT = Config(max_pool_connections=CONNECTIONS_MAX, read_timeout=30, connect_timeout=10)


class LivePort:
    """AWS.

    Args:
        make_client: makes a client of a service.
        transcript: what is written.
    """

    def __init__(self, make_client: Callable[..., Any], transcript: TranscriptWriter) -> None:
        self._make_client = make_client
        self._transcript = transcript
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._events: list[ReceivedEvent] = []
        self.account = ACCOUNT

    # --- what a probe asks

    def call(self, probe: str, service: str, operation: str, request: Document) -> Answer:
        """Raises: CallFailed, Stopped."""
        if self._stop.is_set():
            raise Stopped("stopped")
        try:
            answer, at_ms = self._called(probe, service, operation, request)
        except CallFailed as error:
            message = text_without_account(error.message, self.account)
            raise CallFailed(call=error.call, code=error.code, message=message) from None
        return Answer(document=without_account(answer, self.account), at_ms=at_ms)

    def look(self, probe: str, about: str) -> Look:
        with self._lock:
            events = [event for event in self._events if about in ("", event.about)]
            at_ms = _now_ms()
            self._transcript.write(at=at_ms, probe=probe, lookedAt=about, count=len(events))
        return Look(events=events, at_ms=at_ms)

    def wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped("stopped")

    # --- what the session asks

    def aws(self, service: str, operation: str, /, **request: Any) -> Document:
        """A call that no probe makes; the answer as it is. Raises: CallFailed."""
        return self._called("", service, operation, request)[0]

    def identify(self) -> str:
        """Find out the account, which is not written; the ARN of the caller. Raises: CallFailed."""
        identity = self._asked("sts", "GetCallerIdentity", {})
        self.account = identity["Account"]
        self._transcript.write(
            at=_now_ms(), tookMs=0, probe="", call="sts.GetCallerIdentity", request={},
            answer={"Account": ACCOUNT},
        )  # fmt: skip
        return str(identity["Arn"])

    def receive(self, queue_url: str, wait_s: int) -> int:
        """Take events out of a queue; how many. Raises: CallFailed."""
        answer = self.aws(
            "sqs", "ReceiveMessage", QueueUrl=queue_url, MaxNumberOfMessages=10,
            WaitTimeSeconds=wait_s, AttributeNames=["SentTimestamp"],
        )  # fmt: skip
        messages = answer.get("Messages", [])
        for message in messages:
            self._keep(message)
        if messages:
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            self.aws("sqs", "DeleteMessageBatch", QueueUrl=queue_url, Entries=entries)
        return len(messages)

    def stop(self) -> None:
        """Every probe ends at its next call or look at the clock."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()

    def finish(self) -> None:
        """The last line. Raises: OSError."""
        self._transcript.end(_now_ms())

    # --- within

    def _keep(self, message: Document) -> None:
        document = without_account(json.loads(message["Body"]), self.account)
        sent_at_ms = int(message["Attributes"]["SentTimestamp"])
        with self._lock:
            self._events.append(ReceivedEvent(document=document, sent_at_ms=sent_at_ms))
            self._transcript.write(at=_now_ms(), event=document, sentAt=sent_at_ms)

    def _called(
        self, probe: str, service: str, operation: str, request: Document
    ) -> tuple[Document, int]:
        start_ms = _now_ms()
        call = f"{service}.{operation}"
        line = {"probe": probe, "call": call, "request": without_account(request, self.account)}
        try:
            answer = self._asked(service, operation, request)
        except CallFailed as error:
            at_ms = _now_ms()
            message = text_without_account(error.message, self.account)
            outcome = {"code": error.code, "message": message}
            self._transcript.write(at=at_ms, tookMs=at_ms - start_ms, **line, error=outcome)
            raise
        at_ms = _now_ms()
        shown = without_account(answer, self.account)
        for message in shown.get("Messages", ()) if operation == "ReceiveMessage" else ():
            del message["Body"]  # it has a line of its own
        self._transcript.write(at=at_ms, tookMs=at_ms - start_ms, **line, answer=shown)
        return answer, at_ms

    def _asked(self, service: str, operation: str, request: Document) -> Document:
        call = f"{service}.{operation}"
        client = self._clients_of(service)
        method = getattr(client, botocore.xform_name(operation), None)
        if method is None:
            raise CallFailed(
                call=call, code=ABSENT_OPERATION, message="this boto3 has no such call"
            )
        try:
            answer: Document = method(**request)
        except ClientError as error:
            problem = error.response["Error"]
            code, message = problem.get("Code", ""), problem.get("Message", "")
            raise CallFailed(call=call, code=code, message=message) from None
        except BotoCoreError as error:
            name = type(error).__name__
            raise CallFailed(call=call, code=name, message=str(error)) from None
        return answer

    def _clients_of(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service, CLIENT)
            return self._clients[service]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
