"""Collects what AWS Batch and the result records say of a run, and makes its report.

AWS Batch is asked for each child by DescribeJobs, 100 to a call, because it says attempts and log
streams; ListJobs does not. Records are read of RECORDS_MAX children at most. AWS Batch forgets jobs
after days, S3 may have lost records, and a caller may lack a permission: then the rest is shown,
and a note of the step says what is not.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from batchrelay.domain.errors import InvalidItems, NotDone, Refused
from batchrelay.domain.failures import ChildFailure, FailureClass, failure_class
from batchrelay.domain.job_detail import Capacity, JobDetail
from batchrelay.domain.requests import results_of_round
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.stops import Stop, StopCause
from batchrelay.ports import JobDetails, ManyObjects
from batchrelay.prices import Prices
from batchrelay.report.cost import Pricing, Spent, cost_of_run
from batchrelay.report.document import fill_cost, report_document
from batchrelay.report.facts import ChildFact, ChildState, Document, Evidence, JobFact
from batchrelay.report.items import fill_items
from batchrelay.report.records import Measure, measures

RECORDS_MAX = 10_000
"""Result records of a run that are read: about a minute."""

PROGRESS_EVERY = 100
"""Children between two calls of `progress`."""

_FORGOTTEN = (
    "AWS Batch no longer knows {gone} of {jobs} jobs: it keeps ended jobs for seven days. Times, "
    "exit codes and log streams of their children are gone; counts, causes and lists are kept"
)
_UNANSWERED = "AWS Batch gave no complete answer, so children are missing: ask again ({error})"
_DENIED = "AWS Batch could not be asked for its jobs (batch:DescribeJobs): {error}"
_NO_RECORDS = "Result records could not be read (s3:GetObject, s3:ListBucket): {error}"
_CHILDREN_SAMPLED = (
    "AWS Batch was asked for one child in {stride:,} of its arrays: times, states and reasons of "
    "children are those of a sample, and the cost is not known. `batchrelay report` asks for all"
)
_SAMPLED = "Memory and CPU seconds are those of one child in {stride:,}: a sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSources:
    """Where the facts of a report come from."""

    jobs: JobDetails
    objects: ManyObjects


def collected_report(
    sources: ReportSources,
    run: Document,
    *,
    at: datetime,
    failures: Document | None = None,
    region: str | None = None,
    prices: Prices | None = None,
    children_max: float = math.inf,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, Any]:
    """The report document of a run.

    Args:
        run: as the API answers it, as are `failures`.
        region: of its links into the console, and of prices; None on a local cloud.
        prices: of its cost, which is unknown without.
        children_max: of arrays, about how many AWS Batch is asked for; of more, a sample.
        progress: is given how many children are collected, and of how many.
    """
    collection = _Collection(
        sources=sources, run=run, at=at, children_max=children_max, progress=progress
    )
    details = collection.job_details()
    document = report_document(
        Evidence(
            run=run,
            at=at,
            failures=failures,
            jobs={job_id: _job_fact(detail) for job_id, detail in details.items()},
            children=collection.children(details),
            notes=collection.notes,
            region=region,
        )
    )
    if prices is not None and not collection.is_sample:
        pricing = pricing_of(sources.jobs, prices, region, details)
        fill_cost(document, cost_of_run(pricing, details, collection.spent))
    fill_items(document, run, sources.objects, collection.first_items)
    return document


def pricing_of(
    jobs: JobDetails, prices: Prices, region: str | None, details: Mapping[str, JobDetail]
) -> Pricing:
    """By what such jobs are priced."""
    queues = (detail.queue for detail in details.values() if detail.queue)
    capacities = capacities_of(jobs, prices, region, queues)
    return Pricing(prices=prices, region=region, capacities=capacities)


def capacities_of(
    jobs: JobDetails, prices: Prices, region: str | None, queues: Iterable[str]
) -> Mapping[str, Capacity]:
    """Of the job queues that AWS's prices are for; nothing if they cannot be read, and on a local
    cloud, which has no Region."""
    priced = {queue for queue in queues if not prices.has_rate_of(queue)}
    if region is None or not priced:
        return {}
    try:
        return jobs.capacities(sorted(priced))
    except (NotDone, Refused):
        return {}


def _job_fact(detail: JobDetail) -> JobFact:
    return JobFact(queue=detail.queue or None, vcpus=detail.vcpus, memory_mib=detail.memory_mib)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One job of a step."""

    step: Document
    job: Document
    first: int
    """The number of its first child within its round."""

    @property
    def results(self) -> str | None:
        """The folder of the records of its round."""
        results = self.step["results"]
        if results is None:
            return None
        return results_of_round(str(results), self.step["round"], self.job["round"])


@dataclass(kw_only=True)
class _Collection:
    sources: ReportSources
    run: Document
    at: datetime
    children_max: float
    progress: Callable[[int, int], None]
    notes: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By step; complete when all children were read."""
    first_items: dict[tuple[str, int, int], int] = field(default_factory=dict)
    spent: defaultdict[tuple[str, str], Spent] = field(default_factory=lambda: defaultdict(Spent))
    """By step and jobId; complete likewise."""
    _done: int = 0
    _folders: dict[str, bool] = field(default_factory=dict)
    """Whether there are records in a folder."""

    def __post_init__(self) -> None:
        jobs = [job for step in self.run["steps"] for job in step["jobs"] if job["jobId"]]
        self._total = sum(job["children"] for job in jobs)
        self._stops = tuple(_stops(self.run))
        self._child_stride: int = max(1, math.ceil(self._total / self.children_max))
        asked = self._total / self._child_stride
        self._stride = self._child_stride * max(1, math.ceil(asked / RECORDS_MAX))

    @property
    def is_sample(self) -> bool:
        """Whether children of arrays are left out."""
        return self._child_stride > 1

    def job_details(self) -> dict[str, JobDetail]:
        """Of every job that AWS Batch knows, by its id; not of the children of arrays."""
        details: dict[str, JobDetail] = {}
        for step in self.run["steps"]:
            job_ids = [job["jobId"] for job in step["jobs"] if job["jobId"]]
            try:
                details |= {job.job_id: job for job in self.sources.jobs.details(job_ids)}
            except (NotDone, Refused) as error:
                self._note(step["step"], _unasked(error))
                continue
            gone = sum(job_id not in details for job_id in job_ids)
            if gone:
                self._note(step["step"], _FORGOTTEN.format(gone=gone, jobs=len(job_ids)))
        return details

    def children(self, details: Mapping[str, JobDetail]) -> Iterator[ChildFact]:
        """Of every job, one step after the other."""
        for step in self.run["steps"]:
            firsts = Counter[int]()
            for job in step["jobs"]:
                part = _Part(step=step, job=job, first=firsts[job["round"]])
                firsts[job["round"]] += job["children"]
                if job["jobId"] is None:
                    yield from self._refused(part)
                elif job["jobId"] in details:
                    spent = self.spent[step["step"], job["jobId"]]
                    for fact in self._part(part, details[job["jobId"]]):
                        spent.add(fact, self._ran_s(fact))
                        yield fact

    def _ran_s(self, fact: ChildFact) -> float:
        """How long its latest attempt has run."""
        if fact.started_at is None:
            return 0.0
        return max(0.0, ((fact.stopped_at or self.at) - fact.started_at).total_seconds())

    def _refused(self, part: _Part) -> Iterator[ChildFact]:
        """The children of a job that AWS Batch never had."""
        if part.job["outcome"] == JobOutcome.FAILED:
            detail = JobDetail(job_id="", status="FAILED", reason=part.step["reason"] or "")
            for index in self._indexes(part, part.job["children"]):
                yield self._fact(part, index, detail, Measure())

    def _part(self, part: _Part, job: JobDetail) -> Iterator[ChildFact]:
        used = self._measures(part)
        if not job.size:
            self._advance(1)
            yield self._fact(part, 0, job, used.get(part.first, Measure()))
            return
        count = 0
        indexes = self._indexes(part, job.size)
        for detail in self._described(part, [f"{job.job_id}:{n}" for n in indexes]):
            index = int(detail.job_id.rpartition(":")[2])
            count += 1
            self._advance(1)
            yield self._fact(part, index, detail, used.get(part.first + index, Measure()))
        if count == 0:  # it has no children yet, or ended before it had any
            unborn = JobDetail(job_id="", status=job.status, reason=job.reason)
            for index in indexes if job.status != "SUCCEEDED" else ():
                yield self._fact(part, index, unborn, Measure())

    def _indexes(self, part: _Part, size: int) -> range:
        """The children of a part that are looked at; of them, some have their record read."""
        if self.is_sample:
            self._note(part.step["step"], _CHILDREN_SAMPLED.format(stride=self._child_stride))
        return range(-part.first % self._child_stride, size, self._child_stride)

    def _described(self, part: _Part, job_ids: Sequence[str]) -> Iterator[JobDetail]:
        try:
            yield from self.sources.jobs.details(job_ids)
        except (NotDone, Refused) as error:
            self._note(part.step["step"], _unasked(error))

    def _measures(self, part: _Part) -> dict[int, Measure]:
        """What children left in their records, by their numbers."""
        name, results = part.step["step"], part.results
        if results is None or not self._has_records(name, results):
            return {}
        start = -part.first % self._stride
        numbers = [part.first + n for n in range(start, part.job["children"], self._stride)]
        used = dict(measures(self.sources.objects, results, numbers))
        for number, measure in used.items():
            if measure.first_item is not None:
                self.first_items[name, part.job["round"], number] = measure.first_item
        if self._stride > 1:
            self._note(name, _SAMPLED.format(stride=self._stride))
        return used

    def _has_records(self, step: str, results: str) -> bool:
        if results not in self._folders:
            try:
                self._folders[results] = any(self.sources.objects.list(results, ""))
            except InvalidItems as error:
                self._note(step, _NO_RECORDS.format(error=error))
                self._folders[results] = False
        return self._folders[results]

    def _fact(self, part: _Part, index: int, detail: JobDetail, used: Measure) -> ChildFact:
        state = self._state(detail)
        return ChildFact(
            step=part.step["step"],
            number=part.first + index,
            state=state,
            round=part.job["round"],
            group=part.job["group"],
            created_at=detail.created_at,
            started_at=detail.started_at,
            stopped_at=detail.stopped_at,
            attempts=detail.attempts,
            earlier_s=detail.earlier_s,
            peak_mib=used.peak_mib,
            cpu_s=used.cpu_s,
            exit_code=detail.exit_code,
            reason="" if state is ChildState.SUCCEEDED else detail.reason,
            log_stream=detail.log_stream,
        )

    def _state(self, detail: JobDetail) -> ChildState:
        if detail.status == "SUCCEEDED":
            return ChildState.SUCCEEDED
        if detail.status != "FAILED":
            return ChildState.RUNNING if detail.started_at is not None else ChildState.WAITING
        if any(detail.reason.startswith(stop.job_reason) for stop in self._stops):
            return ChildState.STOPPED
        failure = ChildFailure(
            index=0, job_id=detail.job_id, exit_code=detail.exit_code, reason=detail.reason
        )
        is_upstream = failure_class(failure) is FailureClass.UPSTREAM
        return ChildState.UPSTREAM if is_upstream else ChildState.FAILED

    def _advance(self, count: int) -> None:
        self._done += count
        if self._done % PROGRESS_EVERY == 0 or self._done == self._total:
            self.progress(self._done, self._total)

    def _note(self, step: str, note: str) -> None:
        if note not in self.notes[step]:
            self.notes[step].append(note)


def _stops(run: Document) -> Iterator[Stop]:
    """Of the run and of its finally steps; when and by what is no matter here."""
    at = datetime.fromisoformat(run["startedAt"])
    for reason in (run["stopped"], run["finallyStopped"]):
        if reason is not None:
            yield Stop(cause=StopCause.CANCEL, reason=reason, requested_at=at, since=at)


def _unasked(error: NotDone | Refused) -> str:
    return (_UNANSWERED if isinstance(error, NotDone) else _DENIED).format(error=error)
