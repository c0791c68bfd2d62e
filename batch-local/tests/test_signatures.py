"""What botocore signs is verified; whatever is changed afterwards is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import boto3
import pytest
from botocore.auth import (
    HmacV1QueryAuth,
    S3SigV4Auth,
    S3SigV4QueryAuth,
    SigV4Auth,
    SigV4QueryAuth,
)
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_local.http.signatures import (
    SignatureProblem,
    SignedRequest,
    check_payload,
    read_signature,
)

SECRET = "the secret of one cloud"
KEYS = Credentials("LOCLKEY", SECRET)

SIGNERS: dict[str, Callable[[], Any]] = {
    "header": lambda: SigV4Auth(KEYS, "dynamodb", "us-east-1"),
    "header-s3": lambda: S3SigV4Auth(KEYS, "s3", "eu-central-1"),
    "query": lambda: SigV4QueryAuth(KEYS, "sts", "us-east-1", expires=60),
    "query-s3": lambda: S3SigV4QueryAuth(KEYS, "s3", "us-east-1", expires=60),
    "query-s3-version-2": lambda: HmacV1QueryAuth(KEYS, expires=60),
}

texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=8
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)
paths = st.lists(texts.filter(lambda t: t not in (".", "..")), max_size=3)
queries = st.lists(st.tuples(texts.filter(bool), texts), max_size=3)


def now() -> datetime:
    return datetime.now(UTC)


def made(
    signer: str,
    path: list[str],
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
) -> SignedRequest:
    """A signed request as it comes over the wire."""
    url = "http://127.0.0.1:1/" + "/".join(quote(part, safe="~") for part in path)
    encoded = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in query)
    method = "POST" if body else "GET"
    sent_body = body if signer.startswith("header") else b""
    request = AWSRequest(method, f"{url}?{encoded}" if encoded else url, headers, data=sent_body)
    SIGNERS[signer]().add_auth(request)
    assert request.url is not None
    split = urlsplit(request.url)
    wire = {name.lower(): value for name, value in request.headers.items()} | {"host": split.netloc}
    if signer.startswith("query"):
        wire.pop("date", None)
    return SignedRequest(method=method, raw_path=split.path or "/", query=split.query, headers=wire)


def check(request: SignedRequest, body: bytes, *, secret: str = SECRET, at: Any = None) -> None:
    signature = read_signature(request, at or now())
    payload = signature.payload(request)
    signature.verify(request, payload or hashlib.sha256(body).hexdigest(), secret)
    if payload:
        check_payload(payload, body)


@given(
    signer=st.sampled_from(sorted(SIGNERS)), path=paths, query=queries, value=header_values,
    body=st.binary(max_size=20),
)  # fmt: skip
@settings(max_examples=300)
def test_a_signature_of_botocore_is_verified(
    signer: str, path: list[str], query: list[tuple[str, str]], value: str, body: bytes
) -> None:
    reserved = ("X-Amz-", "AWSAccessKeyId", "Signature", "Expires")
    query = [(k, v) for k, v in query if not k.startswith(reserved)]
    headers = {"X-Amz-Meta-Word": value} if signer == "header-s3" else {}
    sent = body if signer.startswith("header") else b""
    check(made(signer, path, query, headers, sent), sent)


def header_request(body: bytes = b"{}") -> SignedRequest:
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables"}
    return made("header", ["a"], [("b", "c")], headers, body)


CHANGES: dict[str, Callable[[SignedRequest], SignedRequest]] = {
    "method": lambda r: replace(r, method="PUT"),
    "path": lambda r: replace(r, raw_path="/b"),
    "query": lambda r: replace(r, query="b=d"),
    "one more parameter": lambda r: replace(r, query=r.query + "&e=f"),
    "target": lambda r: with_header(r, "x-amz-target", "DynamoDB_20120810.DeleteTable"),
    "host": lambda r: with_header(r, "host", "localhost:1"),
    "date": lambda r: with_header(r, "x-amz-date", later(r.headers["x-amz-date"])),
    "an unsigned header": lambda r: with_header(r, "x-amz-copy-source", "b/k"),
    "service": lambda r: with_authorization(r, "/dynamodb/", "/lambda/"),
    "signed headers": lambda r: with_authorization(r, "host;", ""),
    "signature": lambda r: with_authorization(r, "Signature=", "Signature=0"),
    "no signature": lambda r: with_authorization(r, "Signature=", "Nothing="),
    "scheme": lambda r: with_authorization(r, "AWS4-HMAC-SHA256", "Bearer"),
}


def with_header(request: SignedRequest, name: str, value: str) -> SignedRequest:
    return replace(request, headers={**request.headers, name: value})


def with_authorization(request: SignedRequest, old: str, new: str) -> SignedRequest:
    changed = request.headers["authorization"].replace(old, new)
    assert changed != request.headers["authorization"]
    return with_header(request, "authorization", changed)


def later(timestamp: str) -> str:
    seconds = (int(timestamp[-3:-1]) + 1) % 60
    return f"{timestamp[:-3]}{seconds:02}Z"


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_after_it_was_signed_is_refused(change: str) -> None:
    request = header_request()
    check(request, b"{}")
    with pytest.raises(SignatureProblem):
        check(CHANGES[change](request), b"{}")


def test_another_body_or_secret_is_refused() -> None:
    request = header_request()
    with pytest.raises(SignatureProblem):
        check(request, b"{ }")
    with pytest.raises(SignatureProblem):
        check(request, b"{}", secret="another")
    s3 = made("header-s3", ["k"], [], {}, b"body")
    with pytest.raises(SignatureProblem, match="does not match the body"):
        check(s3, b"other")


@pytest.mark.parametrize(
    ("signer", "minutes", "is_taken"),
    [
        ("header", 14, True),
        ("header", 16, False),
        ("header", -14, True),
        ("header", -16, False),
        ("query", 2, False),
        ("query-s3", 2, False),
        ("query-s3-version-2", 2, False),
        ("query", -16, False),
    ],
)
def test_a_signature_of_another_time_is_refused(signer: str, minutes: int, is_taken: bool) -> None:
    request = made(signer, ["a"], [], {}, b"")
    at = now() + timedelta(minutes=minutes)
    if is_taken:
        check(request, b"", at=at)
    else:
        with pytest.raises(SignatureProblem, match=r"expired|not yet current"):
            check(request, b"", at=at)


SENT = {"content-type": "text/plain", "x-amz-meta-word": "a b+c"}


def version_2_url(headers: dict[str, str], token: str | None = None) -> SignedRequest:
    """A presigned PUT, whose signer writes the headers and the session's token into the URL."""
    request = AWSRequest("PUT", "http://127.0.0.1:1/bucket/key", headers)
    HmacV1QueryAuth(Credentials("LOCLKEY", SECRET, token), expires=60).add_auth(request)
    assert request.url is not None
    split = urlsplit(request.url)
    wire = {"host": split.netloc}
    return SignedRequest(method="PUT", raw_path=split.path, query=split.query, headers=wire)


def test_a_version_2_url_of_a_session_is_verified() -> None:
    request = version_2_url({}, token="a/token+of=a session")
    check(request, b"")
    changed = replace(request, query=request.query.replace("session", "stranger"))
    with pytest.raises(SignatureProblem, match="does not match"):
        check(changed, b"")


@pytest.mark.parametrize("sent", [{}, SENT, {"content-type": "text/plain"}])
def test_a_header_that_a_version_2_url_holds_need_not_be_sent_again(sent: dict[str, str]) -> None:
    request = version_2_url(SENT)
    check(replace(request, headers={**request.headers, **sent}), b"")


@pytest.mark.parametrize("name", SENT)
def test_a_header_that_is_not_what_the_version_2_url_holds_is_refused(name: str) -> None:
    with pytest.raises(SignatureProblem, match="does not match"):
        check(with_header(version_2_url(SENT), name, "other"), b"")


@pytest.mark.parametrize("expires", ["604801", "x", "-1", "", "٣"])
def test_a_lifetime_that_is_not_one_is_refused(expires: str) -> None:
    request = made("query", ["a"], [], {}, b"")
    changed = request.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}")
    with pytest.raises(SignatureProblem, match="X-Amz-Expires"):
        check(replace(request, query=changed), b"")


def test_a_request_without_a_signature_is_refused() -> None:
    bare = SignedRequest(method="GET", raw_path="/", query="", headers={"host": "127.0.0.1"})
    with pytest.raises(SignatureProblem, match=r"Missing Authentication Token: .*export lines"):
        check(bare, b"")


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:1", "s3.localhost:1"])
@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_object", {"Key": "k"}),
        ("get_object", {"Key": "a/ü +%//~"}),
        ("list_objects_v2", {"Prefix": "a b"}),
        ("get_bucket_tagging", {}),
    ],
)
def test_version_2_signs_the_bucket_where_it_stands(
    style: str, host: str, operation: str, parameters: dict[str, str]
) -> None:
    signed = by_boto3(host, style, operation, parameters)
    check(signed, b"")
    for other in ("other.localhost:1", "other.s3.localhost:1"):
        with pytest.raises(SignatureProblem, match="does not match"):
            check(with_header(signed, "host", other), b"")


def by_boto3(host: str, style: Any, operation: str, parameters: dict[str, str]) -> SignedRequest:
    """The GET of an URL that boto3 has presigned."""
    s3 = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://{host}",
        aws_access_key_id="LOCLKEY",
        aws_secret_access_key=SECRET,
        config=Config(signature_version="s3", s3={"addressing_style": style}),
    )
    url = s3.generate_presigned_url(operation, Params={"Bucket": "bucket", **parameters})
    split = urlsplit(url)
    return SignedRequest(
        method="GET", raw_path=split.path or "/", query=split.query, headers={"host": split.netloc}
    )


@pytest.mark.parametrize(
    "query",
    [
        "{}&x-amz-copy-source=b%2Fk",
        "{}&X-Amz-Copy-Source=b%2Fk",
        "{}&x-amz-copy-sourc%45=b%2Fk",
        "x-amz-meta-word=other&{}",
        "{}&x-amz-meta-word=a%20b%2Bc",
        "{}&X-Amz-Meta-Word=other",
    ],
)
def test_a_header_that_is_added_to_a_version_2_url_is_refused(query: str) -> None:
    """Or the URL of an upload would copy any object into its own."""
    request = AWSRequest("PUT", "http://127.0.0.1:1/b/k", {"x-amz-meta-word": "a b+c"})
    HmacV1QueryAuth(KEYS, expires=60).add_auth(request)
    assert request.url is not None
    split = urlsplit(request.url)
    moved = SignedRequest(
        method="PUT", raw_path=split.path, query=split.query, headers={"host": split.netloc}
    )
    check(moved, b"")
    with pytest.raises(SignatureProblem, match=r"does not match|are not signed"):
        check(replace(moved, query=query.format(split.query)), b"")


QUERY_V2 = {"AWSAccessKeyId": "LOCLKEY", "Signature": "a", "Expires": "9999999999"}
MALFORMED: dict[str, SignedRequest] = {
    "a date before every other": with_header(header_request(), "x-amz-date", "00010101T000000Z"),
    "a date after every other": with_header(header_request(), "x-amz-date", "99991231T235959Z"),
    "a signature of other letters": with_authorization(
        header_request(), "Signature=", "Signature=é"
    ),
    "a lifetime of thousands of digits": replace(
        made("query", ["a"], [], {}, b""),
        query=made("query", ["a"], [], {}, b"").query.replace("=60", "=" + "0" * 5_000),
    ),
} | {
    f"version 2: {name}": SignedRequest(
        method="GET",
        raw_path="/b/k",
        query=urlencode(QUERY_V2 | changed),
        headers={"host": "127.0.0.1:1"},
    )
    for name, changed in {
        "an end of thousands of digits": {"Expires": "9" * 5_000},
        "a signature of other letters": {"Signature": "é"},
    }.items()
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_signature_raises_signature_problem_only(name: str) -> None:
    with pytest.raises(SignatureProblem):
        check(MALFORMED[name], b"")
