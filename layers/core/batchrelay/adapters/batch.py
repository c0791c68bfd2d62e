"""AWS Batch. A submission is sent once: an answer that is lost is Ambiguous, never sent again."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from batchrelay.adapters.client_errors import AWS_ERRORS, classified
from batchrelay.adapters.clients import aws_client
from batchrelay.codec.job_detail import (
    capacity_of,
    children_failed,
    detail_of,
    failure_of,
    failures_without_children,
    job_queue_of,
    report_of,
)
from batchrelay.domain.errors import (
    Ambiguous,
    Denied,
    JobForgotten,
    NotDone,
    Refused,
    Throttled,
)
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_containers import has_several, node_ids, was_stopped
from batchrelay.domain.job_detail import Capacity, JobDetail, JobReport
from batchrelay.domain.job_queues import JobQueue
from batchrelay.domain.limits import DESCRIBE_IDS_MAX, EFFECT_S_MAX
from batchrelay.domain.values import Json

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import JobDetailTypeDef, JobSummaryTypeDef

AWS_DOMAIN = ".amazonaws.com"
"""Of an endpoint of AWS. Source: AWS General Reference, service endpoints."""

TERMINATE_IDS_MAX = 50
"""Job ids of one TerminateJobs call. Source: TerminateJobs, jobs."""

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5, 15
"""Seconds: far under the handlers' 60, so that a hanging call becomes Ambiguous in time."""

LOOK_TRIES = 2
LOOK_CONNECT_TIMEOUT_S, LOOK_READ_TIMEOUT_S = 2, 5
"""Of a DescribeJobs call for which a person waits: API Gateway waits 29 s for the whole answer."""

THROTTLED_TRIES = 4
"""Tries of a throttled submission before it is postponed: about 3 s of a handler's time."""

SUBMIT_THREADS = 8
"""SubmitJob calls at the same time: at 0.15 s each 53 a second, and AWS Batch takes 50 of an
account. Source: Batch User Guide, service quotas."""

DETAIL_THREADS = 4
"""DescribeJobs calls at the same time, of 100 jobs each: 10,000 children are 100 calls."""

DETAIL_TRIES = 8
"""Of such a call: adaptive, so that a report slows down before it takes the account's rate."""


@dataclass
class BatchJobs:
    """Jobs on AWS Batch."""

    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    time_left: Callable[[], float] = field(default=lambda: math.inf, repr=False)
    """Seconds until the invocation must have ended."""
    make_client: Callable[..., Any] = field(default=aws_client, repr=False)
    config: Config | None = field(default=None, repr=False)
    """Of the client for everything but submissions."""

    @classmethod
    def looked_at(cls, make_client: Callable[..., Any] = aws_client) -> BatchJobs:
        """Jobs for which a person waits: an answer comes soon, or not at all."""
        soon = Config(
            retries={"total_max_attempts": LOOK_TRIES, "mode": "standard"},
            connect_timeout=LOOK_CONNECT_TIMEOUT_S,
            read_timeout=LOOK_READ_TIMEOUT_S,
        )
        return cls(make_client=make_client, config=soon)

    @classmethod
    def described_at_length(cls, make_client: Callable[..., Any] = aws_client) -> BatchJobs:
        """Jobs of which all children are described, beside others who ask AWS Batch."""
        patient = Config(retries={"total_max_attempts": DETAIL_TRIES, "mode": "adaptive"})
        return cls(make_client=make_client, config=patient)

    @cached_property
    def _submitter(self) -> BatchClient:
        """botocore retries a lost answer on its own accord, which would submit twice.

        Its adaptive mode slows a process down by the 429s that it meets: so all functions together
        find the account's rate (50 a second), whatever else uses it.
        """
        once = Config(
            retries={"total_max_attempts": 1, "mode": "adaptive"},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
        )
        client: BatchClient = self.make_client("batch", config=once)
        return client

    @cached_property
    def _client(self) -> BatchClient:
        client: BatchClient = self.make_client("batch", config=self.config)
        return client

    def submit_all(self, requests: Sequence[Mapping[str, Json]]) -> Sequence[str | Exception]:
        """Several calls at a time: of 0.15 s each, one after the other makes 7 a second."""
        _ = self._submitter  # made once, before the threads
        threads = min(SUBMIT_THREADS, len(requests))
        if threads <= 1:
            return tuple(map(self._submitted, requests))
        with ThreadPoolExecutor(threads) as pool:
            return tuple(pool.map(self._submitted, requests))

    def _submitted(self, request: Mapping[str, Json]) -> str | Exception:
        problem: Exception = Throttled("no time was left")
        for attempt in range(THROTTLED_TRIES):
            wait_s = random.uniform(0.1, 0.5 * 2**attempt) if attempt else 0.0  # noqa: S311  # jitter, no secret
            if self.time_left() < EFFECT_S_MAX + wait_s:
                return problem
            if wait_s:
                self.sleep(wait_s)
            try:
                return self._submit_once(request)
            except Throttled as error:
                problem = error
            except Exception as error:  # noqa: BLE001  # one fault is not the others'
                return error
        return problem

    def _submit_once(self, request: Mapping[str, Json]) -> str:
        parameters: dict[str, Any] = dict(request)
        try:
            return self._submitter.submit_job(**parameters)["jobId"]
        except AWS_ERRORS as error:
            raise classified(error) from error

    def find(self, queue: str, name: str) -> tuple[str, ...]:
        """The filter ignores case and is newest first; names are compared again here.

        Source: ListJobs, filters.
        """
        try:
            pages = self._client.get_paginator("list_jobs").paginate(
                jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}]
            )
            found = [job for page in pages for job in page["jobSummaryList"]]
        except AWS_ERRORS as error:
            problem = classified(error)
            if isinstance(problem, Denied):  # there may be a job: it stays pending, and is reported
                raise Ambiguous(str(problem)) from error
            raise problem from error
        same = [job for job in found if job["jobName"] == name]
        same.sort(key=lambda job: job.get("createdAt", 0))
        return tuple(job["jobId"] for job in same)

    def queues(self) -> list[JobQueue]:
        """Usually one call: an account has 50 of them. Source: Batch User Guide, service quotas."""
        try:
            pages = list(self._client.get_paginator("describe_job_queues").paginate())
        except AWS_ERRORS as error:
            raise classified(error) from error
        return [job_queue_of(queue) for page in pages for queue in page["jobQueues"]]

    @property
    def region(self) -> str | None:
        """Of AWS; None on a local cloud."""
        meta = self._client.meta
        return meta.region_name if AWS_DOMAIN in meta.endpoint_url else None

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        return tuple(report_of(job) for job in self._described(job_ids))

    def _described(self, job_ids: Sequence[str]) -> Iterator[JobDetailTypeDef]:
        for start in range(0, len(job_ids), DESCRIBE_IDS_MAX):
            ids = list(job_ids[start : start + DESCRIBE_IDS_MAX])
            try:
                yield from self._client.describe_jobs(jobs=ids)["jobs"]
            except AWS_ERRORS as error:
                raise classified(error) from error

    def details(self, job_ids: Sequence[str]) -> Iterator[JobDetail]:
        """Several calls at a time. The ids of an array's children are known, so no page of ListJobs
        has to be waited for; and ListJobs says neither attempts nor log streams."""
        _ = self._client  # made once, before the threads
        starts = range(0, len(job_ids), DESCRIBE_IDS_MAX)
        pages = [job_ids[start : start + DESCRIBE_IDS_MAX] for start in starts]
        with ThreadPoolExecutor(DETAIL_THREADS) as pool:
            for page, jobs in zip(pages, pool.map(self._details_of, pages), strict=True):
                by_id = {job.job_id: job for job in jobs}
                yield from (by_id[job_id] for job_id in page if job_id in by_id)

    def _details_of(self, job_ids: Sequence[str]) -> list[JobDetail]:
        return [detail_of(job) for job in self._described(job_ids)]

    def capacities(self, queues: Sequence[str]) -> dict[str, Capacity]:
        """Two calls for 100 queues."""
        capacities: dict[str, Capacity] = {}
        for start in range(0, len(queues), DESCRIBE_IDS_MAX):
            names = list(queues[start : start + DESCRIBE_IDS_MAX])
            try:
                described = self._client.describe_job_queues(jobQueues=names)["jobQueues"]
                orders = {
                    queue["jobQueueName"]: [
                        entry["computeEnvironment"] for entry in queue["computeEnvironmentOrder"]
                    ]
                    for queue in described
                }
                environments = self._environments(
                    {arn for order in orders.values() for arn in order}
                )
            except AWS_ERRORS as error:
                raise classified(error) from error
            capacities |= {
                name: capacity_of([environments[arn] for arn in order if arn in environments])
                for name, order in orders.items()
            }
        return capacities

    def _environments(self, arns: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """By ARN. Raises: as botocore."""
        by_arn: dict[str, Mapping[str, Any]] = {}
        ordered = sorted(arns)
        for start in range(0, len(ordered), DESCRIBE_IDS_MAX):
            answer = self._client.describe_compute_environments(
                computeEnvironments=ordered[start : start + DESCRIBE_IDS_MAX]
            )
            for entry in answer["computeEnvironments"]:
                by_arn[entry["computeEnvironmentArn"]] = dict(entry)
        return by_arn

    def failed_children(self, job_id: str) -> Iterator[ChildFailure]:
        """A page of ListJobs is held at a time.

        Its listing may lag behind what DescribeJobs counts: then the last word is NotDone, after
        the children that are listed.
        """
        job = next(self._described([job_id]), None)
        if job is None:
            raise JobForgotten(f"AWS Batch no longer knows job {job_id}")
        if not job.get("arrayProperties", {}).get("size"):
            yield from (self._failure(job),) if job["status"] == "FAILED" else ()
            return
        listed = 0
        for child in self._failures(job):
            listed += 1
            yield failure_of(child)
        if listed == 0:
            yield from failures_without_children(job)
        if listed < (failed := children_failed(job)):
            raise NotDone(f"ListJobs lags: {listed} of {failed} failed children of {job_id}")

    def _failure(self, job: Mapping[str, Any]) -> ChildFailure:
        """Of a plain job; of a multi-node parallel job, that of its first node that failed, before
        those of nodes that were stopped for it."""
        nodes = (node for node in self._described(node_ids(job)) if node["status"] == "FAILED")
        node_failures = [one for one in map(failure_of, nodes) if one.exit_code]
        first = min(node_failures, key=lambda one: was_stopped(one.exit_code), default=None)
        whole = failure_of(job)
        return whole if first is None else replace(first, index=0, job_id=whole.job_id)

    def _failures(self, array: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The children that FAILED. With several containers each, ListJobs has no exit code."""
        children = self._listed_failures(array["jobId"])
        if not has_several(array):
            yield from children
            return
        while ids := [child["jobId"] for child in islice(children, DESCRIBE_IDS_MAX)]:
            yield from self._described(ids)

    def _listed_failures(self, array_id: str) -> Iterator[JobSummaryTypeDef]:
        try:
            pages = self._client.get_paginator("list_jobs").paginate(
                arrayJobId=array_id, jobStatus="FAILED"
            )
            for page in pages:
                yield from page["jobSummaryList"]
        except AWS_ERRORS as error:
            raise classified(error) from error

    def terminate(self, job_ids: Sequence[str], reason: str) -> tuple[str, ...]:
        """TerminateJobs, or one after the other with an SDK or in a Region that has it not yet."""
        if not hasattr(self._client, "terminate_jobs"):
            return tuple(job_id for job_id in job_ids if self._terminated(job_id, reason))
        job_terminated: list[str] = []
        for start in range(0, len(job_ids), TERMINATE_IDS_MAX):
            ids = list(job_ids[start : start + TERMINATE_IDS_MAX])
            try:
                answer = self._client.terminate_jobs(jobs=ids, reason=reason)
            except AWS_ERRORS as error:
                if isinstance(classified(error), Refused):
                    job_terminated += (job_id for job_id in ids if self._terminated(job_id, reason))
                continue
            not_terminated = {entry["job"] for entry in answer.get("errors", ())}
            job_terminated += (job_id for job_id in ids if job_id not in not_terminated)
        return tuple(job_terminated)

    def _terminated(self, job_id: str, reason: str) -> bool:
        """Whether the end is accepted, or the job does not exist. Otherwise it stays pending."""
        try:
            self._client.terminate_job(jobId=job_id, reason=reason)
        except AWS_ERRORS as error:
            problem = classified(error)
            return isinstance(problem, Refused) and not isinstance(problem, Denied)
        return True
