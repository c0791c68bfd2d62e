"""What an AWS error means for an effect: refused for good, surely not done, or unknown."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from batchrelay.domain.errors import Ambiguous, BatchrelayError, Denied, Refused, Throttled

_T = TypeVar("_T")

CONDITION_FAILED = "ConditionalCheckFailed"
"""A code of a cancelled transaction: that write's condition does not hold."""

_HINDERED_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.6)
"""At most, before each further try: 2.4 s on average. Ten rivals at 10 ms each are done by then."""

_THROTTLING = frozenset(
    {
        "KMSThrottling",
        "KMSThrottlingException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

AWS_ERRORS = (ClientError, BotoCoreError)
"""Everything that a call of botocore raises on its own account."""


def classified(error: ClientError | BotoCoreError) -> BatchrelayError:
    """429 was not accepted, 4xx never will be; of the rest it is unknown (aws-batch.md, Errors).

    A request that botocore's model does not know never will be accepted either; a connection
    that broke, or never came about, leaves it open.
    """
    if isinstance(error, ParamValidationError):
        return Refused(" ".join(str(error).split()))
    if not isinstance(error, ClientError):
        return Ambiguous(str(error))
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    message = f"{code}: {error.response['Error'].get('Message', '')}"
    if status == 429 or code in _THROTTLING:
        return Throttled(message)
    if code in _DENIED:
        return Denied(message)
    return Refused(message) if 400 <= status < 500 else Ambiguous(message)


def unhindered(write: Callable[[], _T]) -> _T:
    """What a write of DynamoDB answers, tried again while another transaction has its item.

    botocore does not: to it, TransactionConflict is an error like any other.
    """
    for wait_s in _HINDERED_WAITS_S:
        try:
            return write()
        except ClientError as error:
            if not is_hindered(error):
                raise
            time.sleep(random.uniform(0, wait_s))  # noqa: S311  # a wait, no secret
    return write()


def is_hindered(error: ClientError) -> bool:
    """Whether another transaction was the only obstacle of a write."""
    if error.response["Error"]["Code"] == "TransactionConflictException":
        return True
    codes = cancellation_codes(error)
    return "TransactionConflict" in codes and CONDITION_FAILED not in codes


def cancellation_codes(error: ClientError) -> list[str]:
    """Why a transaction was cancelled, for each of its writes; nothing for any other error."""
    reasons: Any = error.response.get("CancellationReasons", ())
    return [reason["Code"] for reason in reasons]
