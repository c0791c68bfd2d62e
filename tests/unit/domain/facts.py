"""What happens to the jobs of the steps of a test."""

from __future__ import annotations

from batchrelay.domain.events import (
    FailuresCollected,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    RunEndPublished,
)
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome
from tests.builders import at, key

FOLDER = "s3://the-bucket/runs/run1/a/r1/20260101t000005000000/"

PUBLISHED = RunEndPublished(at=at(4), redrive=0)


def submitted(label: str, *, round_number: int = 0, part: int = 0) -> JobSubmitted:
    return JobSubmitted(
        at=at(1), key=key(label, part, round=round_number), job_id=_id(label, round_number, part)
    )


def failed(
    label: str, count: int, *, round_number: int = 0, part: int = 0, of: int = 10
) -> JobFailed:
    return JobFailed(
        at=at(2),
        key=key(label, part, round=round_number),
        job_id=_id(label, round_number, part),
        succeeded=of - count,
        failed=count,
        reason="Array Child Job failed",
    )


def succeeded(label: str, *, round_number: int = 0, part: int = 0) -> JobSucceeded:
    return JobSucceeded(
        at=at(3), key=key(label, part, round=round_number), job_id=_id(label, round_number, part)
    )


def _id(label: str, round_number: int, part: int) -> str:
    return f"{label}-{round_number}-{part}"


def collected(
    name: str, *children: int, failed: int = 0, upstream: int = 0, round_number: int = 1
) -> FailuresCollected:
    return FailuresCollected(
        at=at(5),
        step=name,
        round=round_number,
        failed=failed,
        upstream=upstream,
        reason="3 × ExitCode (exit code 1)",
        failures=FOLDER,
        children=children,
    )


def outcomes(run: Run, name: str = "a") -> list[JobOutcome | None]:
    """Of the parts of a step's latest round."""
    return [part.outcome for part in run.state(name).parts]
