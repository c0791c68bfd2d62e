"""An error in the shape of the service that a request was for, so that every SDK reads it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

FORBIDDEN = 403

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

CODES: Mapping[str, tuple[str, str, str]] = {
    "missing": (
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "AccessDenied",
    ),
    "incomplete": ("IncompleteSignatureException", "IncompleteSignature", "AccessDenied"),
    "key": ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"),
    "signature": ("InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    "body": ("InvalidSignatureException", "SignatureDoesNotMatch", "XAmzContentSHA256Mismatch"),
    "expired": ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
    "denied": ("AccessDeniedException", "AccessDenied", "AccessDenied"),
}
"""The error code in a JSON service, in a query service, and in S3.

Source: IAM User Guide, "Common errors"; S3 API Reference, "Error responses".
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorResponse:
    """A response that is ready to be sent."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    status: int = FORBIDDEN


def error_response(
    kind: str, message: str, headers: Mapping[str, str], service: str | None
) -> ErrorResponse:
    """The answer to a request that is not signed as it must be, or not allowed.

    Args:
        kind: a key of CODES.
        headers: of the request.
        service: of the credential's scope, if it has one.
    """
    json_code, query_code, s3_code = CODES[kind]
    content_type = headers.get("content-type", "")
    if "x-www-form-urlencoded" in content_type:
        return _xml("ErrorResponse", f"<Error>{_fields(query_code, message)}</Error>")
    is_json = "x-amz-target" in headers or "json" in content_type
    if service == "s3" or (service is None and not is_json):
        return _xml("Error", _fields(s3_code, message))
    body = json.dumps({"__type": json_code, "message": message}).encode()
    response_headers = (
        (b"content-type", b"application/json"),
        (b"x-amzn-errortype", json_code.encode()),
    )
    return ErrorResponse(headers=response_headers, body=body)


def _fields(code: str, message: str) -> str:
    return f"<Code>{code}</Code><Message>{_xml_text(message)}</Message>"


def _xml_text(text: str) -> str:
    """A text from outside between two tags; XML has no characters for control characters.

    Source: XML 1.0, "Characters".
    """
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _xml(root: str, inner: str) -> ErrorResponse:
    request_id = f"<RequestId>{uuid.uuid4()}</RequestId>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}{request_id}</{root}>'
    return ErrorResponse(headers=((b"content-type", b"application/xml"),), body=text.encode())
