"""The caller's mistakes, as AWS names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class ClientError(Exception):
    """The caller's mistake: ClientException, 400."""


class ThrottledError(Exception):
    """TooManyRequestsException, 429: a fault on request."""


class LostAnswerError(Exception):
    """ServerException, 500, after the request was accepted: a fault on request."""


def only(document: Mapping[str, Any], fields: Iterable[str], where: str) -> None:
    """What this version does not do is refused by name, never ignored. Raises: ClientError."""
    unknown = sorted(set(document) - set(fields))
    if unknown:
        raise ClientError(f"{where}: {', '.join(unknown)} is not supported by this local AWS Batch")
