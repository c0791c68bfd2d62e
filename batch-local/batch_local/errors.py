"""The errors of AWS Batch, by the names that it gives them."""

from __future__ import annotations


class ClientException(Exception):
    """The caller's mistake: 400."""


class TooManyRequestsException(Exception):
    """The quota of an operation is used up, or a fault on request: 429."""


class ServerException(Exception):
    """A fault on request, after the request was accepted: 500."""


class StateError(Exception):
    """A folder of state cannot be used; the sentence says why, and what to do."""


class EngineError(Exception):
    """An engine does not answer, or refuses; the sentence says why."""
