"""The pure scheduler, on a virtual clock: the laws on top of batch/scheduler.py."""

from __future__ import annotations

from collections import Counter

import pytest

from batch_local.model import JobStatus, RetryStrategy
from batch_local.scheduling.orders import Signal
from machines import Clockwork


def test_a_simple_job_goes_through_its_states() -> None:
    machine = Clockwork()
    job = machine.submit()
    assert machine.launched() == [job.id]
    machine.exit(job)
    assert machine.statuses(job) == ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert (job.started_at, job.stopped_at, job.attempts[0].exit_code) == (1_000, 1_001, 0)


def test_a_job_that_exits_with_a_code_fails() -> None:
    machine = Clockwork()
    job = machine.submit()
    machine.launched()
    machine.exit(job, 3)
    assert (job.status, job.status_reason) == (
        JobStatus.FAILED,
        "Essential container in task exited",
    )


def test_a_parent_is_pending_until_all_children_ended_and_siblings_go_on() -> None:
    machine = Clockwork(slots=1)
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
    machine = Clockwork()
    parent = machine.submit(size=2)
    machine.launched()
    for child in parent.children:
        machine.exit(child)
    assert (parent.status, parent.status_reason) == (JobStatus.SUCCEEDED, None)


def test_slots_are_vcpus_and_the_queue_is_first_in_first_out() -> None:
    machine = Clockwork(slots=2)
    first, large, small = machine.submit(), machine.submit(vcpus="2"), machine.submit()
    assert machine.launched() == [first.id], "the large one waits, and those behind it with it"
    machine.exit(first)
    assert machine.launched() == [large.id]
    machine.exit(large)
    assert machine.launched() == [small.id]


def test_a_dependent_waits_for_the_whole_array() -> None:
    machine = Clockwork()
    array = machine.submit(size=2)
    after = machine.submit(array)
    assert machine.statuses(after) == ["PENDING"]
    machine.launched()
    machine.exit(array.children[0])
    assert machine.launched() == []
    machine.exit(array.children[1])
    assert machine.launched() == [after.id]


def test_a_failure_cascades_and_dependents_never_run() -> None:
    machine = Clockwork()
    first = machine.submit()
    second = machine.submit(first, size=2)
    third = machine.submit(second)
    machine.launched()
    machine.exit(first, 1)
    assert machine.launched() == []
    for job in (second, third):
        assert (job.status, job.status_reason) == (JobStatus.FAILED, "Dependent Job failed")
        assert job.attempts == ()


def test_dependencies_that_ended_before_the_submission_count() -> None:
    machine = Clockwork()
    well, badly = machine.submit(), machine.submit()
    machine.launched()
    machine.exit(well)
    machine.exit(badly, 1)
    assert machine.launched() == []
    after = machine.submit(well)
    assert machine.launched() == [after.id]
    assert machine.submit(well, badly).status_reason == "Dependent Job failed"


def test_a_runnable_job_is_terminated_at_once_and_leaves_the_queue() -> None:
    machine = Clockwork(slots=1)
    first, second, third = (machine.submit() for _ in range(3))
    machine.launched()
    machine.scheduler.terminate(second, "enough", machine.now)
    assert (second.status, second.status_reason) == (JobStatus.FAILED, "enough")
    machine.exit(first)
    assert machine.launched() == [third.id]


def test_a_running_job_is_asked_to_stop_and_killed_after_30_seconds() -> None:
    machine = Clockwork()
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


def test_a_job_that_exits_0_after_it_was_terminated_has_failed() -> None:
    machine = Clockwork()
    job = machine.submit()
    machine.launched()
    machine.scheduler.terminate(job, "enough", machine.now)
    machine.exit(job, 0)
    assert job.status is JobStatus.FAILED


def test_terminating_a_parent_terminates_every_child() -> None:
    machine = Clockwork(slots=1)
    parent = machine.submit(size=3)
    machine.launched()
    machine.scheduler.terminate(parent, "enough", machine.now)
    assert [child.status for child in parent.children[1:]] == [JobStatus.FAILED] * 2
    machine.exit(parent.children[0], 143)
    assert (parent.status, parent.status_reason) == (JobStatus.FAILED, "Array Child Job failed")
    machine.scheduler.terminate(parent, "again", machine.now)
    assert parent.status_reason == "Array Child Job failed"


def test_a_process_that_cannot_start_fails_its_job_and_frees_the_slot() -> None:
    machine = Clockwork(slots=1)
    first, second = machine.submit(), machine.submit()
    [launch] = machine.scheduler.launches
    machine.scheduler.launches = []
    machine.scheduler.start_failed(launch.job, launch.attempt, "no such program", machine.now)
    assert (first.status, first.status_reason) == (JobStatus.FAILED, "Task failed to start")
    assert first.attempts[0].reason == "no such program"
    assert machine.launched() == [second.id]


def test_ten_thousand_children_end_in_order() -> None:
    machine = Clockwork(slots=2)
    parent = machine.submit(size=10_000)
    running = machine.launched()
    done = 0
    while running:
        machine.exit(parent.children[int(running.pop(0).split(":")[1])])
        done += 1
        running += machine.launched()
    assert (done, parent.status) == (10_000, JobStatus.SUCCEEDED)


# --- retries, timeouts, cancellation


def test_a_retried_job_goes_to_the_front_and_no_failure_is_seen_between_attempts() -> None:
    machine = Clockwork(slots=1)
    job = machine.submit(retry=RetryStrategy(attempts=2))
    other = machine.submit()
    machine.launched()
    machine.exit(job, 1)
    assert machine.launched() == [job.id], "before the other one"
    machine.exit(job, 1)
    assert machine.launched() == [other.id]
    states = ["RUNNABLE", "STARTING", "RUNNING", "RUNNABLE", "STARTING", "RUNNING", "FAILED"]
    assert machine.statuses(job) == states
    assert [attempt.exit_code for attempt in job.attempts] == [1, 1]


@pytest.mark.parametrize(
    ("rule", "again"),
    [
        ({"onExitCode": "1*", "action": "RETRY"}, True),
        ({"onExitCode": "2", "action": "RETRY"}, False),
        ({"onExitCode": "137", "action": "exit"}, False),
        ({"onStatusReason": "Essential*", "action": "retry"}, True),
        ({"onReason": "OutOfMemoryError*", "onExitCode": "137", "action": "RETRY"}, True),
        ({"onReason": "*", "action": "RETRY"}, True),
    ],
)
def test_the_first_rule_that_matches_decides(rule: dict[str, str], again: bool) -> None:
    machine = Clockwork()
    rules = (rule, {"onReason": "*", "action": "EXIT"})
    job = machine.submit(retry=RetryStrategy(attempts=2, rules=rules))
    machine.launched()
    reason = "OutOfMemoryError: Container killed due to memory usage"
    machine.scheduler.exited(job, job.attempts[-1], 137, machine.now, reason)
    assert (machine.launched() == [job.id]) is again


def test_what_no_rule_matches_is_tried_again() -> None:
    machine = Clockwork()
    rules = ({"onExitCode": "2", "action": "EXIT"},)
    job = machine.submit(retry=RetryStrategy(attempts=2, rules=rules))
    machine.launched()
    machine.exit(job, 1)
    assert machine.launched() == [job.id]


def test_a_lost_host_has_no_exit_code_and_is_retried_by_its_status_reason() -> None:
    machine = Clockwork()
    rules = (
        {"onStatusReason": "Host EC2*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    )
    job = machine.submit(retry=RetryStrategy(attempts=3, rules=rules))
    machine.launched()
    lost = "Host EC2 (instance i-0) terminated."
    machine.scheduler.host_lost(job, job.attempts[-1], lost, machine.now)
    assert machine.launched() == [job.id]
    machine.exit(job, 1)
    assert job.status is JobStatus.FAILED
    assert [attempt.exit_code for attempt in job.attempts] == [None, 1]


def test_a_timeout_of_two_hours_is_final_and_ends_with_a_kill() -> None:
    machine = Clockwork()
    job = machine.submit(timeout_s=7_200, retry=RetryStrategy(attempts=3))
    machine.launched()
    due = machine.now + 7_200_000
    assert machine.scheduler.tick(machine.now) == due
    machine.scheduler.tick(due)
    assert machine.scheduler.signals == [Signal(job, kill=False)]
    assert machine.scheduler.tick(due + 30_000) is None
    assert machine.scheduler.signals[-1] == Signal(job, kill=True)
    machine.exit(job, 137)
    assert (job.status, job.status_reason) == (
        JobStatus.FAILED,
        "Job attempt duration exceeded timeout",
    )


def test_the_timeout_begins_anew_with_each_attempt() -> None:
    machine = Clockwork()
    job = machine.submit(timeout_s=60, retry=RetryStrategy(attempts=2))
    machine.launched()
    machine.now += 59_000
    machine.exit(job, 1)
    machine.launched()
    machine.scheduler.tick(machine.now + 30_000)
    assert machine.scheduler.signals == []


def test_cancelling_does_nothing_to_what_runs() -> None:
    machine = Clockwork(slots=1)
    running, waiting = machine.submit(), machine.submit()
    machine.launched()
    for job in (running, waiting):
        machine.scheduler.cancel(job, "enough", machine.now)
    assert running.status is JobStatus.RUNNING
    assert (waiting.status, waiting.status_reason) == (JobStatus.FAILED, "enough")
    assert (waiting.is_cancelled, running.is_cancelled) == (True, False)


def test_a_pending_job_is_cancelled_after_its_dependencies() -> None:
    machine = Clockwork()
    first = machine.submit()
    second = machine.submit(first)
    machine.launched()
    machine.scheduler.cancel(second, "enough", machine.now)
    assert second.status is JobStatus.PENDING
    machine.exit(first)
    assert (second.status, second.status_reason) == (JobStatus.FAILED, "enough")


def test_cancelling_a_parent_lets_running_children_end() -> None:
    machine = Clockwork(slots=1)
    parent = machine.submit(size=3)
    machine.launched()
    machine.scheduler.cancel(parent, "enough", machine.now)
    assert parent.status is JobStatus.PENDING
    machine.exit(parent.children[0])
    ended = (JobStatus.FAILED, Counter(SUCCEEDED=1, FAILED=2))
    assert (parent.status, parent.summary) == ended


# --- N_TO_N


def test_n_to_n_part_i_flows_as_soon_as_child_i_ended() -> None:
    machine = Clockwork(slots=1)
    first = machine.submit(size=3)
    second = machine.submit(size=3, depends_on=({"jobId": first.id, "type": "N_TO_N"},))
    assert machine.launched() == [f"{first.id}:0"]
    machine.exit(first.children[0])
    assert second.children[0].status is JobStatus.RUNNABLE
    assert second.children[1].status is JobStatus.PENDING


def test_a_failed_n_to_n_part_fails_its_own_child_only() -> None:
    machine = Clockwork(slots=4)
    first = machine.submit(size=2)
    second = machine.submit(size=2, depends_on=({"jobId": first.id, "type": "N_TO_N"},))
    machine.launched()
    machine.exit(first.children[0], 1)
    machine.exit(first.children[1])
    assert machine.launched() == [f"{second.id}:1"]
    assert second.children[0].status_reason == "Dependent Job failed"
    machine.exit(second.children[1])
    assert [first.status, second.status] == [JobStatus.FAILED] * 2


def test_n_to_n_parts_wait_for_children_that_are_not_there_yet() -> None:
    machine = Clockwork(slots=4)
    gate = machine.submit()
    first = machine.submit(gate, size=2)
    second = machine.submit(size=2, depends_on=({"jobId": first.id, "type": "N_TO_N"},))
    machine.launched()
    machine.exit(gate)
    assert machine.launched() == [f"{first.id}:0", f"{first.id}:1"]
    machine.exit(first.children[1])
    assert machine.launched() == [f"{second.id}:1"]


def test_n_to_n_parts_of_an_array_that_never_had_children_fail() -> None:
    machine = Clockwork()
    gate = machine.submit()
    first = machine.submit(gate, size=2)
    second = machine.submit(size=2, depends_on=({"jobId": first.id, "type": "N_TO_N"},))
    machine.launched()
    machine.exit(gate, 1)
    assert second.status is JobStatus.FAILED
    late = machine.submit(size=2, depends_on=({"jobId": first.id, "type": "N_TO_N"},))
    assert late.status is JobStatus.FAILED


def test_sequential_children_run_one_after_the_other() -> None:
    machine = Clockwork(slots=4)
    parent = machine.submit(size=3, depends_on=({"type": "SEQUENTIAL"},))
    for index in range(3):
        assert machine.launched() == [f"{parent.id}:{index}"]
        machine.exit(parent.children[index])
    assert parent.status is JobStatus.SUCCEEDED


def test_a_sequential_failure_fails_all_that_follow_without_recursion() -> None:
    machine = Clockwork()
    parent = machine.submit(size=10_000, depends_on=({"type": "SEQUENTIAL"},))
    machine.launched()
    machine.exit(parent.children[0], 1)
    assert parent.status is JobStatus.FAILED
    assert parent.summary == Counter(FAILED=10_000)


def test_one_child_may_be_waited_for() -> None:
    machine = Clockwork()
    array = machine.submit(size=2)
    after = machine.submit(depends_on=({"jobId": f"{array.id}:1"},))
    machine.launched()
    machine.exit(array.children[1])
    assert machine.launched() == [after.id]


# --- queues


def test_a_slot_that_is_freed_serves_every_queue_of_its_environment() -> None:
    machine = Clockwork(slots=1)
    other = machine.add_queue("other")
    first, second = machine.submit(), machine.submit(queue=other)
    machine.launched()
    machine.exit(first)
    assert machine.launched() == [second.id]


def test_the_queue_of_higher_priority_is_served_first() -> None:
    machine = Clockwork(slots=1)
    urgent = machine.add_queue("urgent", priority=9)
    first, second, third = machine.submit(), machine.submit(), machine.submit(queue=urgent)
    machine.launched()
    machine.exit(first)
    assert machine.launched() == [third.id]
    machine.exit(third)
    assert machine.launched() == [second.id]


def test_priorities_order_a_queue() -> None:
    machine = Clockwork(slots=1)
    first = machine.submit()
    low, high = machine.submit(priority=1), machine.submit(priority=5)
    machine.launched()
    machine.exit(first)
    assert [job.id for job in machine.scheduler.runnable(machine.queue, 100)] == [low.id]
    assert machine.launched() == [high.id]


def test_a_head_that_will_never_fit_is_reported_once() -> None:
    machine = Clockwork(slots=1)
    large = machine.submit(vcpus="4")
    machine.submit()
    assert machine.blocked == [large.id]
    assert machine.launched() == []


def test_a_flaw_that_is_found_too_late_fails_an_accepted_job() -> None:
    machine = Clockwork()
    job = machine.submit(flaw="Container Overrides length must be at most 8192")
    assert machine.statuses(job) == ["FAILED"]
    assert job.attempts == ()


def test_ended_jobs_are_forgotten_after_seven_days() -> None:
    machine = Clockwork()
    job = machine.submit()
    machine.launched()
    machine.exit(job)
    week = 7 * 24 * 3_600_000
    machine.scheduler.tick(machine.now + week - 1)
    assert machine.scheduler.find(job.id) is job
    machine.scheduler.tick(machine.now + week)
    assert machine.scheduler.find(job.id) is None
    assert machine.queue.jobs == {}
