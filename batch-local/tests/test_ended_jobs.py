"""Children of an array that has ended: packed, and asked for as before."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from batch_local.model import Job, JobStatus
from batch_local.scheduling.ended import BLOCK, EndedJobs
from machines import Clockwork, call, ended, machine, submit

SIZE = 2 * BLOCK + 50


def children_of_an_array(size: int = SIZE) -> tuple[Clockwork, Job, list[Job]]:
    """An array that has ended, and its children as they were; every seventh failed."""
    clockwork = Clockwork(slots=size)
    parent = clockwork.submit(size=size)
    children = list(parent.children)
    clockwork.launched()
    for number, child in enumerate(children):
        clockwork.exit(child, 3 if number % 7 == 0 else 0)
    return clockwork, parent, children


def values(job: Job) -> dict[str, Any]:
    """Everything that is known of a job, but for whom it belongs to."""
    found = {f.name: getattr(job, f.name) for f in fields(job) if f.name not in ("parent", "spec")}
    return found | {"attempts": [repr(attempt) for attempt in job.attempts]}


def pack(children: EndedJobs) -> None:
    while children.pack_some():
        pass


def test_a_packed_child_is_what_it_was() -> None:
    clockwork, parent, before = children_of_an_array()
    children = parent.children
    assert isinstance(children, EndedJobs)
    pack(children)
    assert [values(job) for job in children] == [values(job) for job in before]
    for index in (0, BLOCK - 1, BLOCK, 2 * BLOCK, SIZE - 1, -1, -SIZE):
        assert values(children[index]) == values(before[index])
    assert [job.index for job in children[95:205:10]] == [*range(95, 205, 10)]
    for child in children:
        assert child.parent is parent
        assert child.spec is parent.spec
        assert child.attempts[0].environment is clockwork.environment
    with pytest.raises(IndexError):
        children[SIZE]


def test_a_packed_child_takes_a_tenth() -> None:
    _, parent, _ = children_of_an_array()
    assert isinstance(parent.children, EndedJobs)
    pack(parent.children)
    assert sum(len(block) for block in parent.children._blocks) < 100 * SIZE


def test_children_are_packed_a_block_at_each_tick_and_not_before_all_have_ended() -> None:
    clockwork = Clockwork(slots=SIZE)
    parent = clockwork.submit(size=SIZE)
    clockwork.launched()
    *first, last = parent.children
    for child in first:
        clockwork.exit(child)
    clockwork.scheduler.tick(clockwork.now)
    assert parent.children[-1] is last
    clockwork.exit(last)
    children = parent.children
    assert isinstance(children, EndedJobs)
    for packed in (1, 2, 3, 3):
        clockwork.scheduler.tick(clockwork.now)
        assert sum(isinstance(block, bytes) for block in children._blocks) == packed
    assert clockwork.scheduler.find(last.id) is not last
    assert clockwork.scheduler.find(last.id).status is JobStatus.SUCCEEDED  # type: ignore[union-attr]


@pytest.mark.parametrize("failed_parent", ["at_end", "at_first"])
def test_an_array_that_is_cancelled_as_a_whole_is_packed_once(failed_parent: str) -> None:
    clockwork = Clockwork(slots=0.5, failed_parent=failed_parent)
    parent = clockwork.submit(size=SIZE)
    clockwork.scheduler.terminate(parent, "no longer wanted", clockwork.now)
    assert parent.status is JobStatus.FAILED
    assert isinstance(parent.children, EndedJobs)
    assert len(clockwork.scheduler._packing._begun) == 1
    statuses = [child.status for child in parent.children]
    pack(parent.children)
    assert [child.status for child in parent.children] == statuses


def test_the_answers_of_a_service_are_those_of_before() -> None:
    """Pages of ListJobs, DescribeJobs, a dependency on a child, and an end that comes too late."""
    with machine() as (service, _):
        _, answer = submit(service, arrayProperties={"size": 5})
        job_id = answer["jobId"]
        ended(service, job_id)
        asked = [
            ("listjobs", {"arrayJobId": job_id, "jobStatus": "SUCCEEDED", "maxResults": 2}),
            ("describejobs", {"jobs": [job_id, *(f"{job_id}:{index}" for index in range(5))]}),
        ]
        before = [call(service, path, **request) for path, request in asked]
        parent = service._scheduler.jobs[job_id]
        assert isinstance(parent.children, EndedJobs)
        pack(parent.children)
        assert [call(service, path, **request) for path, request in asked] == before
        assert [len(each) for each in (before[0]["jobSummaryList"], before[1]["jobs"])] == [2, 6]
        call(service, "terminatejob", jobId=job_id, reason="too late")
        assert [call(service, path, **request) for path, request in asked] == before
        _, after = submit(service, dependsOn=[{"jobId": f"{job_id}:4"}])
        assert ended(service, after["jobId"])["status"] == "SUCCEEDED"
