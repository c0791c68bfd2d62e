"""One child of a step: its attempt, and the job that kept it from running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.job_containers import attempts_of_job, judged_container
from batchrelay.domain.limits import STEPS_MAX
from batchrelay_cli.stack.client import Stack, never_ran

_BEGUN = ("STARTING", "RUNNING")


def attempts_of(job: Mapping[str, Any]) -> tuple[int, int]:
    """Which attempt of a JobDetail is the latest, and how many it may have. 0: none has begun."""
    attempt_count = len(attempts_of_job(job))
    latest = attempt_count + (job["status"] in _BEGUN)
    return latest, max(latest, int(job.get("retryStrategy", {}).get("attempts", 1)))


def summary_of(job: Mapping[str, Any]) -> str:
    """`attempt 2 of 3, FAILED, exit code 1`."""
    latest, attempts_max = attempts_of(job)
    exit_code = judged_container(job).get("exitCode")
    pieces = [f"attempt {latest} of {attempts_max}" if latest else "no attempt yet", job["status"]]
    if exit_code is not None and job["status"] not in _BEGUN:
        pieces.append(f"exit code {exit_code}")
    return ", ".join(pieces)


def failed_dependency(stack: Stack, job_id: str) -> Mapping[str, Any] | None:
    """The job that failed first of those on which one depends, over any number of steps.

    None if AWS Batch knows it no more, or does not say.
    """
    first = None
    for _ in range(STEPS_MAX):
        upstream_job = _failed_upstream(stack, first["jobId"] if first is not None else job_id)
        if upstream_job is None:
            return first
        first = upstream_job
        if not never_ran(upstream_job):
            return first
    return first


def _failed_upstream(stack: Stack, job_id: str) -> Mapping[str, Any] | None:
    parent_id, _, index = job_id.partition(":")
    parents = stack.describe([parent_id])
    if not parents:
        return None
    candidates = list(_upstream(stack, parents[0], index))
    failed_jobs = [job for job in stack.describe(candidates) if job["status"] == "FAILED"]
    return min(failed_jobs, key=never_ran, default=None)


def _upstream(stack: Stack, parent: Mapping[str, Any], index: str) -> Iterator[str]:
    """The jobs on which a child depends: a child i of an N_TO_N job, any child of another."""
    for entry in parent.get("dependsOn", ()):
        kind, job_id = entry.get("type"), entry.get("jobId")
        if kind == "SEQUENTIAL":
            before = stack.failed_child(parent["jobId"])
            if before is not None and before != f"{parent['jobId']}:{index}":
                yield before
        elif kind == "N_TO_N" and index:
            yield f"{job_id}:{index}"
        elif job_id is not None:
            yield stack.failed_child(job_id) or job_id


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a job stands in a run: a child of a round of a step, or the step's only job."""

    step: str
    index: int | None
    """Within its round; None of a step that is one job."""
    round: int
    """0 of the first, whatever its number."""
    has_later: bool = False
    """Whether there are rounds behind it, in which its item may have run again."""

    @property
    def text(self) -> str:
        """`step`, `step:7`, `step:7 of round 1`."""
        name = self.step if self.index is None else f"{self.step}:{self.index}"
        return name + (f" of round {self.round}" if self.round else "")

    def command(self, run_id: str) -> str:
        """What prints its log."""
        is_named = self.round > 0 or (self.has_later and self.index is not None)
        name = self.step if self.index is None else f"{self.step}:{self.index}"
        return f"batchrelay logs {run_id}/{name}" + (f" --round {self.round}" if is_named else "")


def jobs_of_round(step: Mapping[str, Any], round_number: int) -> list[Mapping[str, Any]]:
    """The jobs of one round, in order. 0 is the first that there is: of an aggregate, its level."""
    jobs = step["jobs"]
    first = min((job["round"] for job in jobs), default=0)
    return [job for job in jobs if job["round"] == (round_number or first)]


def place_of(run: Mapping[str, Any], job_id: str) -> Place | None:
    """Where a job of a run's document stands, as `logs` takes it."""
    parent_id, _, index = job_id.partition(":")
    for step in run["steps"]:
        is_first = True
        rounds = sorted({job["round"] for job in step["jobs"]})
        for round_number in rounds:
            jobs = [job for job in step["jobs"] if job["round"] == round_number]
            first = 0
            for job in jobs:
                if job["jobId"] == parent_id:
                    is_child = bool(index) or len(jobs) > 1
                    return Place(
                        step=step["step"],
                        index=first + int(index or 0) if is_child else None,
                        round=0 if is_first else round_number,
                        has_later=round_number < rounds[-1],
                    )
                first += job["children"]
            is_first = False
    return None
