"""Counts the AWS calls that pass the wire, by who makes them: handlers, jobs, or others."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import MutableMapping
from typing import Any

from batchrelay_local.batch.details import ACCOUNT
from batchrelay_local.ministack_host import Asgi

CALLS_PATH = "/_batchrelay/calls"

JOB_ACCESS_KEY = "job"
"""The access key that jobs are given; a Lambda function's is the account's number."""

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")


class CallCounter:
    """The middleware; GET /_batchrelay/calls answers {"handlers": {"dynamodb.GetItem": 3}, …}."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def wrap(self, app: Asgi) -> Asgi:
        """The same application, counted."""

        async def counted(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                if scope["path"] == CALLS_PATH:
                    await self._answer(send)
                    return
                self._count(scope)
            await app(scope, receive, send)

        return counted

    def _count(self, scope: MutableMapping[str, Any]) -> None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        match = _CREDENTIAL.search(headers.get(b"authorization", ""))
        if match is None:
            return
        caller = {ACCOUNT: "handlers", JOB_ACCESS_KEY: "jobs"}.get(match[1], "others")
        call = f"{match[2]}.{_operation(scope, headers)}"
        with self._lock:
            self._counts[caller, call] += 1

    async def _answer(self, send: Any) -> None:
        counts: dict[str, dict[str, int]] = {}
        with self._lock:
            for (caller, call), count in sorted(self._counts.items()):
                counts.setdefault(caller, {})[call] = count
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(counts).encode()})


def _operation(scope: MutableMapping[str, Any], headers: dict[bytes, str]) -> str:
    target = headers.get(b"x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    if scope["path"].startswith("/v1/"):
        return str(scope["path"].removeprefix("/v1/"))
    return str(scope["method"])
