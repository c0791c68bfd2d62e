"""A request is signed and sent over the connection of its host."""

from __future__ import annotations

import time
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

import pytest

from batchrelay_worker.aws import Answer, Aws
from batchrelay_worker.signing import Credentials, Request, signed_headers

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
REQUEST = Request("GET", "host", "/a%20b", [("b~", "ü~ /"), ("a", "1")], {}, b"", "s3", "eu-west-1")


class Connection:
    """Answers every request; what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.status = 201

    def request(self, *sent: Any) -> None:
        self.sent.append(sent)

    def getresponse(self) -> Connection:
        return self

    def getheaders(self) -> list[tuple[str, str]]:
        return [("ETag", '"e"'), ("X-Amz-Bucket-Region", "r")]

    def read(self) -> bytes:
        return b"body"


def test_a_request_is_sent_with_its_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.struct_time((2026, 1, 31, 23, 59, 59, 5, 31, 0))
    monkeypatch.setattr(time, "gmtime", lambda: moment)
    connection: Any = Connection()
    client = Aws(ENVIRONMENT)
    client._connections["https", "host"] = connection
    plain = REQUEST._replace(query=[], method="PUT", body=b"new")
    answer = Answer(201, {"etag": '"e"', "x-amz-bucket-region": "r"}, b"body")
    assert (client._once("https", REQUEST), client._once("https", plain)) == (answer, answer)
    first, second = (
        signed_headers(request, Credentials("key", "secret", ""), "20260131T235959Z")
        for request in (REQUEST, plain)
    )
    assert connection.sent == [
        ("GET", "/a%20b?a=1&b~=%C3%BC~%20%2F", None, first),
        ("PUT", "/a%20b", b"new", second),
    ]


def test_a_host_has_one_connection_which_waits_for_a_minute() -> None:
    client = Aws(ENVIRONMENT)
    secure, plain = client._connection("https", "h:1"), client._connection("http", "h:1")
    assert (type(secure), secure.host, secure.port, secure.timeout) == (HTTPSConnection, "h", 1, 60)
    assert (type(plain), plain.host, plain.port, plain.timeout) == (HTTPConnection, "h", 1, 60)
    assert client._connection("https", "h:1") is secure
    assert client._connection("http", "h:1") is plain


def test_the_region_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Aws({"AWS_REGION": "eu-west-1"})
    assert client._region() == "eu-west-1"
    monkeypatch.setattr(client, "_credentials", None)
    assert client._region() == "eu-west-1"
