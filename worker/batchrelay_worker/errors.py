"""What goes wrong, in sentences."""

from __future__ import annotations


class WorkerError(Exception):
    """It cannot go on; the message says why and what to do."""


class ServiceError(WorkerError):
    """An AWS service refused."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class StopRequested(Exception):  # nothing is wrong
    """SIGTERM: a Spot reclaim, a timeout, or a request stopped the job."""
