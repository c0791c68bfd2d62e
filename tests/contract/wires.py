"""Prepared answers of AWS, below botocore."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders


class RawBody:
    """A raw body, as urllib3 has it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self._body


class Wire:
    """Gives prepared answers to the requests of a client, and counts them."""

    def __init__(self, *answers: tuple[int, str, str] | Exception) -> None:
        self.answers = list(answers)
        self.sent = 0

    def __call__(self, request: Any, **_: object) -> AWSResponse:
        self.sent += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, code, body = answer
        headers = {"x-amzn-errortype": code} if code else {}
        return AWSResponse(
            request.url, status, HTTPHeaders.from_dict(headers), RawBody(body.encode())
        )
