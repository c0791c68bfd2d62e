"""The states of jobs, and who runs when. Pure: time is an argument, processes are requested.

Every method takes `now`, epoch milliseconds. What must happen outside is left in `launches` and
`signals` for the caller to take; every transition is passed to `observe` at once.

Laws (docs/reference/aws-batch.md):
1. A parent is SUBMITTED, then PENDING, and ends when all children ended: FAILED with "Array Child
   Job failed" if one of them failed. Siblings go on after a failure.
2. A dependent of a failed job fails with "Dependent Job failed" and never runs. Child i of an
   N_TO_N dependent waits for child i; a SEQUENTIAL child for the one before it.
3. A queue is first in, first out (by priority where it has a scheduling policy); its head waits
   for vCPUs, and those behind it with it. A retried job goes to the front. A head that waits for
   units of a consumable resource holds up its own queue only.
4. A job that has ended never changes again. Cancelled, terminated and timed out is final.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator

from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.model import (
    STOP_GRACE_S,
    Attempt,
    ComputeEnvironment,
    Job,
    JobQueue,
    JobSpec,
    JobStatus,
)
from batch_local.resources.consumables import ConsumableResources
from batch_local.scheduling import reasons
from batch_local.scheduling.ended import Packing
from batch_local.scheduling.n_to_n import n_to_n_dependencies
from batch_local.scheduling.orders import Launch, Signal
from batch_local.scheduling.retries import tries_again
from batch_local.scheduling.run_order import RunOrder

RETENTION_MS = 7 * 24 * 3_600_000
"""Milliseconds for which an ended job is remembered. Source: Batch User Guide, job_states."""

FREE_ATTEMPTS_MAX = 100
"""Attempts of a job whose failed starts are not counted; ours, or it would try for ever."""

ACTIVE = (JobStatus.STARTING, JobStatus.RUNNING)


class Scheduler:
    """All jobs of all queues."""

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        observe: Callable[[Job], None],
        observe_blocked: Callable[[Job], None] = lambda _: None,
        retention_ms: int = RETENTION_MS,
        assumptions: Assumptions = DOCUMENTED,
    ) -> None:
        self._assume = assumptions
        self.jobs: dict[str, Job] = {}
        self.launches: list[Launch] = []
        self.signals: list[Signal] = []
        self.consumables = ConsumableResources()
        self._new_id = new_id
        self._observe = observe
        self._observe_blocked = observe_blocked
        self._retention_ms = retention_ms
        self._run_orders: dict[str, RunOrder] = {}
        self._dependents: dict[str, list[Job]] = {}
        self._endings: deque[Job] = deque()
        self._timers: list[tuple[int, str, int, bool]] = []
        self._ended_jobs: deque[Job] = deque()
        self._packing = Packing()
        self._blocked_ids: set[str] = set()

    # --- what others report

    def submit(self, spec: JobSpec, now: int) -> Job:
        """Accept a job; it is on its way when this returns."""
        job = Job(id=self._new_id(), spec=spec, created_at=now)
        self.jobs[job.id] = job
        spec.queue.jobs[job.id] = job
        if self._assume.submitted_events == "present":
            self._observe(job)
        if spec.flaw is not None:
            self._end(job, JobStatus.FAILED, spec.flaw, now)
        else:
            plain = [entry["jobId"] for entry in spec.depends_on if "type" not in entry]
            if spec.size is None:
                plain = [entry["jobId"] for entry in spec.depends_on if "jobId" in entry]
            self._wait_for(job, plain, now)
        self._advance(now)
        return job

    def started(self, job: Job, attempt: Attempt, log_stream: str, now: int) -> None:
        """The process of an attempt runs."""
        attempt.log_stream = log_stream
        attempt.started_at = job.started_at = now
        self._move(job, JobStatus.RUNNING)
        if job.spec.timeout_s is not None:
            due = now + job.spec.timeout_s * 1000
            heapq.heappush(self._timers, (due, job.id, len(job.attempts), False))

    def start_failed(self, job: Job, attempt: Attempt, reason: str, now: int) -> None:
        """There is no process: nothing of that name, or no image. It counts as an attempt."""
        attempt.reason = reason
        self._attempt_failed(job, attempt, reasons.START_FAILED, now)

    def exited(
        self, job: Job, attempt: Attempt, exit_code: int, now: int, reason: str | None = None
    ) -> None:
        """The process of an attempt ended."""
        attempt.exit_code, attempt.reason = exit_code, reason
        if exit_code == 0 and job.stop_reason is None:
            self._close(job, attempt, reasons.CONTAINER_EXITED, now)
            self._end(job, JobStatus.SUCCEEDED, reasons.CONTAINER_EXITED, now)
            self._advance(now)
        else:
            self._attempt_failed(job, attempt, reasons.CONTAINER_EXITED, now)

    def host_lost(self, job: Job, attempt: Attempt, status_reason: str, now: int) -> None:
        """The machine under an attempt is gone: there is no exit code."""
        self._attempt_failed(job, attempt, status_reason, now)

    def cancel(self, job: Job, reason: str, now: int) -> None:
        """Stop a job that has not started, or the children of a parent that have not."""
        self._stop_each(job, reason, now, cancel=True)
        self._advance(now)

    def terminate(self, job: Job, reason: str, now: int) -> None:
        """Stop a job, or all children of a parent. Nothing happens to what has ended."""
        self._stop_each(job, reason, now, cancel=False)
        self._advance(now)

    def units_changed(self, now: int) -> None:
        """A consumable resource is there that was not, or has other units."""
        self._advance(now)

    def tick(self, now: int) -> int | None:
        """Do what time has brought about; when to come again, epoch milliseconds."""
        while self._timers and self._timers[0][0] <= now:
            _, job_id, attempt_number, kill = heapq.heappop(self._timers)
            job = self.find(job_id)
            if job is None or job.status not in ACTIVE or len(job.attempts) != attempt_number:
                continue
            if kill:
                self.signals.append(Signal(job, kill=True))
            elif job.stop_reason is None:
                job.stop_reason = reasons.TIMED_OUT
                self._ask_to_stop(job, now)
        self._packing.go_on()
        forget_until = now - self._retention_ms
        while self._ended_jobs and (self._ended_jobs[0].stopped_at or 0) <= forget_until:
            self._forget(self._ended_jobs.popleft())
        return self._timers[0][0] if self._timers else None

    # --- what others ask

    def find(self, job_id: str) -> Job | None:
        """A job, or a child as `parent:index`."""
        parent_id, colon, index = job_id.partition(":")
        job = self.jobs.get(parent_id)
        if job is None or not colon:
            return job
        is_index = index.isdecimal() and int(index) < len(job.children)
        return job.children[int(index)] if is_index else None

    def exists(self, job_id: str) -> bool:
        """Whether something may depend on it: a child counts before it was spawned."""
        parent_id, colon, index = job_id.partition(":")
        job = self.jobs.get(parent_id)
        if job is None or not colon:
            return job is not None
        return index.isdecimal() and int(index) < (job.spec.size or 0)

    def runnable(self, queue: JobQueue, count: int) -> list[Job]:
        """The first RUNNABLE jobs of a queue, in the order in which they will start."""
        return self._run_order(queue).front(count)

    # --- dependencies

    def _wait_for(self, job: Job, job_ids: list[str], now: int) -> None:
        """Wait for the end of each; go on at once if there is nothing to wait for."""
        for job_id in job_ids:
            dependency = self.find(job_id)
            # a parent may have failed before it had the child that is meant
            target = dependency or self.jobs.get(job_id.partition(":")[0])
            if target is None and self._assume.unknown_dependency == "met":
                continue
            if target is None or target.status is JobStatus.FAILED:
                self._end(job, JobStatus.FAILED, reasons.DEPENDENCY_FAILED, now)
                return
            if dependency is None or not dependency.status.is_terminal:
                self._dependents.setdefault(job_id, []).append(job)
                job.unmet += 1
        if not job.unmet:
            self._release(job, now)
        elif job.status is JobStatus.SUBMITTED:
            self._move(job, JobStatus.PENDING)
            if job.is_parent and self._assume.waiting_children == "present":
                self._bear(job, now)

    def _release(self, job: Job, now: int) -> None:
        """Its dependencies are met."""
        if job.stop_reason is not None:
            self._end(job, JobStatus.FAILED, job.stop_reason, now)
        elif job.is_parent:
            self._spawn(job, now)
        else:
            self._move(job, JobStatus.RUNNABLE)
            self._run_order(job.spec.queue).append(job)

    def _spawn(self, parent: Job, now: int) -> None:
        if not parent.children:
            self._bear(parent, now)
        if parent.status is not JobStatus.PENDING:
            self._move(parent, JobStatus.PENDING)
        for child in parent.children:
            child.unmet = 0
            self._wait_for(child, list(n_to_n_dependencies(child, self.jobs)), now)

    def _bear(self, parent: Job, now: int) -> None:
        """Its children, PENDING until they are let go."""
        size = parent.spec.size or 0
        parent.children = [
            Job(
                id=f"{parent.id}:{index}",
                spec=parent.spec,
                created_at=now,
                status=JobStatus.PENDING,
                index=index,
                parent=parent,
                unmet=1,
            )
            for index in range(size)
        ]
        parent.summary = Counter({JobStatus.PENDING: size})

    def _advance(self, now: int) -> None:
        """What follows from ended jobs, without recursion: a chain may be 10,000 long."""
        while True:
            while self._endings:
                self._follow(self._endings.popleft(), now)
            for environment in {id(e): e for e in self._environments()}.values():
                self._fill(environment, now)
            if not self._endings:
                return

    def _follow(self, job: Job, now: int) -> None:
        """What one end brings about."""
        self._notify_dependents(job.id, job.status, now)
        if job.is_parent and not job.children:
            for index in range(job.spec.size or 0):
                self._notify_dependents(f"{job.id}:{index}", job.status, now)
        if job.parent is not None:
            self._child_ended(job.parent, now)
        else:
            self._ended_jobs.append(job)

    def _notify_dependents(self, job_id: str, status: JobStatus, now: int) -> None:
        for dependent in self._dependents.pop(job_id, ()):
            if dependent.status.is_terminal:
                continue
            dependent.unmet -= 1
            if status is JobStatus.FAILED:
                for one in (dependent, *dependent.children):
                    if not one.status.is_terminal:
                        self._end(one, JobStatus.FAILED, reasons.DEPENDENCY_FAILED, now)
            elif not dependent.unmet:
                self._release(dependent, now)

    def _child_ended(self, parent: Job, now: int) -> None:
        failed_count = parent.summary[JobStatus.FAILED]
        early = failed_count and self._assume.failed_parent == "at_first"
        all_ended = parent.summary[JobStatus.SUCCEEDED] + failed_count == len(parent.children)
        if all_ended:
            self._packing.add(parent)
        if parent.status.is_terminal or not (all_ended or early):
            return
        if failed_count:
            self._end(parent, JobStatus.FAILED, reasons.CHILD_FAILED, now)
        else:
            self._end(parent, JobStatus.SUCCEEDED, None, now)

    # --- slots

    def _environments(self) -> Iterator[ComputeEnvironment]:
        return (o.queue.environment for o in self._run_orders.values() if o.heap or o.parked)

    def _run_order(self, queue: JobQueue) -> RunOrder:
        return self._run_orders.setdefault(queue.name, RunOrder(queue))

    def _fill(self, environment: ComputeEnvironment, now: int) -> None:
        """Start what fits: queues by priority, each in its order."""
        orders = [o for o in self._run_orders.values() if o.queue.environment is environment]
        for order in sorted(orders, key=lambda o: -o.queue.priority):
            order.unpark(self.consumables.available)
            while (job := order.head()) is not None:
                if job.stop_reason is not None:
                    order.pop()
                    self._end(job, JobStatus.FAILED, job.stop_reason, now)
                    continue
                if environment.used_vcpus + job.spec.vcpus > environment.max_vcpus:
                    self._note_blocked(job, environment)
                    return
                lacking = self.consumables.lacking(job.spec)
                if lacking is None:
                    order.pop()
                    self._start(job, environment, now)
                elif self._assume.unit_wait == "blocks":
                    break
                else:
                    order.park(lacking)

    def _start(self, job: Job, environment: ComputeEnvironment, now: int) -> None:
        environment.used_vcpus += job.spec.vcpus
        self.consumables.take(job.spec)
        task_id = self._new_id().replace("-", "")
        attempt = Attempt(started_at=now, task_id=task_id, environment=environment)
        job.attempts = (*job.attempts, attempt)
        self._move(job, JobStatus.STARTING)
        self.launches.append(Launch(job, attempt))

    def _note_blocked(self, job: Job, environment: ComputeEnvironment) -> None:
        """The head of a queue will never fit: reported once."""
        if job.spec.vcpus > environment.max_vcpus and job.id not in self._blocked_ids:
            self._blocked_ids.add(job.id)
            self._observe_blocked(job)

    # --- ends

    def _attempt_failed(self, job: Job, attempt: Attempt, status_reason: str, now: int) -> None:
        self._close(job, attempt, status_reason, now)
        if job.stop_reason is None and self._tries_again(job, attempt):
            self._move(job, JobStatus.RUNNABLE)
            self._run_order(job.spec.queue).prepend(job)
        else:
            self._end(job, JobStatus.FAILED, job.stop_reason or status_reason, now)
        self._advance(now)

    def _tries_again(self, job: Job, attempt: Attempt) -> bool:
        attempt_count = len(job.attempts)
        if self._assume.failed_start == "free" and attempt_count < FREE_ATTEMPTS_MAX:
            attempt_count = sum(one.log_stream is not None for one in job.attempts)
        return tries_again(job.spec.retry, attempt_count, attempt, self._assume)

    def _close(self, job: Job, attempt: Attempt, status_reason: str, now: int) -> None:
        attempt.stopped_at = now
        attempt.status_reason = status_reason
        attempt.environment.used_vcpus -= job.spec.vcpus
        self.consumables.give_back(job.spec)

    def _stop_each(self, job: Job, reason: str, now: int, *, cancel: bool) -> None:
        if job.children and not job.status.is_terminal:
            job.is_cancelled, job.is_terminated = cancel, not cancel
        for one in job.children or (job,):
            if not one.status.is_terminal and one.stop_reason is None:
                self._stop(one, reason, now, cancel=cancel)

    def _stop(self, job: Job, reason: str, now: int, *, cancel: bool) -> None:
        if cancel and job.status in ACTIVE:
            return  # CancelJob does nothing to it, and succeeds
        job.stop_reason = reason
        job.is_cancelled, job.is_terminated = cancel, not cancel
        if job.status in ACTIVE:
            self._ask_to_stop(job, now)
        elif not (cancel and self._cancelled_later(job)):
            self._end(job, JobStatus.FAILED, reason, now)

    def _cancelled_later(self, job: Job) -> bool:
        """A PENDING job is cancelled after its dependencies."""
        at_head = self._assume.cancel_runnable == "at_head"
        return bool(job.unmet) or (at_head and job.status is JobStatus.RUNNABLE)

    def _ask_to_stop(self, job: Job, now: int) -> None:
        self.signals.append(Signal(job, kill=False))
        due = now + STOP_GRACE_S * 1000
        heapq.heappush(self._timers, (due, job.id, len(job.attempts), True))

    def _end(self, job: Job, status: JobStatus, reason: str | None, now: int) -> None:
        job.stopped_at = now
        job.status_reason = reason
        self._move(job, status)
        self._endings.append(job)

    def _forget(self, job: Job) -> None:
        self.jobs.pop(job.id, None)
        job.spec.queue.jobs.pop(job.id, None)
        self._blocked_ids.discard(job.id)

    def _move(self, job: Job, status: JobStatus) -> None:
        if job.parent is not None:
            job.parent.summary[job.status] -= 1
            job.parent.summary[status] += 1
        job.status = status
        self._observe(job)
