"""SQS: the queue of preparations, its message and its reader."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3

from batchrelay.adapters.client_errors import AWS_ERRORS
from batchrelay.domain.effects import Prepare
from batchrelay.domain.errors import Ambiguous, InputError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareMessage:
    """Which round of which step of which run is to be prepared."""

    run_id: str
    step: str
    round: int


@dataclass
class SqsPreparations:
    """Preparations through an SQS queue."""

    queue_url: str

    @cached_property
    def _client(self) -> SQSClient:
        return boto3.client("sqs")

    def request(self, prepare: Prepare) -> None:
        body = {"run_id": prepare.run_id, "step": prepare.step, "round": prepare.round}
        try:
            self._client.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(body))
        except AWS_ERRORS as error:  # whatever it was: a preparation can be asked for again
            raise Ambiguous(str(error)) from error


def parse(body: str) -> PrepareMessage:
    """The message behind a queue record. Raises: InputError."""
    try:
        document = json.loads(body)
        message = PrepareMessage(**document)
    except (TypeError, ValueError):
        raise InputError("not a preparation: expected run_id, step and round") from None
    if (type(message.run_id), type(message.step), type(message.round)) != (str, str, int):
        raise InputError("not a preparation: run_id and step are strings, round is a number")
    return message
