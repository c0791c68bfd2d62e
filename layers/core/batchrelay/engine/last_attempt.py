"""When work that may take minutes is given up, and why."""

from __future__ import annotations

from batchrelay.domain.errors import InvalidItems, Refused

_FOR_GOOD = (Refused, InvalidItems)
"""Errors that another attempt cannot fix."""


def may_come_again(error: Exception, *, is_last: bool) -> bool:
    """Whether another attempt is left, and may do without the error."""
    return not is_last and not isinstance(error, _FOR_GOOD)


def reason_of(error: Exception) -> str:
    """Why an attempt was the last one; of an error that was not foreseen, with its name."""
    return str(error) if isinstance(error, _FOR_GOOD) else f"{type(error).__name__}: {error}"
