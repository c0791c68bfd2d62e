"""What the jobs of a simulated run do: they take time, and some of them fail or are reclaimed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from batch_local.simulation import Attempt, ContainerRun, Job, Kind, end_container
from batchrelay.adapters.memory import MemoryObjects, MemoryQueues
from batchrelay_cli.simulate.agenda import Agenda
from batchrelay_cli.simulate.scenario import Scenario

if TYPE_CHECKING:
    from batchrelay_cli.simulate.batch import SimulatedBatch

RECLAIMED = {
    "EC2": "Host EC2 (instance i-0123456789abcdef0) terminated.",
    "FARGATE": "Your Spot Task was interrupted.",
}
"""The statusReason of an attempt whose Spot capacity is gone, by platform. Sources: Batch User
Guide, best practices; ECS Developer Guide, stopped task error codes: that AWS Batch hands on the
latter is an assumption."""

STREAM = "simulated"
"""The log of every container; it is never read."""

FAILED, STOPPED = 1, 143
"""Exit codes: of a program that fails, and of one that SIGTERM ends."""


class Programs:
    """Every program that a job runs. Each step draws from a generator of its own, so that what is
    assumed of one changes nothing of what the others draw."""

    def __init__(
        self, agenda: Agenda, scenario: Scenario, objects: MemoryObjects, queues: MemoryQueues
    ) -> None:
        self.attempts = self.reclaimed = self.failed = 0
        self._agenda, self._scenario = agenda, scenario
        self._objects, self._queues = objects, queues
        self._generators: dict[str, Random] = {}
        self._rows: dict[str, int] = {}
        self._held: dict[int, tuple[str, str]] = {}
        """The message that the worker of an attempt is at work on, with its queue."""

    def start_ms(self, job: Job) -> int:
        """From a place on a machine to the program."""
        start = self._scenario.starts[platform_of(job)]
        return start.draw_ms(self._generator(job))

    def event_delay_ms(self) -> int:
        """From an end to the handler, or from a request to its preparation."""
        return self._scenario.event_delay.draw_ms(self._generators_of("events"))

    def begin(self, batch: SimulatedBatch, job: Job, attempt: Attempt) -> None:
        """The program runs."""
        if attempt.stopped_at is not None:
            return
        batch.scheduler.started(job, attempt, STREAM, self._agenda.now_ms)
        if job.spec.definition.kind is not Kind.CONTAINER:
            attempt.containers = [
                ContainerRun(spec=spec, log_stream=STREAM) for spec in job.spec.containers
            ]
        self.attempts += 1
        rng, rate = self._generator(job), self._scenario.reclaims_per_s
        if rate:
            delay = round(rng.expovariate(rate) * 1_000)
            self._agenda.after(delay, partial(self._reclaim, batch, job, attempt))
        queue = variables_of(job).get("BATCHRELAY_QUEUE")
        if queue is not None:
            self._pull(batch, job, attempt, queue)
        else:
            took = self._work_ms(job, self._items_of(job), rng)
            is_bad = rng.random() < self._scenario.fails_of(step_of(job))
            code = FAILED if is_bad else 0
            self._agenda.after(took, partial(self._exit, batch, job, attempt, code))
        batch.follow()

    def stop(self, batch: SimulatedBatch, job: Job, attempt: Attempt) -> None:
        """SIGTERM ends it at once."""
        self._exit(batch, job, attempt, STOPPED)

    def _exit(self, batch: SimulatedBatch, job: Job, attempt: Attempt, code: int) -> None:
        if attempt.stopped_at is not None:
            return
        self.failed += code == FAILED
        self._give_back(attempt)
        for container in attempt.containers:
            end_container(attempt.containers, container, code, None)
        batch.scheduler.exited(job, attempt, code, self._agenda.now_ms)
        batch.follow()

    def _reclaim(self, batch: SimulatedBatch, job: Job, attempt: Attempt) -> None:
        if attempt.stopped_at is not None:
            return
        self.reclaimed += 1
        self._give_back(attempt)
        reason = RECLAIMED[platform_of(job)]
        batch.scheduler.host_lost(job, attempt, reason, self._agenda.now_ms)
        batch.follow()

    # --- workers

    def _pull(self, batch: SimulatedBatch, job: Job, attempt: Attempt, queue: str) -> None:
        """The next message, if there is one: it is done when that time has passed."""
        if attempt.stopped_at is not None:
            return
        self._held.pop(id(attempt), None)
        messages = self._queues.messages.get(queue)
        if not messages:
            self._exit(batch, job, attempt, 0)
            return
        row = messages.pop()
        self._held[id(attempt)] = (queue, row)
        took = self._work_ms(job, self._items_of_row(job, int(row)), self._generator(job))
        self._agenda.after(took, partial(self._pull, batch, job, attempt, queue))

    def _give_back(self, attempt: Attempt) -> None:
        """What its worker was at work on is in the queue again."""
        held = self._held.pop(id(attempt), None)
        if held is not None and held[0] in self._queues.messages:
            self._queues.messages[held[0]].append(held[1])

    # --- how long

    def _work_ms(self, job: Job, items: int, rng: Random) -> int:
        duration = self._scenario.duration_of(step_of(job))
        return sum(duration.draw_ms(rng) for _ in range(items))

    def _items_of(self, job: Job) -> int:
        """Of a child: 1 of a step without items."""
        values = variables_of(job)
        offset = int(values.get("BATCHRELAY_OFFSET", 0))
        in_group = offset - int(values.get("BATCHRELAY_GROUP_OFFSET", 0))
        return self._items_of_row(job, in_group + (job.index or 0))

    def _items_of_row(self, job: Job, row: int) -> int:
        values = variables_of(job)
        manifest, chunk = values.get("BATCHRELAY_MANIFEST"), int(values.get("BATCHRELAY_CHUNK", 1))
        if manifest is None or chunk == 1:
            return 1
        if manifest not in self._rows:
            self._rows[manifest] = self._objects.objects[manifest].count(b"\n")
        return max(0, min(chunk, self._rows[manifest] - row * chunk))

    def _generator(self, job: Job) -> Random:
        return self._generators_of(f"step {step_of(job)}")

    def _generators_of(self, name: str) -> Random:
        rng = self._generators.get(name)
        if rng is None:
            rng = Random(f"{self._scenario.seed} {name}")  # noqa: S311  # a seed plays the same again
            self._generators[name] = rng
        return rng


def variables_of(job: Job) -> Mapping[str, str]:
    """Our environment variables: those of any container that the request names."""
    environments = (container.environment for container in job.spec.containers)
    return next(one for one in environments if "BATCHRELAY_STEP" in one)


def platform_of(job: Job) -> str:
    """Fargate, or EC2: machines of an EKS cluster and of ECS Managed Instances are EC2 too."""
    return "FARGATE" if job.spec.definition.platform == "FARGATE" else "EC2"


def step_of(job: Job) -> str:
    """The step that a job is of."""
    return variables_of(job)["BATCHRELAY_STEP"]
