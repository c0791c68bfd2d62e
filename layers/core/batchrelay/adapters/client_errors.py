"""What an AWS error means for an effect: refused for good, surely not done, or unknown."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from batchrelay.domain.errors import Ambiguous, BatchrelayError, Refused, Throttled

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

AWS_ERRORS = (ClientError, BotoCoreError)
"""Everything that a call of botocore raises on its own account."""


def classified(error: ClientError | BotoCoreError) -> BatchrelayError:
    """429 was not accepted, 4xx never will be; of the rest nobody knows (reference §1.5).

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
    return Refused(message) if 400 <= status < 500 else Ambiguous(message)


def is_denied(problem: BatchrelayError) -> bool:
    """Whether a role is not allowed to ask: nothing is known of what was asked for."""
    return "AccessDenied" in str(problem)
