"""The processes of attempts: asked for, watched, stopped, put away. A container is a process.

What may start or must stop is decided by `task_runs.py`, and what becomes of the job by the
scheduler. Every method runs under the lock of the service, or takes it by `turn`.
"""

from __future__ import annotations

import heapq
import os
import signal
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count

from batch_local.clock import now_ms
from batch_local.containers.pods import expanded
from batch_local.engines.container import body_of
from batch_local.engines.engine import Engine
from batch_local.engines.runner import EngineRunner
from batch_local.faults import Faults
from batch_local.logs.streams import SAMPLE_MS, Logs, stream_name
from batch_local.model import (
    STOP_GRACE_S,
    Attempt,
    ContainerRun,
    ContainerSpec,
    ContainerState,
    Job,
)
from batch_local.processes.runner import ProcessRunner
from batch_local.processes.scratch import ScratchFolders
from batch_local.processes.turn import Turn
from batch_local.running import OUT_OF_MEMORY, Command, Runner
from batch_local.scheduling.orders import Launch, Signal
from batch_local.scheduling.scheduler import Scheduler
from batch_local.scheduling.task_runs import advance, end, withdraw

HOST_LOST = "Host EC2 (instance i-0123456789abcdef0) terminated."

KILLED_CODE = 128 + signal.SIGKILL
"""Of a container that was killed. Source: Docker, exit status."""

MIB = 1_024 * 1_024

MEMORY_LOOK_S = 0.05
"""Seconds between two looks at the memory of processes that may be killed for it."""

WAIT_S_MAX = 3_600.0
"""Seconds that the runner waits at most: a selector refuses more than 24 days."""


@dataclass(frozen=True, slots=True)
class _Process:
    """A process that was asked for."""

    job: Job
    attempt: Attempt
    stream: str
    output: int
    scratch: str | None
    """The container's own folder, if it has one."""


class Attempts:
    """The processes of all attempts.

    Args:
        scheduler: what is asked about, and reported to.
        logs: where their output goes.
        scratch: where they start, unless their definition says where.
        environment: what every process is given beside its job's own variables.
        turn: one change of the scheduler, and what it asks for.
        engine: what runs containers; without one they are processes.
    """

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        logs: Logs,
        scratch: ScratchFolders,
        environment: Mapping[str, str],
        faults: Faults,
        turn: Turn,
        engine: Engine | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._logs = logs
        self._scratch = scratch
        self._environment = environment
        self._faults = faults
        self._turn = turn
        self._processes: dict[Hashable, _Process] = {}
        self._fates: dict[Hashable, str] = {}
        self._lost_ids: set[str] = set()
        """Jobs whose machine is gone."""
        self._limits: dict[Hashable, int] = {}
        """Bytes that a process may have in memory, if a fault kills it beyond."""
        self._kills: list[tuple[int, int, ContainerRun]] = []
        """When one that was asked to stop is killed, epoch milliseconds; by time."""
        self._numbers = count()
        self._is_in_engine = engine is not None
        make = ProcessRunner if engine is None else partial(EngineRunner, engine)
        self.runner: Runner = make(
            on_start=self._on_start,
            on_start_failed=self._on_start_failed,
            on_exit=self._on_exit,
            on_tick=self._on_tick,
        )

    # --- what the scheduler orders

    def launch(self, launch: Launch) -> None:
        """Start the containers that wait for no other."""
        job, attempt = launch.job, launch.attempt
        attempt.containers = tuple(ContainerRun(spec=spec) for spec in job.spec.containers)
        self._follow(job, attempt)

    def signal(self, stop: Signal) -> None:
        """Stop or kill every container of a job's attempt."""
        number = signal.SIGKILL if stop.kill else signal.SIGTERM
        for run in withdraw(stop.job.attempts[-1].containers):
            self.runner.signal(run, number)

    # --- containers

    def _follow(self, job: Job, attempt: Attempt) -> None:
        """Do what follows from what the containers of an attempt have come to."""
        orders = advance(attempt.containers, job.spec.main_node)
        for run in orders.stops:
            self.runner.signal(run, signal.SIGTERM)
            due = now_ms() + STOP_GRACE_S * 1000
            heapq.heappush(self._kills, (due, next(self._numbers), run))
        for run in orders.starts:
            reason = self._cannot_start(run.spec)
            if reason is None:
                self._start(job, attempt, run)
            else:
                end(attempt.containers, run, None, reason)
        if orders.deciding is not None:
            self._ended(job, attempt, orders.deciding)
        elif any(run.state is ContainerState.ENDED for run in orders.starts):
            self._follow(job, attempt)

    def _start(self, job: Job, attempt: Attempt, run: ContainerRun) -> None:
        stream = stream_name(job, attempt, run.spec)
        output = self._logs.open_stream(run.spec.log_target.group, stream, now_ms())
        has_own = not (self._is_in_engine or job.spec.definition.directory)
        scratch = self._scratch.take() if has_own else None
        self._processes[run] = _Process(job, attempt, stream, output, scratch)
        command = self._container if self._is_in_engine else self._process
        self.runner.run(command(self._processes[run], run))

    def _process(self, process: _Process, run: ContainerRun) -> Command:
        job, words = process.job, run.spec.words
        variables = job_environment(job, run.spec)
        return Command(
            ticket=run,
            argv=expanded(words, variables) if run.spec.is_of_pod else words,
            environment=self._environment_of(job, variables),
            directory=job.spec.definition.directory or process.scratch or "",
            output=process.output,
        )

    def _container(self, process: _Process, run: ContainerRun) -> Command:
        job, task_id = process.job, process.attempt.task_of(run.spec.node)
        variables = {**self._environment, **job_environment(job, run.spec)}
        body = body_of(run.spec, variables, job.id, task_id)
        return Command(ticket=run, output=process.output, body=body)

    def _environment_of(self, job: Job, variables: Mapping[str, str]) -> dict[str, str]:
        environment = {**self._environment, **variables}
        programs = job.spec.definition.programs
        if programs and "PATH" not in variables:
            environment["PATH"] = f"{programs}{os.pathsep}{environment.get('PATH', os.defpath)}"
        return environment

    def _cannot_start(self, container: ContainerSpec) -> str | None:
        """Why there will be no container, as ECS says it."""
        target = container.log_target
        if self._faults.strikes(self._faults.pull_failed):
            return "CannotPullContainerError: a fault on request"
        if not self._logs.ensure_group(target.group, target.is_created):
            return (
                "CannotStartContainerError: failed to initialize logging driver: failed to create "
                "Cloudwatch log stream: ResourceNotFoundException: The specified log group does "
                f"not exist: {target.group}"
            )
        return None

    def _ended(self, job: Job, attempt: Attempt, deciding: ContainerRun) -> None:
        """All containers of an attempt have."""
        now, code = now_ms(), deciding.exit_code
        with self._turn:
            if job.id in self._lost_ids:
                self._lost_ids.remove(job.id)
                for run in attempt.containers:
                    run.exit_code = None
                self._scheduler.host_lost(job, attempt, HOST_LOST, now)
            elif code is None:
                self._scheduler.start_failed(job, attempt, deciding.reason or "", now)
            else:
                self._scheduler.exited(job, attempt, code, now, deciding.reason)

    # --- what the runner reports, from its thread

    def _on_start(self, ticket: Hashable) -> None:
        run = _run(ticket)
        process = self._processes[run]
        job, attempt = process.job, process.attempt
        with self._turn:
            run.state, run.log_stream = ContainerState.RUNNING, process.stream
            run.pid = self.runner.pid_of(run)
            if attempt.log_stream is None:
                self._scheduler.started(job, attempt, process.stream, now_ms())
            if len(attempt.containers) > 1:
                self._follow(job, attempt)
        for fate, probability in (
            (HOST_LOST, self._faults.host_lost),
            (OUT_OF_MEMORY, self._faults.out_of_memory),
        ):
            if self._faults.strikes(probability):
                self._strike(run, fate)
                return
        memory = run.spec.requirements.get("MEMORY")
        if memory is not None and self._faults.strikes(self._faults.over_memory):
            self._limits[run] = int(memory) * MIB

    def _strike(self, run: ContainerRun, fate: str) -> None:
        """Let a container end of a fault; with its machine all others of its job end too."""
        process = self._processes[run]
        if fate == HOST_LOST:
            self._lost_ids.add(process.job.id)
            self.signal(Signal(process.job, kill=True))
        else:
            self._fates[run] = fate
            self.runner.signal(run, signal.SIGKILL)

    def _on_start_failed(self, ticket: Hashable, reason: str) -> None:
        run = _run(ticket)
        process = self._put_away(run)
        self._logs.forget(run.spec.log_target.group, process.stream)
        with self._turn:
            end(process.attempt.containers, run, None, reason)
            self._follow(process.job, process.attempt)

    def _on_exit(self, ticket: Hashable, exit_code: int | None, reason: str | None) -> None:
        run = _run(ticket)
        process = self._put_away(run)
        fate = self._fates.pop(run, reason)
        self._limits.pop(run, None)
        # of a fault, it may have ended before the signal
        code = exit_code if fate == reason else KILLED_CODE
        if exit_code is None:  # the engine is gone
            self._lost_ids.add(process.job.id)
        with self._turn:
            end(process.attempt.containers, run, code, fate)
            self._follow(process.job, process.attempt)

    def _on_tick(self) -> float:
        now = now_ms()
        with self._turn:
            due_times = [self._scheduler.tick(now), self._kill_late(now)]
        waits = [WAIT_S_MAX, *(max(0.0, (at - now) / 1000) for at in due_times if at is not None)]
        if self._limits:
            self._kill_over_memory()
            waits.append(MEMORY_LOOK_S)
        return min(waits + ([SAMPLE_MS / 1000] if self._logs.sample(now) else []))

    def _kill_late(self, now: int) -> int | None:
        """Kill what did not stop in time; when to come again, epoch milliseconds."""
        while self._kills:
            due, _, run = self._kills[0]
            if run.state is not ContainerState.ENDED and due > now:
                return due
            heapq.heappop(self._kills)
            self.runner.signal(run, signal.SIGKILL)
        return None

    def _kill_over_memory(self) -> None:
        used = self.runner.resident_bytes()
        for run, limit in self._limits.items():
            if run not in self._fates and used.get(run, 0) > limit:
                self._strike(_run(run), OUT_OF_MEMORY)

    def _put_away(self, run: ContainerRun) -> _Process:
        """What a process leaves behind: its log ends, its folder is free."""
        process = self._processes.pop(run)
        self._logs.close_stream(process.stream, process.output, now_ms())
        if process.scratch is not None:
            self._scratch.give_back(process.scratch)
        return process


def _run(ticket: Hashable) -> ContainerRun:
    assert isinstance(ticket, ContainerRun)
    return ticket


def job_environment(job: Job, container: ContainerSpec) -> dict[str, str]:
    """What AWS Batch and ECS give a process. Source: Batch User Guide, job_env_vars; ECS Developer
    Guide, ecs-environment-variables."""
    own = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts)),
        "AWS_BATCH_JQ_NAME": job.spec.queue.name,
        "AWS_BATCH_CE_NAME": job.attempts[-1].environment.name,
    }
    if job.index is not None:
        own["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
        own["AWS_BATCH_JOB_ARRAY_SIZE"] = str(job.spec.size)
    if job.spec.nodes is not None:
        own |= _node_environment(job, container.node)
    if not container.is_of_pod:
        own["AWS_EXECUTION_ENV"] = f"AWS_ECS_{job.spec.definition.platform}"
    return {**container.environment, **own}


MAIN_ADDRESS = "127.0.0.1"
"""Of the machine on which all nodes are."""


def _node_environment(job: Job, node: int) -> dict[str, str]:
    """Source: Batch User Guide, mnp-env-vars; of the id, aws-parallelcluster ("job_id#node_id")."""
    own = {
        "AWS_BATCH_JOB_ID": f"{job.id}#{node}",
        "AWS_BATCH_JOB_NODE_INDEX": str(node),
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(job.spec.main_node),
        "AWS_BATCH_JOB_NUM_NODES": str(job.spec.nodes),
    }
    if node != job.spec.main_node:
        own["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = MAIN_ADDRESS
    return own
