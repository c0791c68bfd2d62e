"""Writes a history: every state that a run was stored in, as this version stores it.

    python -m verification.histories.record > verification/histories/schema-N.json

Recorded once for each version that changes what is stored, and replayed for ever.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

from batchrelay.codec import encode_pipeline, encode_run
from batchrelay.domain.budget import Budget, Rate
from batchrelay.domain.budget_events import Measured
from batchrelay.domain.effects import Prepare
from batchrelay.domain.errors import Denied
from batchrelay.domain.failures import ChildFailure, RetryFailed
from batchrelay.domain.held_submissions import unmeasured_jobs
from batchrelay.domain.limits import MEASUREMENT_GRACE_S, REPORT_GRACE_S
from batchrelay.domain.pipeline import NoticeRule, Overlap
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.step_state import JobOutcome
from batchrelay.engine.budgets import measure_cost, resume
from tests.builders import MemoryCloud, pipeline, step


def record() -> dict[str, Any]:
    """Runs: one to its end, one stopped on the way, one that waits in a run queue first, one
    whose failed item runs again, one that is redriven, one whose canary fails, one that is
    cancelled, and then its finally step too; one that leaves a report, and one that cannot; one
    that is PAUSED at its budget, and one that bounds how many children run."""
    history = _record()
    return {
        **history,
        "stopped": _record(timeout_s=60),
        "queued": _record(is_queued=True),
        "retried": _record(retry=RetryFailed(rounds=1)),
        "redriven": _record(is_redriven=True),
        "finally": _record_finally(),
        "canary": _record(retry=RetryFailed(rounds=1), canary=1),
        "bounded": _record(max_running=200),
        "report": _record_report(None),
        "no report": _record_report(Denied("AccessDenied")),
        "budget": _record_budget(),
    }


def _record_finally() -> dict[str, Any]:
    definition = pipeline(step("work"), step("clean", is_finally=True))
    cloud = MemoryCloud(definition)
    states = _states_of(cloud, "run1")
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    for stops_finally in (False, True):
        cloud.engine.cancel("run1", "enough", stops_finally)
        cloud.clock.move(10)
        cloud.engine.reconcile("run1")
    return {"pipeline": encode_pipeline(definition), "objects": {}, "states": states}


def _record_budget() -> dict[str, Any]:
    """Each job costs a dollar, but the last one has no price; it is PAUSED twice."""
    budget = Budget(usd=1, rates={"queue": Rate(vcpu_hour=0.03, gib_hour=0.004)})
    rule = NoticeRule(topic="${env.topicArn}", on=frozenset({"PAUSED"}))
    definition = pipeline(step("a"), step("b", "a"), step("c", "b"), budget=budget, notify=(rule,))
    cloud = MemoryCloud(definition)
    states = _states_of(cloud, "run1")
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    for number, unknown in enumerate(("", "b: no price", "")):
        for job in list(cloud.jobs.jobs.values()):
            cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
        for _ in range(2):
            cloud.clock.move(MEASUREMENT_GRACE_S)
            cloud.engine.reconcile("run1")
        measure_cost(cloud.engine, "run1", number, partial(_measured, unknown))
        if cloud.runs.load("run1").status is RunStatus.PAUSED:
            resume(cloud.engine, "run1", 5)
    return {"pipeline": encode_pipeline(definition), "objects": {}, "states": states}


def _measured(unknown: str, run: Run, _time_left: object) -> Measured:
    job_ids = frozenset(job_id for _, job_id in unmeasured_jobs(run))
    cost = None if unknown else RunCost(usd=1.0, sums="vCPUs", date="2026-09-11")
    return Measured(job_ids=job_ids, cost=cost, unknown=unknown)


class _Reports:
    """Writes nothing, or cannot."""

    def __init__(self, problem: Exception | None) -> None:
        self.problem = problem

    def write(self, *_: object) -> RunCost:
        if self.problem is not None:
            raise self.problem
        return RunCost(usd=1.25, sums="vCPUs and memory", date="2026-09-11")


def _record_report(problem: Exception | None) -> dict[str, Any]:
    """Reconcile asks for it again first."""
    definition = pipeline(step("work"), report=True)
    cloud = MemoryCloud(definition)
    states = _states_of(cloud, "run1")
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    for job in list(cloud.jobs.jobs.values()):
        cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
    for _ in range(2):
        cloud.clock.move(REPORT_GRACE_S)
        cloud.engine.reconcile("run1")
    cloud.engine.write_report("run1", 0, _Reports(problem).write)
    return {"pipeline": encode_pipeline(definition), "objects": {}, "states": states}


def _record(
    *,
    timeout_s: int | None = None,
    is_queued: bool = False,
    retry: RetryFailed | None = None,
    is_redriven: bool = False,
    canary: int | None = None,
    max_running: int | None = None,
) -> dict[str, Any]:
    """A plan, a fan-out over a list, a wide array, a merge."""
    definition = pipeline(
        step("plan"),
        step(
            "fan",
            "plan",
            file="s3://b/plan.json",
            output="s3://b/out/",
            retry_failed=retry,
            canary=canary,
        ),
        step("wide", "plan", size=25_000, max_running=max_running),
        step("merge", "fan", "wide"),
        timeout_s=timeout_s,
    )
    cloud = MemoryCloud(definition)
    cloud.objects.objects["s3://b/plan.json"] = b'{"Items": [1, 2, 3]}'
    states = _states_of(cloud, "run1")
    overlap = Overlap.QUEUE if is_queued else Overlap.PARALLEL
    for run_id in ("run0", "run1") if is_queued else ("run1",):
        order = StartRequest(run_id=run_id, pipeline="test", version=1, overlap=overlap)
        cloud.engine.start(order)
    for _ in range(16 if is_queued or retry or is_redriven else 8):
        for job in list(cloud.jobs.jobs.values()):
            if (retry or is_redriven) and job.name.endswith("-fan-r0-p0"):
                index = 1 if job.size > 1 else 0
                failure = ChildFailure(index=index, job_id=f"{job.job_id}:{index}", exit_code=1)
                cloud.jobs.end(job.job_id, JobOutcome.FAILED, failures=[failure])
            elif timeout_s is None or job.name.endswith("p0"):
                cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
        cloud.clock.move(10)
        for run_id in list(cloud.runs.open_runs()):
            cloud.engine.reconcile(run_id)
        if is_redriven and cloud.runs.load("run1").status is RunStatus.FAILED:
            cloud.engine.redrive("run1", RedriveOrder())
        while cloud.preparations.requested:
            wanted = cloud.preparations.requested.pop()
            assert isinstance(wanted, Prepare)
            cloud.engine.prepare(wanted.run_id, wanted.step, wanted.round)
    objects = {uri: body.decode("latin-1") for uri, body in cloud.objects.objects.items()}
    return {"pipeline": encode_pipeline(definition), "objects": objects, "states": states}


def _states_of(cloud: MemoryCloud, run_id: str) -> list[Any]:
    """Every state in which a run will be stored."""
    states: list[Any] = []

    def keep(method: Any) -> Any:
        def kept(run: Any, *run_queue: Any) -> Any:
            written = method(run, *run_queue)
            if run.id == run_id:
                states.append(encode_run(written))
            return written

        return kept

    for name in ("create", "save"):
        object.__setattr__(cloud.runs, name, keep(getattr(cloud.runs, name)))
    return states


if __name__ == "__main__":
    json.dump(record(), sys.stdout, indent=1)
