"""Takes out of a document what belongs to one account or one person, so that it can be shared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

ACCOUNT = "111122223333"
"""Stands for every account, as in AWS's documentation."""

_ARN_ACCOUNT = re.compile(r"(arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:)\d{12}(?=:)")
_PERSON = re.compile(
    r"(arn:aws[a-z-]*:(?:iam|sts)::\d{12}:(?:user|assumed-role|federated-user)/)\S+"
)
_REQUEST_ID = re.compile(r"(Request ?I[Dd]:? ?)[0-9A-Za-z-]+")
_NETWORK_ID = re.compile(r"\b(subnet|sg|vpc|eni)-[0-9a-f]{8,17}\b")

_LEFT_OUT = frozenset(
    {"ResponseMetadata", "ReceiptHandle", "networkInterfaces", "PolicySourceArn", "OwnerId"}
    | {"RoleId", "UserId", "principalId", "requester", "source-ip-address", "request-id"}
)
"""Keys of what no probe looks at, and no stranger should."""


def without_account(value: Any, account: str = ACCOUNT) -> Any:
    """JSON of a document of AWS. Times become texts, bytes their number.

    What is there already without an account stays as it is.

    Args:
        account: the account's number, which stands in URLs too.
    """
    if isinstance(value, Mapping):
        kept = ((k, v) for k, v in value.items() if k not in _LEFT_OUT)
        return {key: without_account(entry, account) for key, entry in kept}
    if isinstance(value, list | tuple):
        return [without_account(entry, account) for entry in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return text_without_account(value, account) if isinstance(value, str) else value


def text_without_account(text: str, account: str = ACCOUNT) -> str:
    """Likewise, of a text."""
    text = _PERSON.sub(r"\1caller", text)
    text = _ARN_ACCOUNT.sub(rf"\g<1>{ACCOUNT}", text)
    text = re.sub(rf"(?<!\d){account}(?!\d)", ACCOUNT, text)
    text = _REQUEST_ID.sub(r"\1…", text)
    return _NETWORK_ID.sub(r"\1-0", text)
