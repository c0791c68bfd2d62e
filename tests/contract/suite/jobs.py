"""What every AWS Batch does, with its logs and consumable resources."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from batchrelay.domain.consumable_resources import ConsumableResource, resources_prefix
from batchrelay.domain.errors import (
    JobForgotten,
)
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_detail import Capacity
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import Json
from batchrelay.ports import (
    ConsumableResources,
    JobDetails,
    Jobs,
    Logs,
)


def submitted(jobs: Jobs, *requests: Mapping[str, Json]) -> list[str]:
    """The job ids of requests that are all accepted."""
    answers = jobs.submit_all(requests)
    job_ids = [answer for answer in answers if isinstance(answer, str)]
    assert len(job_ids) == len(requests), answers
    return job_ids


class JobsContract:
    """`request` makes a SubmitJob request of a name that this AWS Batch accepts."""

    def test_a_job_is_found_by_its_exact_name_oldest_first(
        self, jobs: Jobs, request_of: Callable[[str], Mapping[str, Json]], queue: str
    ) -> None:
        name = "br-find-a-r0-p0"
        names = (name, name + "0", name.upper())
        first, *_ = submitted(jobs, *map(request_of, names))
        [second] = submitted(jobs, request_of(name))
        assert jobs.find(queue, name) == (first, second)
        assert jobs.find(queue, "br-find-b-r0-p0") == ()

    def test_a_job_queue_of_the_account_is_listed(self, jobs: Jobs, queue: str) -> None:
        [found] = [known for known in jobs.queues() if known.name == queue]
        assert found.arn.endswith(f":job-queue/{queue}")
        assert found.state == "ENABLED"

    def test_unknown_jobs_are_left_out(
        self, jobs: Jobs, request_of: Callable[[str], Mapping[str, Json]]
    ) -> None:
        [job_id] = submitted(jobs, request_of("br-describe-a-r0-p0"))
        described = jobs.describe(["absent", job_id, *(f"none-{n}" for n in range(150))])
        assert [report.job_id for report in described] == [job_id]

    def test_a_terminated_job_fails_with_the_reason(
        self,
        jobs: Jobs,
        request_of: Callable[[str], Mapping[str, Json]],
        derive: Callable[[Callable[[], bool]], None],
    ) -> None:
        [job_id] = submitted(jobs, request_of("br-stop-a-r0-p0"))
        assert jobs.terminate([job_id, "absent"], "enough") == (job_id, "absent")
        derive(lambda: jobs.describe([job_id])[0].outcome is not None)
        [report] = jobs.describe([job_id])
        assert (report.outcome, report.failed) == (JobOutcome.FAILED, 1)
        assert report.reason.startswith("enough")

    def test_the_failed_children_of_an_array_are_named(self, jobs: Jobs, ended: Ended) -> None:
        job_id = ended("br-failed-a-r0-p0", (0, 3, 0, 75))
        failures = sorted(jobs.failed_children(job_id), key=lambda failure: failure.index)
        assert failures == [
            ChildFailure(index=1, job_id=f"{job_id}:1", exit_code=3, reason=EXITED),
            ChildFailure(index=3, job_id=f"{job_id}:3", exit_code=75, reason=EXITED),
        ]
        [report] = jobs.describe([job_id])
        assert (report.succeeded, report.failed) == (2, 2)

    def test_a_plain_job_that_failed_is_one_child(self, jobs: Jobs, ended: Ended) -> None:
        job_id = ended("br-failed-b-r0-p0", (3,))
        [failure] = jobs.failed_children(job_id)
        assert failure == ChildFailure(index=0, job_id=job_id, exit_code=3, reason=EXITED)

    @pytest.mark.parametrize("exit_codes", [(0,), (0, 0)])
    def test_what_succeeded_has_no_failed_children(
        self, jobs: Jobs, ended: Ended, exit_codes: tuple[int, ...]
    ) -> None:
        job_id = ended(f"br-failed-c{len(exit_codes)}-r0-p0", exit_codes)
        assert list(jobs.failed_children(job_id)) == []

    def test_a_job_that_is_not_there_is_forgotten(self, jobs: Jobs) -> None:
        with pytest.raises(JobForgotten, match="no longer knows job absent"):
            list(jobs.failed_children("absent"))

    def test_the_children_of_an_array_are_described_in_their_order(
        self, jobs: JobDetails, ended: Ended, queue: str
    ) -> None:
        job_id = ended("br-details-a-r0-p0", (0, 3, 0, 75))
        ids = [job_id, f"{job_id}:3", "absent", *(f"none-{n}" for n in range(150)), f"{job_id}:0"]
        array, failed, succeeded = jobs.details(ids)
        assert (array.job_id, array.size, array.status) == (job_id, 4, "FAILED")
        assert (failed.job_id, failed.size, failed.status) == (f"{job_id}:3", 0, "FAILED")
        assert (failed.exit_code, failed.reason) == (75, EXITED)
        assert (succeeded.job_id, succeeded.status) == (f"{job_id}:0", "SUCCEEDED")
        assert {detail.queue for detail in (array, failed, succeeded)} == {queue}

    def test_a_plain_job_is_described_without_children(
        self, jobs: JobDetails, ended: Ended
    ) -> None:
        [detail] = jobs.details([ended("br-details-b-r0-p0", (3,))])
        assert (detail.size, detail.status, detail.exit_code) == (0, "FAILED", 3)
        assert (detail.attempts, detail.earlier_s) == (1, 0)

    def test_a_job_queue_has_the_capacity_of_its_compute_environments(
        self, jobs: JobDetails, ended: Ended, queue: str
    ) -> None:
        ended("br-details-c-r0-p0", (0,))
        assert jobs.capacities([queue, "absent"]) == {queue: Capacity()}


Ended = Callable[[str, tuple[int, ...]], str]
"""The id of a job that has ended: its name, and the exit codes of its children."""

EXITED = "Essential container in task exited"


class LogsContract:
    """`printed` is the id of a job that has printed these lines, and ended."""

    def test_the_last_lines_are_read_in_their_order(
        self, logs: Logs, printed: Callable[[tuple[str, ...]], str]
    ) -> None:
        job_id = printed(("one", "two", "three"))
        assert logs.tail(job_id, 2) == ("two", "three")
        assert logs.tail(job_id, 9) == ("one", "two", "three")

    def test_a_job_that_printed_nothing_has_no_lines(
        self, logs: Logs, printed: Callable[[tuple[str, ...]], str]
    ) -> None:
        assert logs.tail(printed(()), 9) == ()

    def test_a_job_that_is_not_there_has_no_lines(self, logs: Logs) -> None:
        assert logs.tail("absent", 9) == ()


def as_dict(body: str) -> dict[str, str]:
    """An SNS envelope, flat."""
    envelope = json.loads(body)
    attributes = {name: a["Value"] for name, a in envelope["MessageAttributes"].items()}
    return {"subject": envelope["Subject"], "message": envelope["Message"], **attributes}


class ConsumableResourcesContract:
    """What is created once may be created, and deleted, as often as one likes."""

    def test_a_resource_is_there_once_however_often_it_is_made(
        self, resources: ConsumableResources, run_id: str
    ) -> None:
        prefix = resources_prefix(run_id)
        first = ConsumableResource(name=f"{prefix}0-Fan", units=2)
        for _ in range(2):
            resources.ensure(first)
        resources.ensure(ConsumableResource(name=f"{prefix}1-fan", units=3))
        assert sorted(resources.names(prefix)) == [f"{prefix}0-Fan", f"{prefix}1-fan"]
        assert resources.names(f"{prefix}0-F") == (first.name,)
        assert resources.names(f"{prefix}0-f") == ()

    def test_what_is_gone_may_be_deleted(self, resources: ConsumableResources, run_id: str) -> None:
        prefix = resources_prefix(run_id)
        resources.ensure(ConsumableResource(name=f"{prefix}0-fan", units=2))
        for _ in range(2):
            resources.delete(f"{prefix}0-fan")
        assert resources.names(prefix) == ()
