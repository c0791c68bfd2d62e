"""The caller's mistakes, as AWS names them."""

from __future__ import annotations


class ClientError(Exception):
    """The caller's mistake: ClientException, 400."""


class ThrottledError(Exception):
    """TooManyRequestsException, 429: a fault on request."""


class LostAnswerError(Exception):
    """ServerException, 500, after the request was accepted: a fault on request."""
