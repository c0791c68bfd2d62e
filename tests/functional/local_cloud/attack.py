"""Tries to use a local cloud without its secret.

    python -m tests.functional.local_cloud.attack ENDPOINT

Each attempt is what a web page of another site, or another user of the machine, can send. With the
cloud's variables in the environment it also sends the same requests correctly signed, which must
pass. The exit code is 1 if an attempt got through, or if a signed request did not.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PAGE = "https://evil.example"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One HTTP request."""

    name: str
    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the cloud answered."""

    status: int
    cors: str
    body: bytes


def send(endpoint: str, attempt: Attempt) -> Outcome:
    """Send exactly these headers: http.client adds nothing to a request that has a Host."""
    address = urlsplit(endpoint)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    headers = {"Host": address.netloc, "Content-Length": str(len(attempt.body)), **attempt.headers}
    connection.putrequest(attempt.method, attempt.path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(attempt.body)
    answer = connection.getresponse()
    cors = answer.headers.get("Access-Control-Allow-Origin", "")
    outcome = Outcome(status=answer.status, cors=cors, body=answer.read())
    connection.close()
    return outcome


def code_that_writes(marker: Path, name: str) -> tuple[Attempt, Attempt]:
    """CreateFunction and Invoke of a function that writes a file as the user."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("f.py", f"def handle(e, c):\n    open({str(marker)!r}, 'w').close()\n")
    function = {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Role": "arn:aws:iam::000000000000:role/r",
        "Handler": "f.handle",
        "Code": {"ZipFile": base64.b64encode(body.getvalue()).decode()},
    }
    path = "/2015-03-31/functions"
    create = Attempt(
        name="Lambda CreateFunction", method="POST", path=path, body=json.dumps(function).encode()
    )
    invoke = Attempt(
        name="Lambda Invoke", method="POST", path=f"{path}/{name}/invocations", body=b"{}"
    )
    return create, invoke


def attempts(endpoint: str, api_url: str, marker: Path) -> Iterator[Attempt]:
    """Everything that can be sent without the secret."""
    host = urlsplit(endpoint).netloc
    page = {"Content-Type": "text/plain", "Origin": PAGE}
    create, invoke = code_that_writes(marker, "attack")
    senders: dict[str, dict[str, str]] = {
        "a page of another site": page,
        "the same with its fetch metadata": {**page, "Sec-Fetch-Site": "cross-site"},
        "a sandboxed page": {**page, "Origin": "null"},
        "a page of another port": {**page, "Origin": "http://localhost:3000"},
        "a name of another site, rebound": {"Host": f"evil.example:{host.partition(':')[2]}"},
        "another user of this machine": {},
        "any Authorization that names the service": _forged("lambda"),
    }
    for sender, headers in senders.items():
        for request in (create, invoke):
            yield replace(request, name=f"{request.name}, {sender}", headers=headers)
    definition = {"jobDefinitionName": "x", "type": "container"}
    yield Attempt(
        name="Batch RegisterJobDefinition, any Authorization that names the service",
        method="POST",
        path="/v1/registerjobdefinition",
        headers={"Content-Type": "application/json", **_forged("batch")},
        body=json.dumps(definition).encode(),
    )
    yield Attempt(name="the list of buckets, a page of another site", headers={"Origin": PAGE})
    yield Attempt(name="the list of buckets, an image of another site", headers={
        "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors",
    })  # fmt: skip
    yield Attempt(name="a preflight of another site", method="OPTIONS", headers={
        "Origin": PAGE, "Access-Control-Request-Method": "PUT",
    })  # fmt: skip
    for path in ("/_ministack/health", "/%5fministack/health", "/_localstack/health", "/health",
                 "/_batchrelay/calls"):  # fmt: skip
        yield Attempt(name=f"GET {path}", path=path)
    yield Attempt(name="POST /_ministack/reset", method="POST", path="/_ministack/reset")
    yield Attempt(name="SQS ListQueues by query", path="/?Action=ListQueues&Version=2012-11-05")
    if api_url:
        yield Attempt(name="the API", path=urlsplit(api_url).path + "/runs")


def _forged(service: str) -> dict[str, str]:
    day = time.strftime("%Y%m%d", time.gmtime())
    scope = f"{day}/us-east-1/{service}/aws4_request"
    return {
        "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        "Authorization": f"AWS4-HMAC-SHA256 Credential=000000000000/{scope}, "
        f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
    }


def signed(
    endpoint: str, attempt: Attempt, service: str, environment: Mapping[str, str]
) -> Attempt:
    """The same request, correctly signed."""
    request = AWSRequest(
        attempt.method, endpoint + attempt.path, headers=dict(attempt.headers), data=attempt.body
    )
    SigV4Auth(_keys(environment), service, "us-east-1").add_auth(request)
    return replace(attempt, headers=dict(request.headers))


def presigned(
    endpoint: str, attempt: Attempt, environment: Mapping[str, str], expires: int = 60
) -> Attempt:
    """The same request of S3, its signature in the query."""
    request = AWSRequest(attempt.method, endpoint + attempt.path)
    S3SigV4QueryAuth(_keys(environment), "s3", "us-east-1", expires=expires).add_auth(request)
    assert request.url is not None
    return replace(attempt, path=request.url.removeprefix(endpoint))


def _keys(environment: Mapping[str, str]) -> Credentials:
    return Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])


def main() -> int:
    """A line for each attempt."""
    endpoint, api_url = sys.argv[1], (sys.argv[2:] or [""])[0]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        marker = Path(folder) / "written"
        for attempt in attempts(endpoint, api_url, marker):
            outcome = send(endpoint, attempt)
            got_through = outcome.status != 403 or bool(outcome.cors) or marker.exists()
            failed += got_through
            effects = f", readable by {outcome.cors}" if outcome.cors else ""
            effects += ", WROTE A FILE AS THE USER" if marker.exists() else ""
            verdict = "THROUGH" if got_through else "refused"
            print(f"{verdict}  {outcome.status}  {attempt.name}{effects}")
            marker.unlink(missing_ok=True)
        if "AWS_SECRET_ACCESS_KEY" in os.environ:
            for attempt in code_that_writes(marker, "allowed"):
                outcome = send(endpoint, signed(endpoint, attempt, "lambda", os.environ))
                failed += outcome.status >= 300
                print(f"allowed  {outcome.status}  {attempt.name}, correctly signed")
            failed += not marker.exists()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
