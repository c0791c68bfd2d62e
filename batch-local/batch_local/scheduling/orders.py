"""What the scheduler asks of the world outside: processes to start, and to stop."""

from __future__ import annotations

from dataclasses import dataclass

from batch_local.model import Attempt, Job


@dataclass(frozen=True, slots=True)
class Launch:
    """A process that is to be started."""

    job: Job
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Signal:
    """A process that is to be stopped, or killed."""

    job: Job
    kill: bool
