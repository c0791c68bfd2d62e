"""What the worker sends to S3 and SQS, and what it makes of the answers."""

from __future__ import annotations

import json
import random
import time
from http.client import HTTPException
from typing import Any

import pytest

from batchrelay_worker import aws
from batchrelay_worker.aws import Answer, Aws
from batchrelay_worker.errors import ServiceError, WorkerError
from batchrelay_worker.signing import Request

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "eu-west-1",
}
HOST = "bucket.s3.eu-west-1.amazonaws.com"
OK = Answer(200, {}, b"body")
SLOW = Answer(503, {}, b"")
ABSENT = Answer(404, {}, b"<Error><Code>NoSuchKey</Code><Message>No\nkey.</Message></Error>")
DENIED = Answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
MOVED = Answer(301, {"x-amz-bucket-region": "us-east-2"}, b"")


class Wire:
    """Answers, in order; what was sent, and how long the waits were."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[Answer | Exception] = []
        self.sent: list[tuple[str, Request]] = []
        self.waits: list[float] = []
        self.bounds: list[float] = []
        monkeypatch.setattr(Aws, "_once", lambda _, *call: self._answer(*call))
        monkeypatch.setattr(time, "sleep", self.waits.append)
        monkeypatch.setattr(random, "uniform", self._uniform)

    def _answer(self, scheme: str, request: Request) -> Answer:
        self.sent.append((scheme, request))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _uniform(self, low: float, high: float) -> float:
        self.bounds.append(low)
        return high

    @property
    def hosts(self) -> list[str]:
        return [f"{scheme}://{request.host}{request.path}" for scheme, request in self.sent]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


def s3_request(method: str, key: str = "/key", **fields: Any) -> Request:
    whole = Request(method, HOST, key, [], {}, b"", "s3", "eu-west-1")
    return whole._replace(**fields)


# --- objects


def test_an_object_is_asked_for_whole_or_in_part(wire: Wire) -> None:
    wire.answers = [OK, OK]
    assert Aws(ENVIRONMENT).get("s3://bucket/key") == b"body"
    assert Aws(ENVIRONMENT).get("s3://bucket/key", 8, 23) == b"body"
    assert wire.sent == [
        ("https", s3_request("GET")),
        ("https", s3_request("GET", headers={"range": "bytes=8-23"})),
    ]


def test_a_part_begins_at_the_first_byte_by_default(wire: Wire) -> None:
    wire.answers = [OK]
    Aws(ENVIRONMENT).get("s3://bucket/key", last=23)
    assert wire.sent == [("https", s3_request("GET", headers={"range": "bytes=0-23"}))]


def test_an_object_is_written(wire: Wire) -> None:
    wire.answers = [OK]
    Aws(ENVIRONMENT).put("s3://bucket/a b/c", b"new")
    assert wire.sent == [("https", s3_request("PUT", "/a%20b/c", body=b"new"))]


def test_a_refusal_names_the_call_and_the_code(wire: Wire) -> None:
    wire.answers = [ABSENT, DENIED]
    with pytest.raises(ServiceError) as caught:
        Aws(ENVIRONMENT).put("s3://bucket/key", b"")
    assert str(caught.value) == "PUT s3://bucket/key: 404 NoSuchKey No\nkey."
    assert (caught.value.status, caught.value.code) == (404, "NoSuchKey")
    with pytest.raises(ServiceError) as caught:
        Aws(ENVIRONMENT).get("s3://bucket/key")
    assert str(caught.value) == "GET s3://bucket/key: 403 AccessDenied"


def test_an_answer_without_a_code_is_its_status(wire: Wire) -> None:
    wire.answers = [Answer(400, {}, b"\xff")]
    with pytest.raises(ServiceError) as caught:
        Aws(ENVIRONMENT).get("s3://bucket/key")
    assert str(caught.value) == "GET s3://bucket/key: 400"
    assert (caught.value.status, caught.value.code) == (400, "")


@pytest.mark.parametrize("body", [b"<Code></Code><Message></Message>", b'{"__type": ""}'])
def test_an_answer_with_an_empty_code_is_its_status(wire: Wire, body: bytes) -> None:
    wire.answers = [Answer(400, {}, body)]
    with pytest.raises(ServiceError) as caught:
        Aws(ENVIRONMENT).get("s3://bucket/key")
    assert (str(caught.value), caught.value.code) == ("GET s3://bucket/key: 400", "")


def test_whether_an_object_is_there(wire: Wire) -> None:
    wire.answers = [Answer(200, {}, b""), Answer(404, {}, b"")]
    client = Aws(ENVIRONMENT)
    assert (client.exists("s3://bucket/key"), client.exists("s3://bucket/key")) == (True, False)
    assert wire.sent == [("https", s3_request("HEAD"))] * 2


def test_whether_an_object_is_there_is_not_guessed(wire: Wire) -> None:
    wire.answers = [Answer(403, {}, b""), Answer(400, {}, b"")]
    with pytest.raises(WorkerError) as caught:
        Aws(ENVIRONMENT).exists("s3://bucket/key")
    assert str(caught.value) == (
        "HEAD s3://bucket/key: 403: give the job's role s3:GetObject and, so that absent objects "
        "can be recognized, s3:ListBucket"
    )
    with pytest.raises(ServiceError, match="HEAD s3://bucket/key: 400"):
        Aws(ENVIRONMENT).exists("s3://bucket/key")


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "bucket/key", "s3:///key"])
def test_what_is_no_uri_of_an_object_is_refused(wire: Wire, uri: str) -> None:
    with pytest.raises(WorkerError) as caught:
        Aws(ENVIRONMENT).get(uri)
    assert str(caught.value) == f"{uri!r} is not the S3 URI of an object: write s3://bucket/key"


# --- large objects


def piece(body: bytes, span: str = "", etag: str = "") -> Answer:
    headers = {"content-range": span, "etag": etag}
    return Answer(206, {name: value for name, value in headers.items() if value}, body)


def test_a_large_object_is_read_in_pieces_of_one_version(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "PIECE_BYTES", 4)
    wire.answers = [
        piece(b"abcd", "bytes 0-3/9", '"e"'),
        piece(b"efgh", "bytes 4-7/9", '"e"'),
        piece(b"i", "bytes 8-8/9", '"e"'),
    ]
    assert list(Aws(ENVIRONMENT).read("s3://bucket/key")) == [b"abcd", b"efgh", b"i"]
    assert wire.sent == [
        ("https", s3_request("GET", headers={"range": "bytes=0-3"})),
        ("https", s3_request("GET", headers={"range": "bytes=4-7", "if-match": '"e"'})),
        ("https", s3_request("GET", headers={"range": "bytes=8-11", "if-match": '"e"'})),
    ]


def test_an_answer_without_a_range_is_the_whole_object(wire: Wire) -> None:
    wire.answers = [OK]
    assert list(Aws(ENVIRONMENT).read("s3://bucket/key")) == [b"body"]
    assert wire.sent[0][1].headers == {"range": "bytes=0-8388607"}


def test_a_piece_without_an_etag_sets_no_condition(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "PIECE_BYTES", 1)
    wire.answers = [piece(b"a", "bytes 0-0/2"), piece(b"b", "bytes 1-1/2")]
    assert list(Aws(ENVIRONMENT).read("s3://bucket/key")) == [b"a", b"b"]
    assert wire.sent[1][1].headers == {"range": "bytes=1-1"}


def test_an_empty_object_has_no_pieces(wire: Wire) -> None:
    wire.answers = [Answer(416, {}, b"")]
    assert list(Aws(ENVIRONMENT).read("s3://bucket/key")) == []


def test_an_object_that_changes_while_it_is_read_is_an_error(wire: Wire) -> None:
    wire.answers = [piece(b"a", "bytes 0-0/2"), Answer(416, {}, b""), Answer(412, {}, b"")]
    pieces = Aws(ENVIRONMENT).read("s3://bucket/key")
    assert next(pieces) == b"a"
    with pytest.raises(ServiceError, match="GET s3://bucket/key: 416"):
        next(pieces)
    with pytest.raises(ServiceError, match="GET s3://bucket/key: 412"):
        next(Aws(ENVIRONMENT).read("s3://bucket/key"))


# --- listings


def page(*objects: tuple[str, int | None], token: str = "", more: str = "") -> Answer:
    contents = "".join(
        f"<Contents><Key>{key}</Key>" + ("" if size is None else f"<Size>{size}</Size>") + "</Contents>"
        for key, size in objects
    )  # fmt: skip
    last = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    space = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' if token else ""
    body = f"<ListBucketResult{space}>{more}{contents}{last if token else ''}</ListBucketResult>"
    return Answer(200, {}, body.encode())


def test_a_listing_goes_on_page_by_page(wire: Wire) -> None:
    encoded = "<EncodingType>url</EncodingType>"
    wire.answers = [
        page(("p/a+b%0A%2B", 3), ("p/c", None), token="t=1", more=encoded),
        page(("p/d%2Be", 4)),
    ]
    assert list(Aws(ENVIRONMENT).listed("s3://bucket/p/")) == [
        ("s3://bucket/p/a b\n+", 3),
        ("s3://bucket/p/c", 0),
        ("s3://bucket/p/d%2Be", 4),
    ]
    query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", "p/")]
    assert wire.sent == [
        ("https", s3_request("GET", "/", query=query)),
        ("https", s3_request("GET", "/", query=[*query, ("continuation-token", "t=1")])),
    ]


def test_a_listing_that_is_no_xml_is_refused(wire: Wire) -> None:
    wire.answers = [Answer(200, {}, b"<html")]
    with pytest.raises(WorkerError) as caught:
        list(Aws(ENVIRONMENT).listed("s3://bucket/"))
    assert str(caught.value) == (
        "S3 answered a listing with what is no XML: unclosed token: line 1, column 0"
    )


def test_a_page_that_names_no_next_one_is_the_last(wire: Wire) -> None:
    wire.answers = [page(("p/a", 1), more="<IsTruncated>true</IsTruncated>")]
    assert list(Aws(ENVIRONMENT).listed("s3://bucket/p/")) == [("s3://bucket/p/a", 1)]


def test_a_listing_needs_a_bucket(wire: Wire) -> None:
    with pytest.raises(WorkerError) as caught:
        list(Aws(ENVIRONMENT).listed("bucket/p"))
    assert str(caught.value) == "'bucket/p' is not an S3 URI: write s3://bucket/prefix"
    wire.answers = [DENIED]
    with pytest.raises(ServiceError, match=r"^GET s3://bucket/p: 403 AccessDenied$"):
        list(Aws(ENVIRONMENT).listed("s3://bucket/p"))


# --- places


def test_a_bucket_of_another_region_is_asked_there_at_once_from_then_on(wire: Wire) -> None:
    wire.answers = [MOVED, OK, OK, OK]
    client = Aws(ENVIRONMENT)
    assert client.get("s3://bucket/key", 1, 2) == b"body"
    client.put("s3://bucket/key", b"new")
    client.get("s3://other/key")
    there = "bucket.s3.us-east-2.amazonaws.com"
    span = {"range": "bytes=1-2"}
    assert [request for _, request in wire.sent] == [
        s3_request("GET", headers=span),
        s3_request("GET", host=there, headers=span, region="us-east-2"),
        s3_request("PUT", host=there, body=b"new", region="us-east-2"),
        s3_request("GET", host="other.s3.eu-west-1.amazonaws.com"),
    ]


def test_a_bucket_that_refuses_in_its_own_region_is_not_asked_again(wire: Wire) -> None:
    wire.answers = [Answer(403, {"x-amz-bucket-region": "eu-west-1"}, b"")]
    with pytest.raises(ServiceError, match=r"^GET s3://bucket/key: 403$"):
        Aws(ENVIRONMENT).get("s3://bucket/key")
    wire.answers = [MOVED, ABSENT]
    with pytest.raises(ServiceError, match=r"^GET s3://bucket/key: 404 NoSuchKey") as caught:
        Aws(ENVIRONMENT).get("s3://bucket/key")
    assert (caught.value.status, caught.value.code) == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("uri", "more", "place"),
    [
        ("s3://a.b/k", {}, "https://s3.eu-west-1.amazonaws.com/a.b/k"),
        ("s3://a.b/k", {"AWS_REGION": "cn-north-1"}, "https://s3.cn-north-1.amazonaws.com.cn/a.b/k"),
        ("s3://ab/k", {"AWS_REGION": "cn-north-1"}, "https://ab.s3.cn-north-1.amazonaws.com.cn/k"),
        ("s3://ab/k", {"AWS_ENDPOINT_URL": "http://h:1"}, "http://h:1/ab/k"),
        ("s3://ab/k", {"AWS_ENDPOINT_URL": "http://h", "AWS_ENDPOINT_URL_S3": "http://s"}, "http://s/ab/k"),
    ],
)  # fmt: skip
def test_where_an_object_is_asked_for(
    wire: Wire, uri: str, more: dict[str, str], place: str
) -> None:
    wire.answers = [OK]
    Aws({**ENVIRONMENT, **more}).get(uri)
    assert wire.hosts == [place]


# --- queues


def test_an_action_on_a_queue_is_one_document(wire: Wire) -> None:
    wire.answers = [Answer(200, {}, b'{"Messages": []}'), Answer(200, {}, b"")]
    url = "https://sqs.ap-south-1.amazonaws.com/1/q"
    client = Aws(ENVIRONMENT)
    assert client.sqs("ReceiveMessage", url, WaitTimeSeconds=2) == {"Messages": []}
    assert client.sqs("DeleteMessage", url) == {}
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "AmazonSQS.ReceiveMessage",
    }
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 2}).encode()
    host = "sqs.ap-south-1.amazonaws.com"
    request = Request("POST", host, "/", [], headers, body, "sqs", "ap-south-1")
    assert wire.sent[0] == ("https", request)


def test_a_queue_of_an_endpoint_is_asked_there(wire: Wire) -> None:
    wire.answers = [Answer(200, {}, b"{}"), Answer(200, {}, b"{}")]
    Aws({**ENVIRONMENT, "AWS_ENDPOINT_URL_SQS": "http://h:1"}).sqs("X", "http://q:2/1/q")
    Aws(ENVIRONMENT).sqs("X", "http://q:2/1/q")
    assert wire.hosts == ["http://h:1/", "http://q:2/"]
    assert [request.region for _, request in wire.sent] == ["eu-west-1"] * 2


def test_a_refusal_of_sqs_has_its_type_for_a_code(wire: Wire) -> None:
    body = b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "No queue."}'
    wire.answers = [Answer(300, {}, body)]
    with pytest.raises(ServiceError) as caught:
        Aws(ENVIRONMENT).sqs("X", "https://sqs.eu-west-1.amazonaws.com/1/q")
    assert str(caught.value) == "300 QueueDoesNotExist No queue."
    assert (caught.value.status, caught.value.code) == (300, "QueueDoesNotExist")


# --- again


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_with_twice_the_wait(wire: Wire, status: int) -> None:
    again = Answer(status, {}, b"")
    wire.answers = [again, again, again, again, OK]
    assert Aws(ENVIRONMENT).get("s3://bucket/key") == b"body"
    assert (wire.waits, wire.bounds) == ([0.2, 0.4, 0.8, 1.6], [0, 0, 0, 0])


def test_the_fifth_answer_stands(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "BACKOFF_MAX_S", 0.5)
    wire.answers = [SLOW] * 5
    with pytest.raises(ServiceError, match=r"^GET s3://bucket/key: 503$"):
        Aws(ENVIRONMENT).get("s3://bucket/key")
    assert wire.waits == [0.2, 0.4, 0.5, 0.5]


@pytest.mark.parametrize(
    "code", ["RequestTimeout", "SlowDown", "ThrottlingException", "RequestThrottled"]
)
def test_a_code_that_may_pass_is_tried_again(wire: Wire, code: str) -> None:
    wire.answers = [Answer(400, {}, f"<Code>{code}</Code>".encode()), OK]
    assert Aws(ENVIRONMENT).get("s3://bucket/key") == b"body"


def test_the_content_of_an_object_is_no_code(wire: Wire) -> None:
    wire.answers = [Answer(200, {}, b"<Code>SlowDown</Code>")]
    assert Aws(ENVIRONMENT).get("s3://bucket/key") == b"<Code>SlowDown</Code>"


@pytest.mark.parametrize("error", [OSError("reset"), HTTPException("reset")])
def test_a_connection_that_broke_is_made_anew(wire: Wire, error: Exception) -> None:
    wire.answers = [error, OK]
    client = Aws(ENVIRONMENT)
    connections: dict[tuple[str, str], Any] = {("https", HOST): "broken", ("http", HOST): "other"}
    client._connections = connections
    assert client.get("s3://bucket/key") == b"body"
    assert list(client._connections) == [("http", HOST)]
    assert wire.waits == [0.2]


def test_a_host_that_does_not_answer_is_named(wire: Wire) -> None:
    wire.answers = [OSError("no route")] * 5
    with pytest.raises(WorkerError) as caught:
        Aws(ENVIRONMENT).get("s3://bucket/key")
    assert str(caught.value) == f"GET https://{HOST}: no route"
    assert wire.waits == [0.2, 0.4, 0.8, 1.6]
