"""An AWS of stubs: it remembers the calls, and answers each as the test says."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from batchrelay_cli.doctor.live import LivePort
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.transcript import TranscriptWriter

ACCOUNT = "210987654321"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Team+Admin/jane"

Respond = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""The answer to `service.method`. Raises: ClientError."""


def client_error(code: str, message: str = "no", operation: str = "X") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class StubAws:
    """Clients of every service."""

    def __init__(self, respond: Respond) -> None:
        self.calls: list[str] = []
        self._respond = respond

    def client(self, service: str, _config: Any) -> Any:
        return _StubClient(self, service)

    def answer(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if name == "sts.get_caller_identity":
            return {"Account": ACCOUNT, "Arn": CALLER}
        self.calls.append(name)
        return self._respond(name, request)


class _StubClient:
    def __init__(self, aws: StubAws, service: str) -> None:
        self._aws, self._service = aws, service

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        return lambda **request: self._aws.answer(f"{self._service}.{method}", request)


def port_to(aws: StubAws, place: Place) -> tuple[LivePort, io.StringIO]:
    """A live port, and what it writes."""
    transcript = io.StringIO()
    return LivePort(aws.client, TranscriptWriter(transcript, place, "eu-west-1")), transcript
