"""The one way by which a probe reaches AWS, or a transcript of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from batchrelay.domain.errors import BatchrelayError

Document: TypeAlias = Mapping[str, Any]
"""JSON."""

_DENIED = ("AccessDenied", "UnauthorizedOperation", "NotAuthorized", "AuthorizationError")


class CallFailed(BatchrelayError):
    """AWS answered with an error, or not at all."""

    def __init__(self, *, call: str, code: str, message: str) -> None:
        super().__init__(f"{call}: {code}: {message}")
        self.call, self.code, self.message = call, code, message

    @property
    def is_denied(self) -> bool:
        """Whether a permission is missing."""
        return any(self.code.startswith(word) for word in _DENIED)


class Stopped(BatchrelayError):
    """Ctrl-C: what is at work ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What AWS answered, without what belongs to one account, and when."""

    document: Document
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event as EventBridge sent it, by way of SQS."""

    document: Document
    sent_at_ms: int
    """When EventBridge had put it into the queue."""

    @property
    def detail(self) -> Document:
        detail: Document = self.document["detail"]
        return detail

    @property
    def about(self) -> str:
        """The id of a job, of a child its parent's; or the name of a bucket."""
        if "bucket" in self.detail:
            return str(self.detail["bucket"]["name"])
        return str(self.detail.get("jobId", "")).partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The events that had come by a time."""

    events: Sequence[ReceivedEvent]
    at_ms: int


class Port(Protocol):
    """AWS, as it is or as it was. A probe calls by its number."""

    def call(self, probe: str, service: str, operation: str, request: Document) -> Answer:
        """Raises: CallFailed, Stopped."""

    def look(self, probe: str, about: str) -> Look:
        """The events about a job or bucket that have come so far; about "" all of them."""

    def wait(self, seconds: float) -> None:
        """Raises: Stopped."""
