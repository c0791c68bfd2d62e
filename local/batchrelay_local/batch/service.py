"""Joins the scheduler, the processes and the wire. One lock; nothing slow happens under it.

Processes are asked for under the lock too, so that no signal overtakes its launch.
"""

from __future__ import annotations

import os
import signal
import threading
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from batchrelay_local.batch.api import BatchApi
from batchrelay_local.batch.assumptions import DOCUMENTED, Assumptions
from batchrelay_local.batch.events import BusEvent, queue_blocked, state_change
from batchrelay_local.batch.faults import Faults
from batchrelay_local.batch.logs import SAMPLE_MS, Logs, stream_name
from batchrelay_local.batch.model import Attempt, Job
from batchrelay_local.batch.orders import Launch
from batchrelay_local.batch.runner import Command, ProcessRunner, now_ms
from batchrelay_local.batch.scheduler import Scheduler
from batchrelay_local.batch.scratch import ScratchFolders

HOST_LOST = "Host EC2 (instance i-0123456789abcdef0) terminated."
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"

MIB = 1_024 * 1_024

MEMORY_LOOK_S = 0.05
"""Seconds between two looks at the memory of processes that may be killed for it."""

WAIT_S_MAX = 3_600.0
"""Seconds that the runner waits at most: a selector refuses more than 24 days."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A process that was asked for."""

    job: Job
    attempt: Attempt
    output: int
    scratch: str | None
    """The attempt's own folder, if it has one."""


class BatchService:
    """AWS Batch on this machine.

    Args:
        folder: where logs are kept, and the folders of attempts.
        environment: what every process is given beside its job's own variables.
        publish: receives every state change, in order; must not block.
        is_wanted: whether a rule may want the current state of a job. An event that no rule wants
            is not even written: an array of 10,000 has 40,000 of them.
    """

    def __init__(
        self,
        *,
        folder: Path,
        environment: Mapping[str, str],
        publish: Callable[[list[BusEvent]], None],
        is_wanted: Callable[[Job], bool] = lambda _: True,
        faults: Faults | None = None,
        assumptions: Assumptions = DOCUMENTED,
    ) -> None:
        self.logs = Logs(folder)
        self._scratch = ScratchFolders(folder / "scratch")
        self._environment = environment
        self._publish = publish
        self._is_wanted = is_wanted
        self._faults = faults or Faults()
        self._assume = assumptions
        self._lock = threading.RLock()
        self._outbox: list[BusEvent] = []
        self._scheduler = Scheduler(
            new_id=lambda: str(uuid.uuid4()),
            observe=self._observe,
            observe_blocked=lambda job: self._outbox.append(queue_blocked(job)),
            assumptions=assumptions,
        )
        self._api = BatchApi(self._scheduler, now_ms, self._faults, assumptions)
        self._tickets: dict[Hashable, _Ticket] = {}
        self._fates: dict[Hashable, str] = {}
        self._limits: dict[Hashable, int] = {}
        """Bytes that a process may have in memory, if a fault kills it beyond."""
        self._runner = ProcessRunner(
            on_start=self._on_start,
            on_start_failed=self._on_start_failed,
            on_exit=self._on_exit,
            on_tick=self._on_tick,
        )

    def handle(
        self, method: str, path: str, body: bytes, query: Mapping[str, list[str]]
    ) -> tuple[int, dict[str, Any]]:
        """Answer a request of AWS's wire: HTTP status and JSON body."""
        with self._turn():
            return self._api.handle(method, path, body, query)

    def stop(self, *, immediately: bool) -> None:
        """End every process."""
        self._runner.stop(immediately=immediately)
        self.logs.close()
        self._scratch.close()

    def _observe(self, job: Job) -> None:
        if self._assume is not DOCUMENTED or self._is_wanted(job):
            event = state_change(job, self._assume)
            if event is not None:
                self._outbox.append(event)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One change of the scheduler, and what it asks for."""
        with self._lock:
            yield
            events, self._outbox = self._outbox, []
            launches, self._scheduler.launches = self._scheduler.launches, []
            signals, self._scheduler.signals = self._scheduler.signals, []
            if events:
                self._send(events)
            for launch in launches:
                self._launch(launch)
            for stop in signals:
                number = signal.SIGKILL if stop.kill else signal.SIGTERM
                self._runner.signal(stop.job.id, number)

    def _send(self, events: list[BusEvent]) -> None:
        """Publish, but for what the faults have in mind: lost, twice, late."""
        if not self._faults.touch_events:
            self._publish(events)
            return
        for event in events:
            if self._faults.strikes(self._faults.event_dropped):
                continue
            self._publish_once(event)
            if self._faults.strikes(self._faults.event_duplicated):
                same = self._assume.repeated_event_id == "same"
                self._publish_once(event if same else replace(event, id=str(uuid.uuid4())))

    def _publish_once(self, event: BusEvent) -> None:
        if self._faults.strikes(self._faults.event_delayed):
            timer = threading.Timer(self._faults.delay_s(), self._publish, ([event],))
            timer.daemon = True
            timer.start()
        else:
            self._publish([event])

    def _launch(self, launch: Launch) -> None:
        job, attempt = launch.job, launch.attempt
        reason = self._cannot_start(job)
        if reason is not None:
            with self._turn():
                self._scheduler.start_failed(job, attempt, reason, now_ms())
            return
        output = self.logs.open_stream(job, attempt)
        definition = job.spec.definition
        scratch = None if definition.directory else self._scratch.take()
        self._tickets[job.id] = _Ticket(job, attempt, output, scratch)
        self._runner.run(
            Command(
                ticket=job.id,
                argv=job.spec.command,
                environment=self._environment_of(job),
                directory=definition.directory or scratch or "",
                output=output,
            )
        )

    def _environment_of(self, job: Job) -> dict[str, str]:
        environment = {**self._environment, **job_environment(job)}
        programs = job.spec.definition.programs
        if programs and "PATH" not in job.spec.environment:
            environment["PATH"] = f"{programs}{os.pathsep}{environment.get('PATH', os.defpath)}"
        return environment

    def _cannot_start(self, job: Job) -> str | None:
        """Why there will be no container, as ECS says it."""
        target = job.spec.definition.log_target
        if self._faults.strikes(self._faults.pull_failed):
            return "CannotPullContainerError: a fault on request"
        if not self.logs.ensure_group(target.group, target.is_created):
            return (
                "CannotStartContainerError: failed to initialize logging driver: failed to create "
                "Cloudwatch log stream: ResourceNotFoundException: The specified log group does "
                f"not exist: {target.group}"
            )
        return None

    def _on_start(self, ticket: Hashable) -> None:
        ticket_of = self._tickets[ticket]
        job, attempt = ticket_of.job, ticket_of.attempt
        with self._turn():
            self._scheduler.started(job, attempt, stream_name(job, attempt), now_ms())
        for fate, probability in (
            (HOST_LOST, self._faults.host_lost),
            (OUT_OF_MEMORY, self._faults.out_of_memory),
        ):
            if self._faults.strikes(probability):
                self._kill(ticket, fate)
                return
        if self._faults.strikes(self._faults.over_memory):
            self._limits[ticket] = int(job.spec.requirements["MEMORY"]) * MIB

    def _kill(self, ticket: Hashable, fate: str) -> None:
        self._fates[ticket] = fate
        self._runner.signal(ticket, signal.SIGKILL)

    def _on_start_failed(self, ticket: Hashable, reason: str) -> None:
        job, attempt = self._put_away(ticket)
        self.logs.forget(job.spec.definition.log_target.group, stream_name(job, attempt))
        with self._turn():
            self._scheduler.start_failed(job, attempt, reason, now_ms())

    def _on_exit(self, ticket: Hashable, exit_code: int) -> None:
        job, attempt = self._put_away(ticket)
        fate = self._fates.pop(ticket, None)
        self._limits.pop(ticket, None)
        with self._turn():
            if fate == HOST_LOST:
                self._scheduler.host_lost(job, attempt, HOST_LOST, now_ms())
            else:
                self._scheduler.exited(job, attempt, exit_code, now_ms(), fate)

    def _on_tick(self) -> float:
        now = now_ms()
        with self._turn():
            next_at = self._scheduler.tick(now)
        waits = [WAIT_S_MAX] if next_at is None else [max(0.0, (next_at - now) / 1000), WAIT_S_MAX]
        if self._limits:
            self._kill_over_memory()
            waits.append(MEMORY_LOOK_S)
        return min(waits + ([SAMPLE_MS / 1000] if self.logs.sample(now) else []))

    def _kill_over_memory(self) -> None:
        used = self._runner.resident_bytes()
        for ticket, limit in self._limits.items():
            if ticket not in self._fates and used.get(ticket, 0) > limit:
                self._kill(ticket, OUT_OF_MEMORY)

    def _put_away(self, ticket: Hashable) -> tuple[Job, Attempt]:
        """What a process leaves behind: its log ends, its folder is free."""
        process = self._tickets.pop(ticket)
        self.logs.close_stream(process.job, process.attempt, process.output, now_ms())
        if process.scratch is not None:
            self._scratch.give_back(process.scratch)
        return process.job, process.attempt


def job_environment(job: Job) -> dict[str, str]:
    """What AWS Batch gives a process. Source: Batch User Guide, job_env_vars."""
    own = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts)),
        "AWS_BATCH_JQ_NAME": job.spec.queue.name,
        "AWS_BATCH_CE_NAME": job.attempts[-1].environment.name,
    }
    if job.index is not None:
        own["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
        own["AWS_BATCH_JOB_ARRAY_SIZE"] = str(job.spec.size)
    return {**job.spec.environment, **own}
