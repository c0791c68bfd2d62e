"""EventBridge: events of ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from batchrelay.adapters.client_errors import AWS_ERRORS, classified
from batchrelay.adapters.clients import aws_client
from batchrelay.domain.errors import Ambiguous, Refused
from batchrelay.domain.state_change import DETAIL_TYPE, SOURCE, StateChange

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

_TRY_AGAIN = frozenset({"InternalException", "InternalFailure", "ThrottlingException"})
"""Codes of an entry that was not accepted now. Source: EventBridge, PutEvents, Errors."""


@dataclass
class EventBridgeBus:
    """The account's default event bus."""

    @cached_property
    def _client(self) -> EventBridgeClient:
        client: EventBridgeClient = aws_client("events")
        return client

    def publish(self, change: StateChange) -> None:
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "Time": change.time,
                        "Source": SOURCE,
                        "DetailType": DETAIL_TYPE,
                        "Detail": change.detail,
                    }
                ]
            )
        except AWS_ERRORS as error:
            raise classified(error) from error
        if answer["FailedEntryCount"]:
            [entry] = answer["Entries"]
            message = f"{entry.get('ErrorCode', '')}: {entry.get('ErrorMessage', '')}"
            raise (Ambiguous if entry.get("ErrorCode") in _TRY_AGAIN else Refused)(message)
