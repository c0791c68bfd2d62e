"""Access control of a local server: its secret, a loopback name, and no foreign web page.

Every request passes here first. It must come to a loopback name, from no foreign web page, and be
correctly signed with a key of this server. Nothing that a web page sends by itself, and nothing
that another user of this machine sends, meets all three.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from batch_local.http.errors import error_response
from batch_local.http.server import Asgi
from batch_local.http.signatures import (
    QuerySignatureV2,
    Signature,
    SignatureProblem,
    SignedRequest,
    check_payload,
    read_signature,
)

_HOST = re.compile(r"(\[::1\]|[a-z0-9._-]+)(?::[0-9]+)?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]+)?")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

UNDECLARED_BYTES_MAX = 70_167_211
"""Of a body that must be kept before the signature can be verified: S3 declares its hash first.

Source: Lambda, RequestEntityTooLargeException of CreateFunction, the largest that AWS takes.
"""

Scope = MutableMapping[str, Any]

Refusal = Callable[[SignedRequest, str, bytes, str], str | None]
"""Why a signed request may not pass, of its path, its body and the service that it is signed for;
None if it may."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What to do instead, for the errors of a server."""

    keys: str
    """Where its access keys are printed."""
    origins: str = ""
    """How a web page is let in, if one can be."""


class AccessControl:
    """The middleware.

    Args:
        secret_of: the secret of an access key; None for a key that is not known.
        refusal: asked about each request that is rightly signed.
        hints: ends of sentences about what is refused.
        allowed_origins: web pages that may use the server with signed requests.
    """

    def __init__(
        self,
        secret_of: Callable[[str], str | None],
        *,
        refusal: Refusal,
        hints: Hints,
        allowed_origins: tuple[str, ...] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._secret_of = secret_of
        self._refusal = refusal
        self._hints = hints
        self._allowed_origins = allowed_origins
        self._clock = clock

    def wrap(self, app: Asgi) -> Asgi:
        """The same application, behind the control."""

        async def guarded(scope: Scope, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            elif scope["type"] == "http":
                await self._http(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return guarded

    async def _http(self, app: Asgi, scope: Scope, receive: Any, send: Any) -> None:
        request = _request(scope)
        origin = request.headers.get("origin", "")
        bare, send = send, self._with_own_cors(send, origin)
        service = None
        try:
            self._check_page(request)
            if scope["method"] == "OPTIONS" and origin in self._allowed_origins:
                await _answer(bare, 204, _preflight_headers(request, origin), b"")
                return
            signature = read_signature(request, self._clock())
            service = signature.service
            secret = self._secret(signature.access_key)
            body = await _verified_body(request, signature, secret, receive)
            self._check_reach(request, scope["path"], body, service)
        except SignatureProblem as problem:
            answer = error_response(problem.kind, str(problem), request.headers, service)
            await _answer(send, answer.status, answer.headers, answer.body)
            return
        await app(scope, _replayed(body, receive), send)

    def _check_page(self, request: SignedRequest) -> None:
        """No name of another site, no page of another site, and no address in place of a path."""
        if not request.raw_path.startswith("/"):
            raise SignatureProblem("denied", "the target of this request is not a path")
        if not _is_loopback(request.headers.get("host", "")):
            raise SignatureProblem("denied", "the Host of this request is not a loopback name")
        origin = request.headers.get("origin", "")
        if origin in self._allowed_origins:
            return
        if origin and origin != f"http://{request.headers['host']}":
            raise SignatureProblem(
                "denied", f"requests of other sites are refused{self._hints.origins}"
            )
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise SignatureProblem("denied", "requests of other sites are refused")

    def _secret(self, access_key: str) -> str:
        secret = self._secret_of(access_key)
        if secret is None:
            raise SignatureProblem(
                "key",
                "The security token included in the request is invalid: this server did not "
                f"make its access key. {self._hints.keys}",
            )
        return secret

    def _check_reach(self, request: SignedRequest, path: str, body: bytes, service: str) -> None:
        why = self._refusal(request, path, body, service)
        if why is not None:
            raise SignatureProblem("denied", why)

    def _with_own_cors(self, send: Any, origin: str) -> Any:
        """An emulator may let every page read every answer; here one names one page or none."""

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                header_pairs = [
                    (name, value)
                    for name, value in message.get("headers", ())
                    if not name.lower().startswith(b"access-control-")
                ]
                if origin in self._allowed_origins:
                    header_pairs += [
                        (b"access-control-allow-origin", _header_value(origin)),
                        (b"access-control-expose-headers", b"*"),
                        (b"vary", b"origin"),
                    ]
                message = {**message, "headers": header_pairs}
            await send(message)

        return sent


def origins(urls: Sequence[str]) -> tuple[str, ...]:
    """Web pages as a browser names them.

    Raises:
        ValueError: one that no browser sends, or that more than one page has.
    """
    for origin in urls:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not the origin of one web page: write it as the browser sends it, "
                "such as http://localhost:3000, in lower case and without a path or a last slash"
            )
    return tuple(urls)


def _request(scope: Scope) -> SignedRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return SignedRequest(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
    )


def _text(value: bytes) -> str:
    """SDKs send UTF-8 in metadata headers, and sign it so."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _header_value(text: str) -> bytes:
    """A text from outside as the value of a header. Source: RFC 9110, 5.5."""
    return re.sub(r"[^ -~]", "?", text).encode()


def _is_loopback(host: str) -> bool:
    """Nothing but a name and a port: what is read in two ways is not what was checked."""
    match = _HOST.fullmatch(host.lower())
    name = match[1] if match else ""
    return name in _LOOPBACK or name.endswith(".localhost")


def _preflight_headers(request: SignedRequest, origin: str) -> tuple[tuple[bytes, bytes], ...]:
    names = request.headers.get("access-control-request-headers", "*")
    return (
        (b"access-control-allow-origin", _header_value(origin)),
        (b"vary", b"origin"),
        (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE, PATCH"),
        (b"access-control-allow-headers", _header_value(names)),
    )


async def _verified_body(
    request: SignedRequest, signature: Signature | QuerySignatureV2, secret: str, receive: Any
) -> bytes:
    """The body of a request whose signature is right. A stranger's is not kept, where it can be."""
    payload = signature.payload(request)
    if payload:
        signature.verify(request, payload, secret)
        body = await _whole_body(receive)
        check_payload(payload, body)
        return body
    body = await _whole_body(receive, UNDECLARED_BYTES_MAX)
    signature.verify(request, hashlib.sha256(body).hexdigest(), secret)
    return body


async def _whole_body(receive: Any, bytes_max: float = math.inf) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SignatureProblem("body", "the connection ended before the body did")
        body += message.get("body", b"")
        if len(body) > bytes_max:
            raise SignatureProblem(
                "body", f"Request must be smaller than {bytes_max} bytes for this operation"
            )
        if not message.get("more_body"):
            return bytes(body)


def _replayed(body: bytes, receive: Any) -> Any:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Any:
        return messages.pop() if messages else await receive()

    return replayed


async def _answer(
    send: Any, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
