"""Timers on SQS: messages of the queue of triggers that are held back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from batchrelay.adapters.client_errors import AWS_ERRORS
from batchrelay.adapters.clients import aws_client
from batchrelay.domain.errors import Ambiguous
from batchrelay.domain.upload_batch import TimerMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DELAY_S_MAX = 900
"""Seconds that SQS holds a message back, at most. Source: SendMessage, DelaySeconds."""


@dataclass
class SqsTimers:
    """Timers: messages of the queue of triggers that are held back."""

    queue_url: str
    body_of: Callable[[TimerMessage], str]
    make_client: Callable[..., Any] = field(default=aws_client, repr=False)

    @cached_property
    def _client(self) -> SQSClient:
        client: SQSClient = self.make_client("sqs")
        return client

    def send(self, timer: TimerMessage, delay_s: float) -> None:
        delay = min(DELAY_S_MAX, max(0, math.ceil(delay_s)))
        try:
            self._client.send_message(
                QueueUrl=self.queue_url, MessageBody=self.body_of(timer), DelaySeconds=delay
            )
        except AWS_ERRORS as error:  # whatever it was: a timer may fire twice
            raise Ambiguous(str(error)) from error
