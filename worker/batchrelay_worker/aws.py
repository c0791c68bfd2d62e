"""S3 and SQS over HTTP, as far as a worker needs them; retried with backoff and jitter."""

from __future__ import annotations

import json
import re
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Iterator, Mapping, NamedTuple, Sequence
from urllib.parse import quote, unquote_plus, urlsplit

from batchrelay_worker.credentials import CredentialSource
from batchrelay_worker.errors import ServiceError, WorkerError
from batchrelay_worker.signing import Request, query_string, signed_headers

TRIES = 5
BACKOFF_S = 0.2
BACKOFF_MAX_S = 5.0
TIMEOUT_S = 60
"""Of a connection, and of every read: a long poll of SQS takes 20."""

PIECE_BYTES = 8 * 1024 * 1024
"""Of an object that is read piece by piece: so much memory, whatever its size."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
"""Old buckets have more than DNS allows. Source: S3 User Guide, bucket naming rules."""

_AGAIN = frozenset({429, 500, 502, 503, 504})
_AGAIN_CODES = frozenset({"RequestTimeout", "SlowDown", "ThrottlingException", "RequestThrottled"})


class Answer(NamedTuple):
    """The answer of a service."""

    status: int
    headers: dict[str, str]
    body: bytes


class Aws:
    """The services, by the credentials of this job."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._credentials = CredentialSource(environment)
        self._connections: dict[tuple[str, str], HTTPConnection] = {}
        self._regions: dict[str, str] = {}

    # --- S3

    def get(self, uri: str, first: int = 0, last: int | None = None) -> bytes:
        """The bytes of an object, first to last included. Raises: ServiceError."""
        span = {} if last is None else {"range": f"bytes={first}-{last}"}
        return self._s3("GET", uri, headers=span).body

    def read(self, uri: str) -> Iterator[bytes]:
        """An object piece by piece, all of one version. Raises: ServiceError."""
        first, total, same = 0, 1, {}  # type: int, int, dict[str, str]
        while first < total:
            span = {"range": f"bytes={first}-{first + PIECE_BYTES - 1}", **same}
            try:
                answer = self._s3("GET", uri, headers=span)
            except ServiceError as error:
                if error.status == 416 and first == 0:  # it is empty
                    return
                raise
            yield answer.body
            same = {"if-match": answer.headers["etag"]} if "etag" in answer.headers else {}
            first += len(answer.body)
            total = int(answer.headers.get("content-range", f"/{first}").rpartition("/")[2])

    def listed(self, uri: str) -> Iterator[tuple[str, int]]:
        """The URI and size (bytes) of every object whose key begins so, in the order of the keys.

        Keys come percent-encoded, because XML has no control characters. Raises: ServiceError.
        Source: ListObjectsV2.
        """
        bucket, prefix = _parts_of(uri)
        if not bucket:
            raise WorkerError(f"{uri!r} is not an S3 URI: write s3://bucket/prefix")
        query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix)]
        token: str | None = None
        while token != "":
            page: list[tuple[str, str]] = [("continuation-token", token)] if token else []
            answer = self._s3_at(bucket, "", f"GET {uri}", "GET", query=query + page)
            keys, token = _page_of(answer.body)
            for key, size in keys:
                yield f"s3://{bucket}/{key}", size

    def put(self, uri: str, body: bytes) -> None:
        """Write an object. Raises: ServiceError."""
        self._s3("PUT", uri, body=body)

    def exists(self, uri: str) -> bool:
        """Whether there is an object. Raises: ServiceError if that is not to be known."""
        try:
            self._s3("HEAD", uri)
        except ServiceError as error:
            if error.status == 404:
                return False
            if error.status == 403:
                raise WorkerError(
                    f"{error}: give the job's role s3:GetObject and, so that absent objects can "
                    "be recognized, s3:ListBucket"
                ) from None
            raise
        return True

    def _s3(
        self, method: str, uri: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        bucket, key = _parts_of(uri)
        if not bucket or not key:
            raise WorkerError(f"{uri!r} is not the S3 URI of an object: write s3://bucket/key")
        return self._s3_at(bucket, key, f"{method} {uri}", method, body, headers)

    def _s3_at(
        self,
        bucket: str,
        key: str,
        what: str,
        method: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        query: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        region = self._regions.get(bucket) or self._region()
        rest = (method, body, headers or {}, list(query))
        try:
            return self._s3_in(region, bucket, key, *rest)
        except ServiceError as error:
            other = self._regions.get(bucket)  # S3 named the region of the bucket
            refusal = error
        if other is not None and other != region:
            try:
                return self._s3_in(other, bucket, key, *rest)
            except ServiceError as error:
                refusal = error
        raise ServiceError(f"{what}: {refusal}", refusal.status, refusal.code)

    def _s3_in(
        self,
        region: str,
        bucket: str,
        key: str,
        method: str,
        body: bytes,
        headers: dict[str, str],
        query: list[tuple[str, str]],
    ) -> Answer:
        path = "/" + quote(key, safe="/~")
        endpoint = self._endpoint("S3")
        if endpoint:
            path = f"/{bucket}{path}"
        elif "." in bucket:  # the certificate of *.s3… covers no dots
            endpoint, path = f"https://s3.{region}.{_suffix(region)}", f"/{bucket}{path}"
        else:
            endpoint = f"https://{bucket}.s3.{region}.{_suffix(region)}"
        answer = self._send(endpoint, method, path, query, headers, body, "s3", region)
        if answer.status >= 300:
            where = answer.headers.get("x-amz-bucket-region")
            if where:
                self._regions[bucket] = where
            raise _refusal(answer)
        return answer

    # --- SQS

    def sqs(self, action: str, url: str, **fields: Any) -> dict[str, Any]:
        """An action on a queue, by SQS's JSON protocol. Raises: ServiceError."""
        parts = urlsplit(url)
        endpoint = self._endpoint("SQS") or f"{parts.scheme}://{parts.netloc}"
        match = re.search(r"sqs\.([a-z0-9-]+)\.amazonaws", parts.netloc)
        region = match.group(1) if match else self._region()
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"AmazonSQS.{action}",
        }
        body = json.dumps({"QueueUrl": url, **fields}).encode()
        answer = self._send(endpoint, "POST", "/", [], headers, body, "sqs", region)
        if answer.status >= 300:
            raise _refusal(answer)
        return dict(json.loads(answer.body or b"{}"))

    # --- the wire

    def _region(self) -> str:
        if "" not in self._regions:
            self._regions[""] = self._credentials.region()
        return self._regions[""]

    def _endpoint(self, service: str) -> str:
        environment = self.environment
        return environment.get(f"AWS_ENDPOINT_URL_{service}") or environment.get(
            "AWS_ENDPOINT_URL", ""
        )

    def _send(
        self,
        endpoint: str,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        headers: dict[str, str],
        body: bytes,
        service: str,
        region: str,
    ) -> Answer:
        """Send it until there is an answer that stands."""
        parts = urlsplit(endpoint)
        request = Request(method, parts.netloc, path, query, headers, body, service, region)
        for attempt in range(TRIES):
            final = attempt == TRIES - 1
            try:
                answer = self._once(parts.scheme, request)
                if final or not _is_passing(answer):
                    return answer
            except (OSError, HTTPException) as error:
                self._connections.pop((parts.scheme, parts.netloc), None)
                if final:
                    raise WorkerError(f"{method} {endpoint}: {error}") from None
            wait = min(BACKOFF_MAX_S, BACKOFF_S * 2**attempt)
            from random import uniform  # 3 ms that few need

            time.sleep(uniform(0, wait))  # noqa: S311  # jitter, no secret
        raise AssertionError("unreachable")

    def _once(self, scheme: str, request: Request) -> Answer:
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = signed_headers(request, self._credentials.get(), timestamp)
        target = request.path
        if request.query:
            target += "?" + query_string(request.query)
        connection = self._connection(scheme, request.host)
        connection.request(request.method, target, request.body or None, headers)
        response: HTTPResponse = connection.getresponse()
        response_headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, response_headers, response.read())

    def _connection(self, scheme: str, host: str) -> HTTPConnection:
        connection = self._connections.get((scheme, host))
        if connection is None:
            if scheme == "https":
                from http.client import HTTPSConnection

                connection = HTTPSConnection(host, timeout=TIMEOUT_S)
            else:
                connection = HTTPConnection(host, timeout=TIMEOUT_S)
            self._connections[scheme, host] = connection
        return connection


def _parts_of(uri: str) -> tuple[str, str]:
    """Bucket and key; the bucket is empty if the URI has none that S3 could have.

    The bucket becomes part of a host's name: with `evil#` the request, and the session's token
    with it, would go to the host `evil`.
    """
    bucket, _, key = uri[len("s3://") :].partition("/")
    if not uri.startswith("s3://") or not _BUCKET.fullmatch(bucket):
        return "", key
    return bucket, key


def _page_of(body: bytes) -> tuple[Sequence[tuple[str, int]], str]:
    """Keys and sizes of a page, and the token of the next one; empty behind the last."""
    from xml.etree import ElementTree as ET  # 10 ms that only a listing takes

    try:
        page = ET.fromstring(body)  # noqa: S314  # S3's own answer
    except ET.ParseError as error:
        raise WorkerError(f"S3 answered a listing with what is no XML: {error}") from None
    space = page.tag[: page.tag.index("}") + 1] if page.tag.startswith("{") else ""
    is_encoded = page.findtext(f"{space}EncodingType") == "url"
    entries = []
    for entry in page.iter(f"{space}Contents"):
        key = entry.findtext(f"{space}Key") or ""
        size = int(entry.findtext(f"{space}Size") or 0)
        entries.append((unquote_plus(key) if is_encoded else key, size))
    is_last = page.findtext(f"{space}IsTruncated") != "true"
    return entries, "" if is_last else page.findtext(f"{space}NextContinuationToken") or ""


def _is_passing(answer: Answer) -> bool:
    return answer.status in _AGAIN or (answer.status >= 400 and _code(answer) in _AGAIN_CODES)


def _refusal(answer: Answer) -> ServiceError:
    code = _code(answer)
    text = answer.body.decode(errors="replace")
    match = re.search(r"<Message>(.*?)</Message>|\"message\"\s*:\s*\"(.*?)\"", text, re.DOTALL)
    message = (match.group(1) or match.group(2) or "") if match else ""
    return ServiceError(f"{answer.status} {code} {message}".strip(), answer.status, code)


def _code(answer: Answer) -> str:
    text = answer.body.decode(errors="replace")
    match = re.search(r'<Code>(.*?)</Code>|"__type"\s*:\s*"(?:[^"]*#)?([^"#]*)"', text)
    return (match.group(1) or match.group(2) or "") if match else ""


def _suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
