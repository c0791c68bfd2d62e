"""What an AWS error means for an effect: refused for good, surely not done, or unknown."""

from __future__ import annotations

from botocore.exceptions import ClientError

from batchrelay.domain.errors import Ambiguous, BatchrelayError, Refused, Throttled

_THROTTLING = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "Throttling", "Throttled"}
)


def classified(error: ClientError) -> BatchrelayError:
    """429 was not accepted, 4xx never will be; of the rest nobody knows (reference §1.5)."""
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    message = f"{code}: {error.response['Error'].get('Message', '')}"
    if status == 429 or code in _THROTTLING:
        return Throttled(message)
    return Refused(message) if 400 <= status < 500 else Ambiguous(message)
