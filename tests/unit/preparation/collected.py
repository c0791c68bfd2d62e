"""A run in memory of which a step ends rounds with failures, and what is collected of them."""

from __future__ import annotations

import json
from typing import Any

from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.pipeline import Param, Step
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.step_state import JobOutcome
from tests.builders import MemoryCloud, key, pipeline

LIST = "s3://b/list.json"
OOM = "OutOfMemoryError: Container killed due to memory usage"


class Collected:
    """A run whose step `a` has ended a round with these failures, and what was collected."""

    def __init__(
        self,
        *steps: Step,
        lists: dict[str, bytes] | None = None,
        params: tuple[Param, ...] = (),
    ) -> None:
        self.cloud = MemoryCloud(pipeline(*steps, params=params))
        self.cloud.objects.objects.update(lists or {LIST: _listed(10)})
        self.cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
        self.prepare()

    @property
    def run(self) -> Run:
        return self.cloud.runs.load("run1")

    def prepare(self) -> None:
        self.cloud.prepare()

    def end(self, label: str, *failed: ChildFailure, round_number: int = 0, part: int = 0) -> None:
        """A job ends, and AWS Batch says so; what follows is not prepared yet."""
        name = key(label, part, round=round_number).name
        [job] = [job for job in self.cloud.jobs.jobs.values() if job.name == name]
        outcome = JobOutcome.FAILED if failed else JobOutcome.SUCCEEDED
        own = [
            ChildFailure(
                index=f.index,
                job_id=f"{job.job_id}:{f.index}",
                exit_code=f.exit_code,
                reason=f.reason,
            )
            for f in failed
        ]
        self.cloud.jobs.end(job.job_id, outcome, "Array Child Job failed", failures=own)
        self.cloud.clock.move(10)
        self.cloud.engine.reconcile("run1")

    def file(self, name: str) -> bytes:
        return self.cloud.objects.objects[self.run.state("a").failures + name]

    def lines(self, name: str) -> list[Any]:
        return [json.loads(line) for line in self.file(name).splitlines()]

    def causes(self) -> list[Any]:
        causes: list[Any] = json.loads(self.file("causes.json"))["causes"]
        return causes


def _listed(count: int) -> bytes:
    return json.dumps({"Items": [{"name": f"n{number}"} for number in range(count)]}).encode()


def child(index: int, exit_code: int | None = 1, reason: str = "") -> ChildFailure:
    return ChildFailure(index=index, job_id="", exit_code=exit_code, reason=reason)
