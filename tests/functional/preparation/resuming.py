"""A run in memory whose children make their outputs, and find their items as the worker does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrelay.adapters.memory import MemoryJob
from batchrelay.domain.effects import Prepare
from batchrelay.domain.events import JobFailed, JobSucceeded
from batchrelay.domain.item import expand_item
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.templates import expand
from batchrelay.domain.values import JobKey
from batchrelay.domain.variables import variables_of
from batchrelay_worker.items import Child, Item, items_of, row_items
from tests.builders import MemoryCloud

_Child = tuple[str, int, int]
"""A child: its step, part and index."""


@dataclass
class ObjectsOfTheWorker:
    """What the worker reads, out of the memory of S3."""

    objects: Mapping[str, bytes]

    def get(self, uri: str, start: int, end: int) -> bytes:
        return self.objects[uri][start : end + 1]


@dataclass
class Made:
    """What one run came to."""

    run: Run
    by_step: dict[str, list[str]] = field(default_factory=dict)
    """The outputs that each step's children wrote."""
    inputs: dict[str, list[str]] = field(default_factory=dict)
    """What the first level of each aggregate was given."""
    notices: list[str] = field(default_factory=list)
    """The line of each notice that links to the output."""


def play(definition: Pipeline, objects: dict[str, bytes], run_id: str, fails: set[str]) -> Made:
    """One run to its end, over what is there; a child that should make one of `fails` fails."""
    return _Play(definition, objects, run_id, fails).to_the_end()


class _Play:
    def __init__(
        self, definition: Pipeline, objects: dict[str, bytes], run_id: str, fails: set[str]
    ) -> None:
        self.cloud = MemoryCloud(definition)
        self.cloud.objects.objects = objects
        self.fails = fails
        self.run_id = run_id
        self.failed: set[_Child] = set()
        order = StartRequest(run_id=run_id, pipeline=definition.name, version=1)
        self.made = Made(self.cloud.engine.start(order).run)

    def to_the_end(self) -> Made:
        prepared = 0
        while True:
            requested = self.cloud.preparations.requested
            job = next((j for j in self.cloud.jobs.jobs.values() if j.outcome is None), None)
            if prepared < len(requested):
                wanted = requested[prepared]
                prepared += 1
                assert isinstance(wanted, Prepare)
                self.cloud.engine.prepare(self.run_id, wanted.step, wanted.round)
            elif job is not None:
                self.do(job)
            else:
                break
        self.made.run = self.cloud.runs.load(self.run_id)
        assert self.made.run.status.is_terminal
        lines = (line for n in self.cloud.notices.published for line in n.message.splitlines())
        self.made.notices += [line for line in lines if line.startswith("Output: ")]
        return self.made

    def do(self, job: MemoryJob) -> None:
        key = JobKey.parse(job.name)
        assert key is not None
        run = self.cloud.runs.load(self.run_id)
        step = run.pipeline.step_of_label(key.label)
        assert step is not None
        size = run.state(step.name).parts[key.part].size
        bad = sum(not self.child(run, step, key, job, index, size) for index in range(size))
        outcome = JobOutcome.FAILED if bad else JobOutcome.SUCCEEDED
        self.cloud.jobs.end(job.job_id, outcome)
        about: dict[str, Any] = {"at": self.cloud.clock.now(), "key": key, "job_id": job.job_id}
        event = (
            JobFailed(**about, succeeded=size - bad, failed=bad, reason="exit code 1")
            if bad
            else JobSucceeded(**about)
        )
        self.cloud.engine.handle(self.run_id, [event])

    def child(
        self, run: Run, step: Step, key: JobKey, job: MemoryJob, index: int, size: int
    ) -> bool:
        """One child of a job: whether it did all of its items."""
        before = {(name, key.part, index) for name in step.n_to_n_needs}
        if step.sequential:
            before |= {(step.name, key.part, earlier) for earlier in range(index)}
        is_well = not before & self.failed
        environment = _environment(job, index, size)
        for item in self.items(environment) if is_well else ():
            is_well &= self.item(run, step, key, item, environment["BATCHRELAY_RESULTS"])
        if not is_well:
            self.failed.add((step.name, key.part, index))
        return is_well

    def items(self, environment: Mapping[str, str]) -> Iterator[Item]:
        child, aws = Child.of(environment), ObjectsOfTheWorker(self.cloud.objects.objects)
        if not child.queue:
            yield from items_of(child, aws)  # type: ignore[arg-type]
            return
        messages = self.cloud.queues.messages[child.queue]
        while messages:
            yield from row_items(child, int(messages.pop(0)), aws)  # type: ignore[arg-type]

    def item(self, run: Run, step: Step, key: JobKey, item: Item, results: str) -> bool:
        if step.output is None:
            return True
        if step.aggregate is not None:
            uri = item.value["output"]
            if key.round == 0:
                self.made.inputs.setdefault(step.name, []).extend(item.value["inputs"])
        else:
            uri = expand_item(expand(step.output, variables_of(run)), item.value, item.number)
        if uri in self.fails:
            return False
        record = {"schema": 1, "done": True, "items": [{"n": item.number, "ok": True, "s": 0.1}]}
        objects = self.cloud.objects.objects
        objects[f"{results}{item.number:07}.json"] = json.dumps(record).encode()
        objects[uri] = b"made"
        self.made.by_step.setdefault(step.name, []).append(uri)
        return True


def _environment(job: MemoryJob, index: int, size: int) -> dict[str, str]:
    overrides: Any = job.request["containerOverrides"]
    environment = {entry["name"]: entry["value"] for entry in overrides["environment"]}
    return environment | ({"AWS_BATCH_JOB_ARRAY_INDEX": str(index)} if size > 1 else {})
