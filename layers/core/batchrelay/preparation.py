"""Long work off the hot path: find a step's items, and write them as manifests.

A step is prepared in one invocation, or in several: an invocation that runs out of time puts down
what it has, and the next goes on from there. Every attempt writes to a folder of its own, so that
two of them, which may have seen different listings, never mix.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from batchrelay.domain.conditions import Condition, parse_condition
from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.events import PreparationContinued, PreparationFailed, Prepared
from batchrelay.domain.expansion import expand
from batchrelay.domain.item import item_value
from batchrelay.domain.limits import ARRAY_SIZE_MAX, PARTS_MAX
from batchrelay.domain.pipeline import Listing, Step
from batchrelay.domain.requests import round_uri
from batchrelay.domain.run import Run, StepState, StepStatus
from batchrelay.domain.values import Json, manifest_uri
from batchrelay.domain.variables import variables_of
from batchrelay.items.existing import ExistingOutputs
from batchrelay.items.sources import Position, Sources, reduced
from batchrelay.manifest import ManifestWriter
from batchrelay.ports import Clock, Objects, Queues

LOOKS_EVERY = 1_000
"""Items between two looks at the time and at the limits: a page of a listing."""

RESERVE_S = 60.0
"""Seconds that are kept to put everything down: two uploads of 8 MiB and a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an invocation."""

    event: Prepared | PreparationFailed | PreparationContinued
    resume: str = ""
    """S3 URI of what was put down, for the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Prepares one round of one step."""

    objects: Objects
    queues: Queues
    clock: Clock

    def prepare(
        self,
        run: Run,
        step_name: str,
        round_number: int,
        *,
        resume: str = "",
        time_left: Callable[[], float] = lambda: math.inf,
    ) -> Outcome | None:
        """What came of it; None if this run does not wait for that preparation (any more).

        Args:
            resume: the S3 URI of what an earlier invocation put down.
            time_left: seconds until this invocation must have ended.
        """
        state = run.state(step_name)
        if state.status is not StepStatus.PREPARING or state.round != round_number:
            return None
        step = run.pipeline.step(step_name)
        known: dict[str, Any] = {"at": self.clock.now(), "step": step_name, "round": round_number}
        try:
            attempt = self._attempt(run, step, state, resume)
            with attempt:
                if not attempt.fill(self._items(run, step, state, attempt.position), time_left):
                    uri = attempt.put_down()
                    return Outcome(event=PreparationContinued(**known), resume=uri)
                return Outcome(event=attempt.finish(known))
        except InvalidItems as error:
            return Outcome(event=PreparationFailed(**known, reason=str(error)))

    def _attempt(self, run: Run, step: Step, state: StepState, resume: str) -> _Attempt:
        stored = json.loads(b"".join(self.objects.read(resume))) if resume else {}
        stamp = self.clock.now().strftime("%Y%m%dt%H%M%S%f")
        existing = None
        if step.skip_existing is not None:
            pattern = expand(step.skip_existing, variables_of(run))
            existing = ExistingOutputs.find(self.objects, pattern)
        return _Attempt(
            step=step,
            objects=self.objects,
            queues=self.queues,
            queue_name=f"br-{run.id}-{step_digest(step, state)}-{stamp[-12:]}",
            folder=stored.get("folder") or f"{round_uri(run, step.name, state.round)}{stamp}/",
            existing=existing,
            position=Position(**stored.get("position", {})),
            queue=stored.get("queue"),
            suspended=stored.get("writers", {}),
        )

    def _items(self, run: Run, step: Step, state: StepState, position: Position) -> Iterator[Json]:
        sources = Sources(objects=self.objects)
        if step.aggregate is None:
            assert step.for_each is not None, step
            return sources.items(run, step.for_each, position)
        final = expand(step.output or "", variables_of(run))
        inputs = (
            sources.outputs(run, step.aggregate.of)
            if state.round == 0
            else sources.level_outputs(state)
        )
        folder = round_uri(run, step.name, state.round) + "out/"
        level = reduced(inputs, step.aggregate.fan_in, final, folder)
        return islice(level, position.read, None)


def step_digest(step: Step, state: StepState) -> str:
    """A step and round in a queue's name, which has at most 80 characters."""
    return hashlib.sha256(f"{step.label}-{state.round}".encode()).hexdigest()[:12]


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One try at one round: its manifests, one for each group, and its queue."""

    step: Step
    objects: Objects
    queues: Queues
    queue_name: str
    folder: str
    existing: ExistingOutputs | None
    position: Position
    queue: str | None
    suspended: Mapping[str, Any]
    writers: dict[int, ManifestWriter] = field(init=False)
    _conditions: tuple[Condition | None, ...] = field(init=False)
    _leases: list[str] = field(default_factory=list)
    _is_safe: bool = False

    def __post_init__(self) -> None:
        self._conditions = tuple(
            None if group.when is None else parse_condition(group.when)
            for group in self.step.groups
        )
        self.writers = {int(group): self._writer(int(group)) for group in self.suspended}

    def __enter__(self) -> _Attempt:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_safe:
            for writer in self.writers.values():
                writer.abort()

    def fill(self, items: Iterator[Json], time_left: Callable[[], float]) -> bool:
        """Write the items; False if the time is up before their end."""
        read, after = self.position.read, self.position.after
        is_listing = isinstance(self.step.for_each, Listing)
        for item in items:
            read += 1
            if is_listing:
                after = item["key"]  # type: ignore[call-overload, index, assignment]
            if self.existing is None or not self.existing.has(item):
                self._add(item)
            if read % LOOKS_EVERY == 0:
                self._check_limits(more=True)
                if time_left() < RESERVE_S:
                    self.position = Position(read=read, after=after)
                    return False
        self._check_limits(more=False)
        return True

    def put_down(self) -> str:
        """Keep everything for the next invocation; where."""
        self._send_leases()
        document = {
            "folder": self.folder,
            "position": asdict(self.position),
            "queue": self.queue,
            "writers": {str(group): writer.suspend() for group, writer in self.writers.items()},
        }
        uri = f"{self.folder}suspended-{self.position.read}.json"
        upload = self.objects.upload(uri)
        upload.write(json.dumps(document).encode())
        upload.complete()
        self._is_safe = True
        return uri

    def finish(self, known: Mapping[str, Any]) -> Prepared:
        """Let the manifests appear."""
        for writer in self.writers.values():
            writer.complete()
        self._send_leases()
        self._is_safe = True
        children = [0] * (len(self.step.groups) + 1)
        for group, writer in self.writers.items():
            children[group] = writer.children
        if self.step.workers is not None:
            children[0] = min(self.step.workers, children[0])
        items = sum(writer.count for writer in self.writers.values())
        return Prepared(
            **known,
            items=items,
            children=tuple(children),
            chunk=self.step.chunk,
            manifest=self.folder if items else None,
            queue=self.queue,
        )

    def _add(self, item: Json) -> None:
        group = self._group(item)
        writer = self.writers.get(group)
        if writer is None:
            writer = self.writers[group] = self._writer(group)
        writer.add(item)
        if self.step.workers is not None and (writer.count - 1) % writer.chunk == 0:
            self._leases.append(str(writer.children - 1))
            if len(self._leases) >= LOOKS_EVERY:
                self._send_leases()

    def _group(self, item: Json) -> int:
        """The first group that takes an item; behind them, the step's own request."""
        for number, condition in enumerate(self._conditions):
            if condition is None or condition.holds(lambda name: item_value(item, name)):
                return number
        return len(self._conditions)

    def _writer(self, group: int) -> ManifestWriter:
        uri = manifest_uri(self.folder, group)
        state = self.suspended.get(str(group))
        return ManifestWriter.begin(self.objects, uri, self.step.chunk, state)

    def _send_leases(self) -> None:
        if self._leases:
            if self.queue is None:
                self.queue = self.queues.create(self.queue_name)
            self.queues.send(self.queue, self._leases)
            self._leases.clear()

    def _check_limits(self, *, more: bool) -> None:
        if self.step.workers is not None:
            return
        children = [writer.children for writer in self.writers.values()]
        parts = sum(-(-count // ARRAY_SIZE_MAX) for count in children)
        if parts <= PARTS_MAX:
            return
        items = sum(writer.count for writer in self.writers.values())
        each = f"{self.step.chunk:,} item{'s' if self.step.chunk > 1 else ''}"
        raise InvalidItems(
            f"{'more than ' if more else ''}{items:,} items, {each} a child, are "
            f"{sum(children):,} children, and {PARTS_MAX} arrays of {ARRAY_SIZE_MAX:,} hold "
            f"{PARTS_MAX * ARRAY_SIZE_MAX:,}: write a larger chunk"
        )
