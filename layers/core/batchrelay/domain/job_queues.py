"""Whether AWS Batch takes jobs for a job queue of that name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchrelay.domain.suggestions import meant


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueue:
    """A job queue of the account, in the stack's Region."""

    name: str
    arn: str
    state: str
    """AWS Batch's own: ENABLED, or why it takes no jobs."""


def queue_problem(reference: str, queues: Sequence[JobQueue]) -> str | None:
    """Why a job that names this queue, by name or ARN, is refused; None if it is not.

    Args:
        queues: all of the account and Region.
    """
    queue = next((known for known in queues if reference in (known.name, known.arn)), None)
    if queue is None:
        close = meant(reference.rpartition("job-queue/")[2], [known.name for known in queues])
        hint = f": did you mean {close}?" if close else ""
        return f"there is no job queue {reference} in this account and region{hint}"
    if queue.state != "ENABLED":
        return f"job queue {reference} is {queue.state}: enable it, or name another one"
    return None
