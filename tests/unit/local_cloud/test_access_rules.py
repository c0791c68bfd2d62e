"""The rules of access, one request each, in memory: no cloud and no socket."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from batch_local.http import access
from batch_local.http.access import AccessControl
from batchrelay_local.reach import HINTS, Reach
from tests.functional.local_cloud.attack import Attempt, _forged, signed

ENDPOINT = "http://127.0.0.1:4566"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "LOCLKEY", "AWS_SECRET_ACCESS_KEY": "secret"}
PAGE = "http://localhost:3000"
LIST = Attempt(name="list", path="/v1/describejobqueues", method="POST", body=b"{}")

Scope = MutableMapping[str, Any]


async def _app(scope: Scope, receive: Any, send: Any) -> None:
    """What stands behind the control: it repeats the body, readable by every page."""
    if scope["type"] == "http":
        body = (await receive())["body"]
        headers = [(b"Access-Control-Allow-Origin", b"*"), (b"x-own", b"kept")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    else:
        await send({"type": "websocket.accept"})


def control() -> AccessControl:
    return AccessControl(
        {"LOCLKEY": "secret"}.get,
        refusal=Reach(frozenset({"batch"}), lambda *_: "batch").refusal,
        hints=HINTS,
        allowed_origins=(PAGE,),
    )


def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Let the control answer one request: it waits for nothing, so that no event loop is needed."""

    async def served() -> None:
        await control().wrap(_app)(scope, receive, send)

    with pytest.raises(StopIteration):
        served().send(None)


def asked(
    attempt: Attempt, kind: str = "http", raw_path: str = "", **more: str
) -> list[dict[str, Any]]:
    """The messages of the answer to a signed request, changed afterwards by these headers."""
    request = signed(ENDPOINT, attempt, "batch", ENVIRONMENT)
    headers = {"Host": "127.0.0.1:4566", **request.headers, **more}
    signed_path, _, query = attempt.path.partition("?")
    scope = {
        "type": kind,
        "method": request.method,
        "path": urlsplit(signed_path).path.replace("%5f", "_"),
        "raw_path": (raw_path or signed_path).encode(),
        "query_string": query.encode(),
        "headers": [(n.lower().encode(), v.encode()) for n, v in headers.items()],
    }
    half = len(request.body) // 2
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": request.body[half:]},
        {"type": "http.request", "body": request.body[:half], "more_body": True},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return parts.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    serve(scope, receive, send)
    return sent


def status(attempt: Attempt, **more: str) -> int:
    return int(asked(attempt, **more)[0]["status"])


def test_a_signed_request_passes_whole_and_no_page_may_read_the_answer() -> None:
    start, body = asked(LIST)
    assert (start["status"], start["headers"]) == (200, [(b"x-own", b"kept")])
    assert body["body"] == b"{}"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:4566"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Host": "evil.example@127.0.0.1:4566"},
        {"Host": "127.0.0.1/evil.example"},
        {"Host": "127.0.0.1:4566,evil.example"},
        {"Host": "bucket.localhost?"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=LOCLKEY"},
    ],
)
def test_a_request_of_a_page_or_of_another_name_is_refused(headers: dict[str, str]) -> None:
    start, body = asked(LIST, **headers)
    assert start["status"] == 403
    assert b"<Error><Code>AccessDenied</Code>" in body["body"]


def test_a_page_that_is_rebound_to_loopback_signs_in_vain() -> None:
    """Even with the right signature over the name that it has."""
    named = Attempt(
        name="list", path=LIST.path, method="POST", body=b"{}", headers={"Host": "evil.example"}
    )
    [start, body] = asked(named)
    assert start["status"] == 403
    assert b"not a loopback name" in body["body"]


@pytest.mark.parametrize("host", ["evil@127.0.0.1", "localhost/x", "localhost,evil", "[::1]x"])
def test_a_host_that_is_more_than_a_name_is_refused_however_it_is_signed(host: str) -> None:
    named = Attempt(name="list", path=LIST.path, method="POST", body=b"{}", headers={"Host": host})
    [start, body] = asked(named)
    assert start["status"] == 403
    assert b"not a loopback name" in body["body"]


@pytest.mark.parametrize("host", ["LOCALHOST", "[::1]:80", "a_b.localhost:80", "127.0.0.1"])
def test_every_loopback_name_is_taken(host: str) -> None:
    named = Attempt(name="list", path=LIST.path, method="POST", body=b"{}", headers={"Host": host})
    assert status(named) == 200


@pytest.mark.parametrize("headers", [{"Origin": ENDPOINT}, {"Sec-Fetch-Site": "same-origin"}])
def test_the_clouds_own_pages_pass(headers: dict[str, str]) -> None:
    assert status(LIST, **headers) == 200


def test_an_allowed_page_reads_the_answer() -> None:
    start, _ = asked(LIST, **{"Origin": PAGE, "Sec-Fetch-Site": "same-site"})
    assert start["status"] == 200
    assert (b"access-control-allow-origin", PAGE.encode()) in start["headers"]
    assert (b"Access-Control-Allow-Origin", b"*") not in start["headers"]


@pytest.mark.parametrize("path", ["/_ministack/health", "/%5fministack/reset", "/health"])
def test_routes_of_the_emulator_do_not_exist(path: str) -> None:
    start, body = asked(Attempt(name="admin", path=path))
    assert (start["status"], b"routes are closed" in body["body"]) == (403, True)


def test_a_websocket_is_refused() -> None:
    assert asked(LIST, "websocket") == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    "target", ["*", "[x", "@[x", "127.0.0.1:4566", "http://127.0.0.1:4566/v1/describejobqueues"]
)
def test_a_target_that_is_not_a_path_is_refused(target: str) -> None:
    [start, body] = asked(LIST, raw_path=target)
    assert start["status"] == 403
    assert b"is not a path" in body["body"]


def received_of_a_stranger(monkeypatch: pytest.MonkeyPatch, **headers: str) -> tuple[int, int]:
    """The status of an endless body with an unknown access key, and how many bytes were read."""
    monkeypatch.setattr(access, "UNDECLARED_BYTES_MAX", 1_000)
    forged = {"Host": "127.0.0.1:4566", **_forged("batch"), **headers}
    key = forged["Authorization"].replace("000000000000", "LOCLKEY")
    signed_names = ";".join(["host", "x-amz-date", *(name.lower() for name in headers)])
    forged["Authorization"] = key.replace("host;x-amz-date", signed_names)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(n.lower().encode(), v.encode()) for n, v in forged.items()],
    }
    read, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 100
        assert read < 5_000, "it reads on"
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    serve(scope, receive, send)
    return int(sent[0]["status"]), read


def test_of_a_stranger_nothing_is_read_where_the_hash_stands_in_a_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The account's number is a key that everyone knows."""
    for declared in ("0" * 64, "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"):
        headers = {"X-Amz-Content-SHA256": declared}
        assert received_of_a_stranger(monkeypatch, **headers) == (403, 0)


def test_of_a_stranger_no_more_is_kept_than_aws_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert received_of_a_stranger(monkeypatch) == (403, 1_100)


def test_a_body_that_is_cut_off_does_not_arrive() -> None:
    """Or half a file would be an object: what was uploaded by a presigned URL has no hash."""
    sent: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"ha", "more_body": True},
    ]
    unsigned = Attempt(
        name="put",
        method="PUT",
        path="/",
        headers={"Host": "127.0.0.1:4566", "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"},
    )
    request = signed(ENDPOINT, unsigned, "batch", ENVIRONMENT)
    scope = {
        "type": "http",
        "method": "PUT",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(n.lower().encode(), v.encode()) for n, v in request.headers.items()],
    }

    async def receive() -> dict[str, Any]:
        return parts.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    serve(scope, receive, send)
    assert (sent[0]["status"], b"ended before" in sent[1]["body"]) == (403, True)


@pytest.mark.parametrize(
    "origin", ["", "*", "null", "http://localhost:3000/", "HTTP://localhost", "localhost:3000",
               "http://a,http://b", "http://a/b", "http://a\n", "http://u@a"],
)  # fmt: skip
def test_what_is_not_the_origin_of_one_page_is_refused(origin: str) -> None:
    """An empty one would be that of every request without an Origin."""
    with pytest.raises(ValueError, match="write it as the browser sends it"):
        access.origins([PAGE, origin])


def test_an_origin_is_taken_as_a_browser_sends_it() -> None:
    given = [PAGE, "https://app.example", "http://[::1]:8080", "chrome-extension://abcdef"]
    assert access.origins(given) == tuple(given)


@pytest.mark.parametrize(
    ("wanted", "answered"),
    [
        ("x-amz-date, *", b"x-amz-date, *"),
        ("\u20ac", b"?"),
        ("a\r\nset-cookie: b", b"a??set-cookie: b"),
        ("a\0b\x7f", b"a?b?"),
    ],
)
def test_requested_headers_are_one_header_of_the_answer(wanted: str, answered: bytes) -> None:
    preflight = replace(LIST, method="OPTIONS")
    more = {"Origin": PAGE, "Access-Control-Request-Headers": wanted}
    start, _ = asked(preflight, **more)
    assert start["status"] == 204
    assert start["headers"] == [
        (b"access-control-allow-origin", PAGE.encode()),
        (b"vary", b"origin"),
        (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE, PATCH"),
        (b"access-control-allow-headers", answered),
    ]
