"""DescribeJobs leaves a job out once, two hours after it was submitted; the job goes on.

    python -m verification.stress.missing_job

It says what became of the run. Its exit code is 1 if one answer fails a step whose job succeeds
later, or if a job that is gone for good is waited for for ever or runs on after its run.
"""

from __future__ import annotations

import sys
from typing import Any

from batchrelay.domain.events import JobSucceeded
from batchrelay.domain.run import StartRequest
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import JobKey
from tests.builders import MemoryCloud, pipeline, step

ORDER = StartRequest(run_id="run1", pipeline="test", version=1)
HOUR_S = 3_600


def missed_once() -> str:
    """The step's status after the job has succeeded."""
    cloud = MemoryCloud(pipeline(step("a")))
    cloud.engine.start(ORDER)
    _reconcile_without_answer(cloud, 2 * HOUR_S)
    [job] = cloud.jobs.jobs.values()
    cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
    key = JobKey.parse(job.name)
    assert key is not None, job
    event = JobSucceeded(at=cloud.clock.now(), key=key, job_id=job.job_id)
    return str(cloud.engine.handle("run1", [event]).run.state("a").status)


def gone_for_good() -> tuple[str, int]:
    """The run's status after a day, and how many jobs run on."""
    cloud = MemoryCloud(pipeline(step("a")))
    cloud.engine.start(ORDER)
    for _ in range(24):
        _reconcile_without_answer(cloud, HOUR_S)
    run = cloud.runs.load("run1")
    running = sum(job.outcome is None for job in cloud.jobs.jobs.values())
    return str(run.status), running


def _reconcile_without_answer(cloud: MemoryCloud, later_s: float) -> None:
    describe: Any = cloud.jobs.describe
    cloud.jobs.describe = lambda _: ()  # type: ignore[method-assign,assignment]
    cloud.clock.move(later_s)
    cloud.engine.reconcile("run1")
    cloud.prepare()
    cloud.jobs.describe = describe  # type: ignore[method-assign]


def main() -> int:
    """Print what happened; 1 if the fault is there."""
    status, (ended, running) = missed_once(), gone_for_good()
    print(f"one answer without the job, which then succeeds: its step is {status}")
    print(
        f"a job that is never in an answer: after a day its run is {ended}, {running} jobs run on"
    )
    return int(status != "SUCCEEDED" or ended != "FAILED" or running > 0)


if __name__ == "__main__":
    sys.exit(main())
