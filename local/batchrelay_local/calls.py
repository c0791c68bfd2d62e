"""Counts the AWS calls that pass the wire, by who makes them: handlers, jobs, or others.

And the units that DynamoDB takes for an item that is written: one for each KiB begun.
Source: DynamoDB Developer Guide, "Item sizes and formats".
"""

from __future__ import annotations

import base64
import json
import math
import re
import threading
from collections import Counter
from collections.abc import Mapping, MutableMapping
from typing import Any

from batch_local.embedding import Asgi
from batchrelay_local.credentials import HANDLERS, USER, CloudCredentials
from batchrelay_local.launch import CALLS_PATH

WRITE_UNIT_BYTES = 1_024

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")


class CallCounter:
    """The middleware; GET /_batchrelay/calls answers {"handlers": {"dynamodb.GetItem": 3}, …}.

    `units` beside the callers has what was written: {"dynamodb.writeUnits": 9}.
    """

    def __init__(self, credentials: CloudCredentials) -> None:
        self._credentials = credentials
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def wrap(self, app: Asgi) -> Asgi:
        """The same application, counted."""

        async def counted(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                if scope["path"] == CALLS_PATH:
                    await self._answer(send)
                    return
                if self._count(scope) == "dynamodb.PutItem":
                    receive = self._measured(receive)
            await app(scope, receive, send)

        return counted

    def _measured(self, receive: Any) -> Any:
        """The same body, once it has been looked at."""
        body = bytearray()

        async def measured() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            if message["type"] == "http.request" and not message.get("more_body"):
                units = write_units(json.loads(body)["Item"])
                with self._lock:
                    self._counts["units", "dynamodb.writeUnits"] += units
            return message

        return measured

    def _count(self, scope: MutableMapping[str, Any]) -> str:
        """What is called, if it was a handler that calls."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        match = _CREDENTIAL.search(headers.get(b"authorization", ""))
        if match is None:
            return ""
        caller = self._credentials.caller(match[1]) or USER
        call = f"{match[2]}.{_operation(scope, headers)}"
        with self._lock:
            self._counts[caller, call] += 1
        return call if caller == HANDLERS else ""

    async def _answer(self, send: Any) -> None:
        counts: dict[str, dict[str, int]] = {}
        with self._lock:
            for (caller, call), count in sorted(self._counts.items()):
                counts.setdefault(caller, {})[call] = count
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(counts).encode()})


def write_units(item: Mapping[str, Mapping[str, Any]]) -> int:
    """What DynamoDB takes for writing an item."""
    size = sum(len(name.encode()) + _bytes(value) for name, value in item.items())
    return math.ceil(size / WRITE_UNIT_BYTES)


def _bytes(value: Mapping[str, Any]) -> int:
    [(kind, inner)] = value.items()
    match kind:
        case "B":
            return len(base64.b64decode(inner))
        case "S":
            return len(inner.encode())
        case "N":
            return len(inner) // 2 + 2
        case "BOOL" | "NULL":
            return 1
        case _:  # a list, a map, a set: batchrelay writes none
            return len(json.dumps(inner))


def _operation(scope: MutableMapping[str, Any], headers: dict[bytes, str]) -> str:
    target = headers.get(b"x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    if scope["path"].startswith("/v1/"):
        return str(scope["path"].removeprefix("/v1/"))
    return str(scope["method"])
