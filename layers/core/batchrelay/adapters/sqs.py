"""SQS: the queue of preparations with its message and reader, and queues for workers."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from batchrelay.adapters.client_errors import AWS_ERRORS, classified
from batchrelay.adapters.clients import aws_client
from batchrelay.domain.effects import LongWork, MeasureCost, Prepare, WriteReport
from batchrelay.domain.errors import Ambiguous, InputError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareMessage:
    """Which round of which step of which run is to be prepared."""

    run_id: str
    step: str
    round: int
    resume: str = ""
    """S3 URI of what an earlier invocation put down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueMessage:
    """The run to continue."""

    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMessage:
    """Of which end of which run the report is to be written."""

    report_of: str
    """The run."""
    redrive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureMessage:
    """Of which run ended jobs are to be measured."""

    cost_of: str
    """The run."""
    number: int
    """Which measurement of it."""


Message = PrepareMessage | ContinueMessage | ReportMessage | MeasureMessage
_Message = TypeVar("_Message", PrepareMessage, ContinueMessage, ReportMessage, MeasureMessage)


@dataclass
class SqsPreparations:
    """Preparations, runs to go on with, reports and measurements, through an SQS queue."""

    queue_url: str

    @cached_property
    def _client(self) -> SQSClient:
        client: SQSClient = aws_client("sqs")
        return client

    def request(self, effect: LongWork, resume: str = "") -> None:
        body: dict[str, Any] = {"continue_run": effect.run_id}
        if isinstance(effect, Prepare):
            body = {"run_id": effect.run_id, "step": effect.step, "round": effect.round}
        elif isinstance(effect, WriteReport):
            body = {"report_of": effect.run_id, "redrive": effect.redrive}
        elif isinstance(effect, MeasureCost):
            body = {"cost_of": effect.run_id, "number": effect.number}
        if resume:
            body["resume"] = resume
        try:
            self._client.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(body))
        except AWS_ERRORS as error:  # whatever it was: a preparation can be asked for again
            raise Ambiguous(str(error)) from error


def parse(body: str) -> Message:
    """The message behind a queue record. Raises: InputError."""
    try:
        document = json.loads(body)
        if isinstance(document, dict) and document.keys() == {"continue_run"}:
            return _checked(ContinueMessage(run_id=document["continue_run"]))
        if isinstance(document, dict) and "report_of" in document:
            return _checked(ReportMessage(**document))
        if isinstance(document, dict) and "cost_of" in document:
            return _checked(MeasureMessage(**document))
        return _checked(PrepareMessage(**document))
    except (TypeError, ValueError):
        raise InputError("not a preparation: expected run_id, step and round") from None


def _checked(message: _Message) -> _Message:
    for name, kind in message.__annotations__.items():
        if type(getattr(message, name)).__name__ != kind:
            raise InputError(f"not a preparation: {name} is not of type {kind}")
    return message


RETURN_S_MAX = 10
"""Seconds until a message that was returned comes again, at most: rivals take less to save."""


@dataclass
class SqsDeliveries:
    """Messages of the stack's queues."""

    @cached_property
    def _client(self) -> SQSClient:
        client: SQSClient = aws_client("sqs")
        return client

    def return_soon(self, records: Sequence[Mapping[str, Any]]) -> None:
        for arn, grouped in groupby(records, key=itemgetter("eventSourceARN")):
            handles = [record["receiptHandle"] for record in grouped]
            with suppress(*AWS_ERRORS):  # they come again after the visibility timeout instead
                url = self._client.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
                for start in range(0, len(handles), SEND_MAX):
                    entries: Any = [
                        _returned(number, handle)
                        for number, handle in enumerate(handles[start : start + SEND_MAX])
                    ]
                    self._client.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _returned(number: int, handle: str) -> dict[str, Any]:
    wait_s = random.randint(1, RETURN_S_MAX)  # noqa: S311  # a wait, no secret
    return {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": wait_s}


VISIBILITY_S = 120
"""Seconds before a message that a worker took comes back; the worker extends it every 40 s."""

RECEIVES_MAX = 3
"""Deliveries of a message before it goes to the dead letters: its item kills workers."""

SEND_MAX = 10
"""Messages of one SendMessageBatch. Source: SendMessageBatch."""

SEND_THREADS = 8
"""Calls at once: 1,000,000 messages in about two minutes at 10 ms a call."""

SEND_TRIES = 5
"""Tries of a message that SendMessageBatch did not accept, before the preparation fails."""

DEAD_SUFFIX = "-dead"
"""The dead letters of queue NAME are in the queue NAME-dead: the worker counts on it."""


@dataclass
class SqsQueues:
    """SQS queues from which workers pull."""

    @cached_property
    def _client(self) -> SQSClient:
        client: SQSClient = aws_client("sqs")
        return client

    def create(self, name: str) -> str:
        try:
            dead = self._client.create_queue(QueueName=name + DEAD_SUFFIX)["QueueUrl"]
            wanted = self._client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])[
                "Attributes"
            ]
            redrive = {"deadLetterTargetArn": wanted["QueueArn"], "maxReceiveCount": RECEIVES_MAX}
            attributes = {
                "VisibilityTimeout": str(VISIBILITY_S),
                "RedrivePolicy": json.dumps(redrive),
            }
            return self._client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]
        except AWS_ERRORS as error:
            raise classified(error) from error

    def send(self, url: str, bodies: Sequence[str]) -> None:
        """A message whose acceptance is not reported is sent twice: SQS may repeat it anyway."""
        batches = (bodies[start : start + SEND_MAX] for start in range(0, len(bodies), SEND_MAX))
        with ThreadPoolExecutor(SEND_THREADS) as pool:
            for _ in pool.map(lambda batch: self._send(url, batch), batches):
                pass

    def _send(self, url: str, bodies: Sequence[str]) -> None:
        left = {str(number): body for number, body in enumerate(bodies)}
        for _ in range(SEND_TRIES):
            entries = [{"Id": id_, "MessageBody": body} for id_, body in left.items()]
            try:
                answer = self._client.send_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
            except AWS_ERRORS as error:
                raise Ambiguous(str(error)) from error
            for sent in answer.get("Successful", ()):
                left.pop(sent["Id"], None)
            if not left:
                return
        raise Ambiguous(f"{url}: {len(left)} messages were not accepted")

    def delete(self, prefix: str) -> None:
        try:
            pages = self._client.get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
            for url in [url for page in pages for url in page.get("QueueUrls", ())]:
                self._client.delete_queue(QueueUrl=url)
        except AWS_ERRORS as error:  # whatever it was: it stays pending
            raise Ambiguous(str(error)) from error
