"""botocore's signer is the oracle."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from batchrelay_worker.signing import Credentials, Request, query_string, signed_headers

TIMESTAMP = "20260131T235959Z"


def by_botocore(request: Request, credentials: Credentials) -> str:
    kind = S3SigV4Auth if request.service == "s3" else SigV4Auth
    given = BotocoreCredentials(
        credentials.access_key, credentials.secret_key, credentials.token or None
    )
    signer: Any = kind(given, request.service, request.region)
    query = "?" + query_string(request.query) if request.query else ""
    url = f"https://{request.host}{request.path}{query}"
    theirs = AWSRequest(request.method, url, headers=dict(request.headers), data=request.body)
    theirs.context["timestamp"] = TIMESTAMP
    theirs.context["payload_signing_enabled"] = True
    theirs.headers["X-Amz-Date"] = TIMESTAMP
    if credentials.token:
        theirs.headers["X-Amz-Security-Token"] = credentials.token
    if request.service == "s3":
        theirs.headers["X-Amz-Content-SHA256"] = signer.payload(theirs)
    canonical = signer.canonical_request(theirs)
    text = signer.string_to_sign(theirs, canonical)
    return str(signer.signature(text, theirs))


_keys = st.text(min_size=1, max_size=30).filter(lambda key: not key.startswith("/"))
_values = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


@given(
    key=st.sampled_from(["a b+c%20é.txt", "x/y//z", "~-_.", "ü/☃", "?&=;"]) | _keys,
    method=st.sampled_from(["GET", "PUT", "HEAD"]),
    body=st.binary(max_size=50),
    token=st.sampled_from(["", "token//=="]),
    span=_values,
    query=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=3),
)
def test_s3_requests_are_signed_as_botocore_signs_them(
    key: str, method: str, body: bytes, token: str, span: str, query: list[tuple[str, str]]
) -> None:
    try:
        path = "/" + quote(key, safe="/~")
    except UnicodeEncodeError:  # half a character is no key
        return
    headers = {"range": span} if span else {}
    query = [(name, value) for name, value in query if _is_text(name + value)]
    request = Request(method, "b.s3.eu-west-1.amazonaws.com", path, query, headers, body, "s3", "eu-west-1")  # fmt: skip
    credentials = Credentials("AKID", "secret/+", token)
    ours = signed_headers(request, credentials, TIMESTAMP)["authorization"]
    assert ours.rpartition("Signature=")[2] == by_botocore(request, credentials)


@given(body=st.binary(max_size=50))
def test_sqs_requests_are_signed_as_botocore_signs_them(body: bytes) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.X"}
    request = Request("POST", "sqs.us-east-1.amazonaws.com", "/", [], headers, body, "sqs", "us-east-1")  # fmt: skip
    credentials = Credentials("AKID", "secret", "")
    ours = signed_headers(request, credentials, TIMESTAMP)["authorization"]
    assert ours.rpartition("Signature=")[2] == by_botocore(request, credentials)


def test_a_signed_request_of_s3_has_its_headers_and_no_others() -> None:
    headers = {"Range": " bytes=0-9 ", "x-amz-meta-a": "b   c"}
    request = Request("PUT", "h", "/a%20b", [], headers, b"body", "s3", "eu-west-1")
    credentials = Credentials("AKID", "secret", "token")
    digest = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"
    names = "host;range;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token"
    assert signed_headers(request, credentials, TIMESTAMP) == {
        "range": " bytes=0-9 ",
        "x-amz-meta-a": "b   c",
        "host": "h",
        "x-amz-date": TIMESTAMP,
        "x-amz-content-sha256": digest,
        "x-amz-security-token": "token",
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKID/20260131/eu-west-1/s3/aws4_request, "
            f"SignedHeaders={names}, Signature={by_botocore(request, credentials)}"
        ),
    }


def test_a_signed_request_of_sqs_has_its_headers_and_no_others() -> None:
    request = Request("POST", "h", "/~a%20b", [], {"X-Amz-Target": "T"}, b"{}", "sqs", "eu-west-1")
    credentials = Credentials("AKID", "secret")
    assert signed_headers(request, credentials, TIMESTAMP) == {
        "x-amz-target": "T",
        "host": "h",
        "x-amz-date": TIMESTAMP,
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKID/20260131/eu-west-1/sqs/aws4_request, "
            "SignedHeaders=host;x-amz-date;x-amz-target, "
            f"Signature={by_botocore(request, credentials)}"
        ),
    }


def _is_text(text: str) -> bool:
    return not any(0xD800 <= ord(character) < 0xE000 for character in text)
