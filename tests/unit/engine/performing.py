"""Effects of a test, what is performed of them, and an AWS Batch that answers as it wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from batchrelay.domain.effects import Effect, SubmitJob, TerminateJob
from batchrelay.domain.errors import Refused, Throttled
from batchrelay.domain.events import Event, JobSubmitted
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.job_queues import JobQueue
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import Json
from batchrelay.engine.effects import Performer
from tests.builders import T0, at, fold, key, run_of, step

NOW = at(50)


@dataclass
class Jobs:
    """AWS Batch as a test wants it; what it was asked."""

    answers: list[str | Exception] = field(default_factory=list)
    listings: list[tuple[str, ...]] = field(default_factory=list)
    reports: tuple[JobReport, ...] = ()
    lives_on: frozenset[str] = frozenset()
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def failed_children(self, job_id: str) -> Iterator[ChildFailure]:
        raise NotImplementedError(job_id)

    def submit_all(self, requests: Sequence[Mapping[str, Json]]) -> Sequence[str | Exception]:
        self.calls.append(("submit", *(request["jobName"] for request in requests)))
        return [self.answers.pop(0) for _ in requests]

    def find(self, queue: str, name: str) -> tuple[str, ...]:
        self.calls.append(("find", queue, name))
        listing = self.listings.pop(0)
        if listing == ("refused",):
            raise Refused("no queue")
        if listing == ("throttled",):
            raise Throttled("later")
        return listing

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        self.calls.append(("describe", *job_ids))
        return self.reports

    def queues(self) -> Sequence[JobQueue]:
        raise NotImplementedError

    def terminate(self, job_ids: Sequence[str], reason: str) -> tuple[str, ...]:
        self.calls.append(("terminate", tuple(job_ids), reason))
        return tuple(job_id for job_id in job_ids if job_id not in self.lives_on)


def events_of(
    performer: Performer, run: Run, *effects: Effect, again: bool = False, goes_on: bool = True
) -> tuple[Event, ...]:
    done = performer.perform(run, [(effect, again) for effect in effects], goes_on=goes_on)
    assert done.problem is None
    return done.events


def submission(label: str = "a") -> SubmitJob:
    return SubmitJob(since=T0, key=key(label))


def termination(job_id: str, reason: str = "why") -> TerminateJob:
    return TerminateJob(since=T0, run_id="run1", job_id=job_id, reason=reason)


def at_work(*labels: str) -> Run:
    submitted = (JobSubmitted(at=T0, key=key(label), job_id=f"j-{label}") for label in labels)
    return fold(run_of(*(step(label) for label in labels)), *submitted)


def report(label: str, outcome: JobOutcome | None, **fields: int) -> JobReport:
    return JobReport(job_id=f"j-{label}", outcome=outcome, **fields)  # type: ignore[arg-type]
