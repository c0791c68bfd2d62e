"""The server's application: AWS Batch, the logs of jobs, and who the caller is."""

from __future__ import annotations

import json
import uuid
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qs

from batch_local.arns import ACCOUNT
from batch_local.http.access import Hints
from batch_local.http.signatures import SignedRequest
from batch_local.logs.alone import JobLogs
from batch_local.service import BatchService

SERVICES = ("batch", "logs", "sts")
"""By the name that a signature's scope has."""

HINTS = Hints(keys="Use the export lines that `batch-local up` prints, or BatchLocal.environment.")

_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    f"<GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/batch-local</Arn>"
    f"<UserId>AIDABATCHLOCAL</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    "</GetCallerIdentityResponse>"
)
"""Source: STS, GetCallerIdentity."""


class App:
    """An ASGI application. It is for `AccessControl`, which hands each body on in one piece."""

    def __init__(self, batch: BatchService) -> None:
        self._batch = batch
        self._logs = JobLogs(batch.logs)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        body: bytes = (await receive()).get("body", b"")
        status, content_type, answer = self._answer(scope, body)
        headers = [(b"content-type", content_type)]
        if status >= 400:
            headers.append((b"x-amzn-errortype", json.loads(answer)["__type"].encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, scope: MutableMapping[str, Any], body: bytes) -> tuple[int, bytes, bytes]:
        """HTTP status, content type, body."""
        headers = dict(scope["headers"])
        service, _, action = headers.get(b"x-amz-target", b"").decode("latin-1").rpartition(".")
        if service:
            status, document = self._logs.handle(action, body)
        elif _is_identity(scope, body):
            answer = _IDENTITY.format(request_id=uuid.uuid4())
            return 200, b"text/xml", answer.encode()
        else:
            query = parse_qs(scope["query_string"].decode("latin-1"))
            status, document = self._batch.handle(scope["method"], scope["path"], body, query)
        return status, b"application/json", json.dumps(document).encode()


def refusal(_request: SignedRequest, _path: str, _body: bytes, service: str) -> str | None:
    """Why a signed request may not pass: it is for a service that is not here."""
    if service in SERVICES:
        return None
    return (
        f"the service {service} is not here: batch-local serves AWS Batch, the logs of its jobs in "
        "CloudWatch Logs, and GetCallerIdentity of STS. Send this request elsewhere, by "
        f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')} or without AWS_ENDPOINT_URL"
    )


def _is_identity(scope: MutableMapping[str, Any], body: bytes) -> bool:
    form = parse_qs(body.decode("latin-1")) if scope["path"] == "/" else {}
    return form.get("Action") == ["GetCallerIdentity"]


async def _live(receive: Any, send: Any) -> None:
    """Source: ASGI, lifespan protocol."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
