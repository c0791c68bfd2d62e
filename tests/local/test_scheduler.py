"""The pure scheduler, on a clock that is told: the laws on top of batch/scheduler.py."""

from __future__ import annotations

from collections import Counter
from itertools import count

from batchrelay_local.batch.model import (
    ComputeEnvironment,
    Job,
    JobDefinition,
    JobQueue,
    JobSpec,
    JobStatus,
)
from batchrelay_local.batch.scheduler import Scheduler, Signal


class Machine:
    """A scheduler, its queue, and everything that it said."""

    def __init__(self, slots: float = 2) -> None:
        numbers = count(1)
        self.heard: list[tuple[str, str]] = []
        self.scheduler = Scheduler(
            new_id=lambda: f"id-{next(numbers)}",
            observe=lambda job: self.heard.append((job.id, str(job.status))),
        )
        environment = ComputeEnvironment(name="here", arn="arn:ce", max_vcpus=slots)
        self.queue = JobQueue(name="q", arn="arn:q", environment=environment)
        self.now = 1_000

    def submit(self, *after: Job, size: int | None = None, vcpus: str = "1") -> Job:
        definition = JobDefinition(name="d", revision=1, arn="arn:d", container={}, directory=None)
        spec = JobSpec(
            name="j",
            queue=self.queue,
            definition=definition,
            command=("true",),
            environment={},
            requirements={"VCPU": vcpus},
            size=size,
        )
        return self.scheduler.submit(spec, after, self.now)

    def launched(self) -> list[str]:
        """The jobs whose processes are asked for; they start at once."""
        launches, self.scheduler.launches = self.scheduler.launches, []
        for launch in launches:
            self.scheduler.started(launch.job, launch.attempt, "stream", self.now)
        return [launch.job.id for launch in launches]

    def exit(self, job: Job, code: int = 0) -> None:
        self.now += 1
        self.scheduler.exited(job, job.attempts[-1], code, self.now)

    def statuses(self, job: Job) -> list[str]:
        return [status for job_id, status in self.heard if job_id == job.id]


def test_a_simple_job_goes_through_its_states() -> None:
    machine = Machine()
    job = machine.submit()
    assert machine.launched() == [job.id]
    machine.exit(job)
    assert machine.statuses(job) == ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert (job.started_at, job.stopped_at, job.attempts[0].exit_code) == (1_000, 1_001, 0)


def test_a_job_that_exits_with_a_code_fails() -> None:
    machine = Machine()
    job = machine.submit()
    machine.launched()
    machine.exit(job, 3)
    assert (job.status, job.status_reason) == (
        JobStatus.FAILED,
        "Essential container in task exited",
    )


def test_a_parent_is_pending_until_all_children_ended_and_siblings_go_on() -> None:
    machine = Machine(slots=1)
    parent = machine.submit(size=3)
    assert machine.statuses(parent) == ["PENDING"]
    for index, code in enumerate((0, 1, 0)):
        [child_id] = machine.launched()
        assert child_id == f"{parent.id}:{index}"
        assert parent.status is JobStatus.PENDING
        machine.exit(parent.children[index], code)
    assert machine.statuses(parent) == ["PENDING", "FAILED"]
    assert parent.status_reason == "Array Child Job failed"
    assert parent.summary == Counter(SUCCEEDED=2, FAILED=1)
    assert machine.statuses(parent.children[2]) == ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


def test_a_parent_succeeds_with_all_its_children() -> None:
    machine = Machine()
    parent = machine.submit(size=2)
    machine.launched()
    for child in parent.children:
        machine.exit(child)
    assert (parent.status, parent.status_reason) == (JobStatus.SUCCEEDED, None)


def test_slots_are_vcpus_and_the_queue_is_first_in_first_out() -> None:
    machine = Machine(slots=2)
    first, large, small = machine.submit(), machine.submit(vcpus="2"), machine.submit()
    assert machine.launched() == [first.id], "the large one waits, and those behind it with it"
    machine.exit(first)
    assert machine.launched() == [large.id]
    machine.exit(large)
    assert machine.launched() == [small.id]


def test_a_dependent_waits_for_the_whole_array() -> None:
    machine = Machine()
    array = machine.submit(size=2)
    after = machine.submit(array)
    assert machine.statuses(after) == ["PENDING"]
    machine.launched()
    machine.exit(array.children[0])
    assert machine.launched() == []
    machine.exit(array.children[1])
    assert machine.launched() == [after.id]


def test_a_failure_cascades_and_dependents_never_run() -> None:
    machine = Machine()
    first = machine.submit()
    second = machine.submit(first, size=2)
    third = machine.submit(second)
    machine.launched()
    machine.exit(first, 1)
    assert machine.launched() == []
    for job in (second, third):
        assert (job.status, job.status_reason) == (JobStatus.FAILED, "Dependent Job failed")
        assert job.attempts == []


def test_dependencies_that_ended_before_the_submission_count() -> None:
    machine = Machine()
    well, badly = machine.submit(), machine.submit()
    machine.launched()
    machine.exit(well)
    machine.exit(badly, 1)
    assert machine.launched() == []
    after = machine.submit(well)
    assert machine.launched() == [after.id]
    assert machine.submit(well, badly).status_reason == "Dependent Job failed"


def test_a_runnable_job_is_terminated_at_once_and_leaves_the_queue() -> None:
    machine = Machine(slots=1)
    first, second, third = (machine.submit() for _ in range(3))
    machine.launched()
    machine.scheduler.terminate(second, "enough", machine.now)
    assert (second.status, second.status_reason) == (JobStatus.FAILED, "enough")
    machine.exit(first)
    assert machine.launched() == [third.id]


def test_a_running_job_is_asked_to_stop_and_killed_after_30_seconds() -> None:
    machine = Machine()
    job = machine.submit()
    machine.launched()
    machine.scheduler.terminate(job, "enough", machine.now)
    machine.scheduler.terminate(job, "again", machine.now)
    assert machine.scheduler.signals == [Signal(job, kill=False)]
    assert machine.scheduler.tick(machine.now) == machine.now + 30_000
    assert machine.scheduler.tick(machine.now + 30_000) is None
    assert machine.scheduler.signals[-1] == Signal(job, kill=True)
    machine.exit(job, 137)
    assert (job.status, job.status_reason) == (JobStatus.FAILED, "enough")


def test_a_job_that_exits_0_after_it_was_told_to_stop_has_failed() -> None:
    machine = Machine()
    job = machine.submit()
    machine.launched()
    machine.scheduler.terminate(job, "enough", machine.now)
    machine.exit(job, 0)
    assert job.status is JobStatus.FAILED


def test_terminating_a_parent_terminates_every_child() -> None:
    machine = Machine(slots=1)
    parent = machine.submit(size=3)
    machine.launched()
    machine.scheduler.terminate(parent, "enough", machine.now)
    assert [child.status for child in parent.children[1:]] == [JobStatus.FAILED] * 2
    machine.exit(parent.children[0], 143)
    assert (parent.status, parent.status_reason) == (JobStatus.FAILED, "Array Child Job failed")
    machine.scheduler.terminate(parent, "again", machine.now)
    assert parent.status_reason == "Array Child Job failed"


def test_a_process_that_cannot_start_fails_its_job_and_frees_the_slot() -> None:
    machine = Machine(slots=1)
    first, second = machine.submit(), machine.submit()
    [launch] = machine.scheduler.launches
    machine.scheduler.launches = []
    machine.scheduler.start_failed(launch.job, launch.attempt, "no such program", machine.now)
    assert (first.status, first.status_reason) == (JobStatus.FAILED, "Task failed to start")
    assert first.attempts[0].reason == "no such program"
    assert machine.launched() == [second.id]


def test_ten_thousand_children_end_in_order() -> None:
    machine = Machine(slots=2)
    parent = machine.submit(size=10_000)
    running = machine.launched()
    done = 0
    while running:
        machine.exit(parent.children[int(running.pop(0).split(":")[1])])
        done += 1
        running += machine.launched()
    assert (done, parent.status) == (10_000, JobStatus.SUCCEEDED)
