"""Verifies the signature of a request as AWS does: Signature Version 4, in a header or a query.

botocore's own signers compute what the signature must be, so that there is one implementation of
the canonical form. S3 also takes the older query signature (Version 2), which boto3 still writes
into the URLs that it presigns for us-east-1.

Source: IAM User Guide, "Create a signed AWS API request" and "Elements of an API request
signature"; S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from urllib.parse import unquote, urlsplit

from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

SKEW_MAX = timedelta(minutes=15)
"""How far the clock of a signer may be off. Source: S3, RequestTimeTooSkewed."""

PRESIGNED_S_MAX = 604_800
"""Seconds that a presigned URL may last. Source: S3 API Reference, X-Amz-Expires."""

_UNSIGNED = "UNSIGNED-PAYLOAD"
_STREAMING = "STREAMING-"
_DATE = "%Y%m%dT%H%M%SZ"
_SECONDS = re.compile(r"[0-9]{1,19}")
"""Python reads no number of thousands of digits."""

_HEADER_FIELD = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request as it came over the wire."""

    method: str
    raw_path: str
    """As sent: still percent-encoded."""
    query: str
    headers: Mapping[str, str]
    """Lower-case names; values of a repeated header joined by commas."""


class SignatureProblem(Exception):
    """The request is not signed as it must be; `kind` is a key of error_responses.CODES."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a request says of its signature. It is true once `verify` returns."""

    access_key: str
    service: str
    region: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    presigned: bool

    def verify(self, request: SignedRequest, payload: str, secret: str) -> None:
        """Raises: SignatureProblem."""
        if self.timestamp[:8] != self._scope_date(request):
            raise SignatureProblem("signature", "the credential's date is not the request's date")
        signer = (_S3Signer if self.service == "s3" else _Signer)(
            Credentials(self.access_key, secret), self.service, self.region
        )
        signer.body_hash = payload
        signature = signer.sign(self._canonical(request), self.timestamp)
        if not _is_equal(signature, self.signature):
            raise SignatureProblem(
                "signature",
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method.",
            )

    def _scope_date(self, request: SignedRequest) -> str:
        text = unquote(request.query) if self.presigned else request.headers["authorization"]
        return text.partition(f"{self.access_key}/")[2][:8]

    def _canonical(self, request: SignedRequest) -> AWSRequest:
        headers = {name: request.headers.get(name, "") for name in self.signed_headers}
        return AWSRequest(
            request.method,
            f"http://{request.headers['host']}{request.raw_path}",
            headers=headers,
            params=_pairs(request.query, without="X-Amz-Signature"),  # type: ignore[arg-type]  # names may repeat
        )

    def payload(self, request: SignedRequest) -> str:
        """What was signed of the body, as far as it is known before the body: "" if it is not."""
        if self.presigned and self.service == "s3":
            return request.headers.get("x-amz-content-sha256", _UNSIGNED)
        return request.headers.get("x-amz-content-sha256", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySignatureV2:
    """The older signature of a presigned S3 URL."""

    access_key: str
    signature: str
    expires: str
    service: str = "s3"

    def payload(self, _request: SignedRequest) -> str:
        """It signs no body."""
        return _UNSIGNED

    def verify(self, request: SignedRequest, _payload: str, secret: str) -> None:
        """Raises: SignatureProblem."""
        headers = HTTPHeaders()
        # a signer moves the headers into the URL: the session's token is there and nowhere else
        for name, value in {**dict(_pairs(request.query)), **request.headers}.items():
            if name.startswith("x-amz-") or name in ("content-md5", "content-type"):
                headers[name] = value
        split = urlsplit(f"http://s3{request.raw_path}?{request.query}")
        signer = _V2Signer(Credentials(self.access_key, secret), self.expires)
        signatures = [
            signer.get_signature(request.method, split, headers, auth_path=resource)  # type: ignore[arg-type]  # its own kind
            for resource in _resources(request)
        ]
        if not any(_is_equal(one, self.signature) for one in signatures):
            raise SignatureProblem(
                "signature",
                "The request signature we calculated does not match the signature you provided.",
            )


def _check_moved(query: str) -> None:
    """A header in a version 2 URL has one value and the name that is signed.

    The emulator takes the first of two values, and any letters, for that of a header.
    """
    names = [name for name, _ in _pairs(query) if name.lower().startswith("x-amz-")]
    if len(set(names)) < len(names) or any(name != name.lower() for name in names):
        raise SignatureProblem("signature", f"The URL has parameters that are not signed: {names}")


def check_payload(declared: str, body: bytes) -> None:
    """Raises: SignatureProblem: the body is not the one that was signed."""
    if declared.startswith((_UNSIGNED, _STREAMING)):
        return
    body_hash = hashlib.sha256(body).hexdigest()
    if declared != body_hash:
        raise SignatureProblem(
            "body", "The provided 'x-amz-content-sha256' header does not match the body."
        )


def read_signature(request: SignedRequest, now: datetime) -> Signature | QuerySignatureV2:
    """What a request says of its signature: which key, when, for which service.

    Args:
        now: aware.

    Raises:
        SignatureProblem: there is none, a part of it is missing, or it is of another time.
    """
    query = dict(_pairs(request.query))
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("AWS4-HMAC-SHA256 "):
        signature = _from_header(request, dict(_HEADER_FIELD.findall(authorization)))
        _check_time(signature.timestamp, now, timedelta(0))
    elif query.get("X-Amz-Algorithm") == "AWS4-HMAC-SHA256":
        _check_one(authorization)
        signature = _from_query(query)
        _check_time(signature.timestamp, now, _lifetime(query.get("X-Amz-Expires", "")))
    elif {"AWSAccessKeyId", "Signature", "Expires"} <= query.keys():
        _check_one(authorization)
        _check_moved(request.query)
        return _from_v2_query(query, now)
    else:
        raise SignatureProblem(
            "missing",
            "Missing Authentication Token: requests to this local cloud are signed. "
            "Use the export lines that `batchrelay local up` prints.",
        )
    _check_signed(signature, request)
    return signature


def _check_one(authorization: str) -> None:
    """The emulator would read the other one too. Source: S3, InvalidArgument."""
    if authorization:
        raise SignatureProblem("incomplete", "Only one auth mechanism allowed.")


def _from_header(request: SignedRequest, fields: Mapping[str, str]) -> Signature:
    return _signature(
        credential=fields.get("Credential", ""),
        signed_headers=fields.get("SignedHeaders", ""),
        signature=fields.get("Signature", ""),
        timestamp=request.headers.get("x-amz-date", ""),
        presigned=False,
    )


def _from_query(query: Mapping[str, str]) -> Signature:
    return _signature(
        credential=query.get("X-Amz-Credential", ""),
        signed_headers=query.get("X-Amz-SignedHeaders", ""),
        signature=query.get("X-Amz-Signature", ""),
        timestamp=query.get("X-Amz-Date", ""),
        presigned=True,
    )


def _signature(
    *, credential: str, signed_headers: str, signature: str, timestamp: str, presigned: bool
) -> Signature:
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not (signed_headers and signature):
        raise SignatureProblem("incomplete", "The request signature is incomplete.")
    return Signature(
        access_key=parts[0],
        region=parts[2],
        service=parts[3],
        signed_headers=tuple(signed_headers.split(";")),
        signature=signature,
        timestamp=timestamp,
        presigned=presigned,
    )


def _from_v2_query(query: Mapping[str, str], now: datetime) -> QuerySignatureV2:
    expires = query["Expires"]
    if not _SECONDS.fullmatch(expires) or int(expires) < now.timestamp():
        raise SignatureProblem("expired", "Request has expired")
    return QuerySignatureV2(
        access_key=query["AWSAccessKeyId"], signature=query["Signature"], expires=expires
    )


def _lifetime(expires: str) -> timedelta:
    if not _SECONDS.fullmatch(expires) or int(expires) > PRESIGNED_S_MAX:
        raise SignatureProblem("incomplete", "X-Amz-Expires must be less than a week (in seconds)")
    return timedelta(seconds=int(expires))


def _check_time(timestamp: str, now: datetime, lifetime: timedelta) -> None:
    try:
        signed_at = datetime.strptime(timestamp, _DATE).replace(tzinfo=UTC)
    except ValueError:
        raise SignatureProblem("incomplete", "The request has no valid X-Amz-Date.") from None
    if signed_at > now + SKEW_MAX:
        raise SignatureProblem("expired", f"Signature not yet current: {timestamp}")
    if signed_at + (lifetime or SKEW_MAX) < now:
        raise SignatureProblem("expired", f"Signature expired: {timestamp}")


def _resources(request: SignedRequest) -> tuple[str, ...]:
    """The path from the bucket on, which may be in the host's name; boto3 ends a bucket with `/`.

    Source: S3 Developer Guide, "Signing and authenticating REST requests", CanonicalizedResource.
    """
    label, _, rest = request.headers["host"].partition(":")[0].lower().partition(".")
    is_virtual = rest.split(".")[-1] == "localhost" and label != "s3"
    path = f"/{label}{request.raw_path}" if is_virtual else request.raw_path
    return (path,) if path.count("/") > 1 or path == "/" else (path, f"{path}/")


def _is_equal(expected: str, actual: str) -> bool:
    """In constant time; as bytes, for a stranger's text may have any letter."""
    return hmac.compare_digest(expected.encode(), actual.encode())


def _check_signed(signature: Signature, request: SignedRequest) -> None:
    """A header that changes what is asked must be signed. Source: S3, AccessDenied."""
    names = [
        name
        for name in request.headers
        if (name == "host" or name.startswith("x-amz-")) and name not in signature.signed_headers
    ]
    if names:
        raise SignatureProblem(
            "incomplete", f"There were headers in the request which were not signed: {names}"
        )


def _pairs(query: str, without: str = "") -> list[tuple[str, str]]:
    """A plus stays a plus: signers write a space as %20."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    decoded_pairs = ((unquote(name), unquote(value)) for name, _, value in pairs)
    return [(name, value) for name, value in decoded_pairs if name != without]


class _Recomputed:
    """What a signer would have computed from exactly the headers that are named as signed."""

    body_hash: str
    canonical_request: Callable[[AWSRequest], str]
    string_to_sign: Callable[[AWSRequest, str], str]
    signature: Callable[[str, AWSRequest], str]

    def headers_to_sign(self, request: AWSRequest) -> Message:
        headers: Message = HTTPHeaders()
        for name, value in request.headers.items():
            headers[name] = value
        return headers

    def payload(self, _request: AWSRequest) -> str:
        return self.body_hash

    def sign(self, request: AWSRequest, timestamp: str) -> str:
        request.context["timestamp"] = timestamp
        text = self.string_to_sign(request, self.canonical_request(request))
        return self.signature(text, request)


class _Signer(_Recomputed, SigV4Auth):  # type: ignore[misc]  # mixed in before botocore's
    pass


class _S3Signer(_Recomputed, S3SigV4Auth):  # type: ignore[misc]
    pass


class _V2Signer(HmacV1QueryAuth):
    def __init__(self, credentials: Credentials, expires: str) -> None:
        super().__init__(credentials)
        self._date = expires

    def _get_date(self) -> str:
        return self._date
