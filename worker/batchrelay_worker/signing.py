"""AWS Signature Version 4. Source: AWS IAM User Guide, "Create a signed AWS API request"."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """A key, and the token of a role's session."""

    access_key: str
    secret_key: str
    token: str = ""


class Request(NamedTuple):
    """A request before it is signed."""

    method: str
    host: str
    path: str
    """Encoded once, as it is sent."""
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    service: str
    region: str


def signed_headers(request: Request, credentials: Credentials, timestamp: str) -> dict[str, str]:
    """The request's headers with its signature.

    Args:
        timestamp: UTC, as 20260131T235959Z.
    """
    digest = hashlib.sha256(request.body).hexdigest()
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers.update({"host": request.host, "x-amz-date": timestamp})
    if request.service == "s3":
        headers["x-amz-content-sha256"] = digest
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            request.method,
            request.path if request.service == "s3" else quote(request.path, safe="/~"),
            query_string(request.query),
            "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers)),
            names,
            digest,
        ]
    )
    scope = f"{timestamp[:8]}/{request.region}/{request.service}/aws4_request"
    text = "\n".join([ALGORITHM, timestamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + credentials.secret_key).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return headers


def query_string(query: list[tuple[str, str]]) -> str:
    """Sorted and encoded, as it is signed and sent."""
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in pairs)
