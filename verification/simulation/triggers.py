"""Triggers of one pipeline with faults: events are delivered twice, late and in any order, timers
fire twice, processes crash between any two calls, and at the end every upload is in one run."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from batchrelay.domain.errors import BatchrelayError, RunSkipped
from batchrelay.domain.events import JobSucceeded
from batchrelay.domain.pipeline import Overlap, S3Trigger
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import JobKey
from batchrelay.triggers.messages import s3_input
from tests.builders import MemoryCloud, Process, pipeline, step
from verification.simulation.play import SimulationError
from verification.simulation.world import Crash, Port

STORM_TICKS_MAX, CALM_TICKS_MAX = 300, 3_000
WRITES = ("create", "save", "save_run_queue", "collect", "extend", "close")
FUNCTION_TIMEOUT_S = 60
GOING_ON = (RunStatus.RUNNING, RunStatus.CANCELLING)


@dataclass
class TriggerWorld:
    """One trigger, its queue, and the runs that it starts."""

    rng: random.Random
    trigger: S3Trigger
    crash: float
    duplicate: float
    rival: float
    uploads: int
    cloud: MemoryCloud = field(default_factory=lambda: MemoryCloud(pipeline(step("a"))))
    messages: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    skipped: int = 0
    _nested: bool = False
    _naps_s: int = 0

    def __post_init__(self) -> None:
        definition = self.cloud.pipelines.get_pipeline("test", 1)
        self.cloud.pipelines.register(definition, self.cloud.clock.now())

    def before(self, method: str, _: tuple[Any, ...]) -> None:
        self._maybe_crash()
        self._maybe_rival(method)

    def after(self, method: str) -> None:
        self.counts[method] += 1
        self._maybe_crash()

    def _maybe_crash(self) -> None:
        if self.rng.random() < self.crash:
            self.counts["crash"] += 1
            raise Crash

    def _maybe_rival(self, method: str) -> None:
        """Another process runs just before this one writes."""
        if method in WRITES and not self._nested and self.rng.random() < self.rival:
            self._nested = True
            nap_s = min(self.rng.choice((0, 0, 20, 60)), self._naps_s)  # no longer than it may live
            self._naps_s -= nap_s
            self.cloud.clock.move(nap_s)
            with suppress(Crash, BatchrelayError):
                self.rng.choice((self.deliver, self.deliver_timer, self.end_job))()
            self._nested = False

    def process(self) -> Process:
        """A new process."""
        if not self._nested:
            self._naps_s = FUNCTION_TIMEOUT_S
        return self.cloud.process(lambda port: Port(self, port))

    # --- what may happen next

    def tick(self) -> None:
        with suppress(Crash, BatchrelayError):
            self.rng.choice(
                (self.upload, self.deliver, self.deliver_timer, self.end_job, self.later)
            )()
        open_runs = [run for run in self._queueable_runs() if run.status in GOING_ON]
        assert len(open_runs) <= 1, f"{len(open_runs)} runs at once: {open_runs}"

    def upload(self) -> None:
        if self.sent < self.uploads:
            found = {
                "key": str(self.sent),
                "size": 1,
                "etag": "e",
                "sequencer": f"{self.sent:x}",
            }
            detail = json.dumps({"bucket": {"name": "inbox"}, "object": found})
            message = s3_input("test", self.trigger).replace("<detail>", detail)
            copies = 3 if self.rng.random() < self.duplicate else 1
            self.messages += [message] * copies
            self.sent += 1

    def deliver(self) -> None:
        """Some messages in any order; those that failed come back."""
        batch = self.rng.sample(self.messages, k=min(len(self.messages), self.rng.randint(1, 10)))
        if not batch:
            return
        names = {str(number): message for number, message in enumerate(batch)}
        for number, outcome in self.process().triggers.receive(names).items():
            self.skipped += isinstance(outcome, RunSkipped)
            is_done = not isinstance(outcome, Exception) or isinstance(outcome, RunSkipped)
            if is_done and names[number] in self.messages:
                self.messages.remove(names[number])

    def deliver_timer(self) -> None:
        due = [entry for entry in self.cloud.timers.timers if entry[0].at <= self.cloud.clock.now()]
        if due:
            entry = self.rng.choice(due)
            try:
                self.process().triggers.upload_batches.receive(entry[0])
            except RunSkipped:
                self.skipped += 1
            if self.rng.random() >= self.duplicate and entry in self.cloud.timers.timers:
                self.cloud.timers.timers.remove(entry)

    def end_job(self) -> None:
        active = [job for job in self.cloud.jobs.jobs.values() if job.outcome is None]
        if active:
            job = self.rng.choice(active)
            key = JobKey.parse(job.name)
            assert key is not None, job
            self.cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
            event = JobSucceeded(at=self.cloud.clock.now(), key=key, job_id=job.job_id)
            self.process().engine.handle(key.run_id, [event])

    def later(self) -> None:
        self.cloud.clock.move(self.rng.choice((1, 20, 400)))
        for run_id in self.cloud.runs.open_runs():
            self.process().engine.reconcile(run_id)

    # --- what must hold

    def is_over(self) -> bool:
        is_terminate_accepted = (
            self.sent == self.uploads and not self.messages and not self.cloud.timers.timers
        )
        return is_terminate_accepted and not list(self.cloud.runs.open_runs())

    def check_end(self) -> None:
        assert self.is_over(), "it never ends"
        covered = Counter(key for run in self.cloud.runs.runs.values() for key in self._keys(run))
        assert all(times == 1 for times in covered.values()), f"in several runs: {covered}"
        if self.trigger.overlap is not Overlap.SKIP:
            assert len(covered) == self.uploads, f"{len(covered)} of {self.uploads} uploads"
        else:
            assert len(covered) == self.uploads or self.skipped, "lost without a skip"
        if self.trigger.overlap is Overlap.QUEUE:
            dequeue_times = [
                run.dequeued_at for run in self._queueable_runs() if run.dequeued_at is not None
            ]
            assert dequeue_times == sorted(dequeue_times), "out of order"

    def _queueable_runs(self) -> list[Run]:
        """In the order in which they came."""
        return [r for r in self.cloud.runs.runs.values() if r.overlap is not Overlap.PARALLEL]

    def _keys(self, run: Run) -> list[str]:
        if self.trigger.debounce_s is None:
            return [run.trigger["key"]]
        lines = self.cloud.objects.objects[run.trigger["uploads"]].decode().splitlines()
        return [json.loads(line)["key"] for line in lines]


def play_triggers(seed: int) -> Counter[str]:
    """Play a seed; what was called how often.

    Raises:
        SimulationError: two runs are open that must not be, or an upload is in none, or in two.
    """
    rng = random.Random(seed)
    debounce_s, overlap = rng.choice((None, 30)), rng.choice(list(Overlap))
    world = TriggerWorld(
        rng=rng,
        trigger=S3Trigger(bucket="inbox", debounce_s=debounce_s, overlap=overlap),
        crash=rng.choice((0, 0.02, 0.1)),
        duplicate=rng.choice((0, 0.3)),
        rival=rng.choice((0, 0.2)),
        uploads=rng.randint(1, 20),
    )
    try:
        for _ in range(rng.randint(0, STORM_TICKS_MAX)):
            world.tick()
        world.crash = world.duplicate = world.rival = 0
        for _ in range(CALM_TICKS_MAX):
            if world.is_over():
                break
            world.tick()
        world.check_end()
    except AssertionError as error:
        raise SimulationError(f"seed {seed}, {world.trigger}: {error}") from error
    return world.counts
