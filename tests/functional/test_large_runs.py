"""Runs of as many steps as a pipeline may have."""

from __future__ import annotations

from batchrelay.domain.events import JobSubmitted, JobSucceeded
from batchrelay.domain.run import RunStatus
from tests.builders import at, fold, key, run_of, step


def test_a_run_of_500_steps_ends() -> None:
    steps = [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, 500))]
    run = run_of(*steps)
    for one in steps:
        job = key(one.name)
        run = fold(
            run,
            JobSubmitted(at=at(1), key=job, job_id=one.name),
            JobSucceeded(at=at(2), key=job, job_id=one.name),
        )
    assert run.status is RunStatus.SUCCEEDED
