"""One attempt to prepare a round: it writes items as manifests until they end, or its time does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from batchrelay.domain.conditions import Condition, parse_condition
from batchrelay.domain.errors import BatchrelayError, InvalidItems, Refused
from batchrelay.domain.events import Prepared
from batchrelay.domain.item import item_value
from batchrelay.domain.limits import ARRAY_SIZE_MAX, PARTS_MAX, QUEUE_MESSAGES_MAX
from batchrelay.domain.pipeline import Listing, Step
from batchrelay.domain.values import Json, existing_uri, manifest_uri
from batchrelay.ports import Clock, Objects
from batchrelay.preparation.items.existing import ExistingOutputs
from batchrelay.preparation.items.outputs import Outputs
from batchrelay.preparation.items.sources import Passed, Position
from batchrelay.preparation.items.timed import OutOfTime
from batchrelay.preparation.manifest import ManifestWriter
from batchrelay.preparation.work_queue import WorkQueue

FOR_GOOD = (InvalidItems, Refused, ValueError, ArithmeticError)
"""Errors that another try cannot fix; any other comes back from the queue."""

LOOKS_EVERY = 1_000
"""Items between two looks at the time and at the limits: a page of a listing."""

SENDING_S = 600.0
"""Seconds that filling a queue may take; an invocation with less left leaves it to the next."""

RESERVE_S = 60.0
"""Seconds that are kept to put everything down: two uploads of 8 MiB and a message."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """Its manifests, one for each group, and its queue."""

    step: Step
    chunk: int
    objects: Objects
    queue: WorkQueue
    stamp: str
    """When it began: what it puts down has a name of its own."""
    folder: str
    existing: ExistingOutputs | None
    outputs: tuple[Outputs, ...]
    position: Position
    is_resumed: bool
    suspended: Mapping[str, Any]
    writers: dict[str, ManifestWriter] = field(init=False)
    """By the manifest's URI."""
    _conditions: tuple[Condition | None, ...] = field(init=False)
    passed: int = 0
    """Objects of a listing that this invocation did not take for items."""
    _is_safe: bool = False
    _begin: Position = field(init=False)

    def __post_init__(self) -> None:
        self._begin = self.position
        self._conditions = tuple(
            None if group.when is None else parse_condition(group.when)
            for group in self.step.groups
        )
        self.writers = {}
        for uri in self.suspended:
            self._writer(uri)

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave nothing behind; but what was put down before is wanted when it is tried again."""
        final = kind is not None and issubclass(kind, FOR_GOOD)
        if not self._is_safe and (final or not self.is_resumed):
            for writer in self.writers.values():
                with suppress(BatchrelayError):  # S3 clears up in two days (template.yaml)
                    writer.abort()

    def fill(self, items: Iterator[Json | Passed], time_left: Callable[[], float]) -> bool:
        """Write the items; False if the time is up before their end."""
        try:
            return self._fill(items, time_left)
        except OutOfTime as error:
            if self.position == self._begin:
                raise OutOfTime(f"behind item {self.position.read:,}, {error}") from None
            return False

    def _fill(self, items: Iterator[Json | Passed], time_left: Callable[[], float]) -> bool:
        read, after = self.position.read, self.position.after
        is_listing = isinstance(self.step.for_each, Listing)
        seen = 0
        for item in items:
            seen += 1  # noqa: SIM113  # enumerate holds an item while the next one is read
            if isinstance(item, Passed):
                after, self.passed = item.key, self.passed + 1
            else:
                read += 1
                if is_listing:
                    after = item["key"]  # type: ignore[call-overload, index, assignment]
                self._add(item, read - 1)
            self.position = Position(read=read, after=after)
            del item  # nor is it held here
            if seen % LOOKS_EVERY == 0:
                self._check_limits(more=True)
                if time_left() < RESERVE_S:
                    return False
        self._check_limits(more=False)
        if self.step.workers is None or not read or time_left() >= SENDING_S:
            return True
        if self.position == self._begin:
            raise OutOfTime("before the queue is filled")
        return False

    def put_down(self) -> str:
        """Keep everything for the next invocation; where."""
        document = {
            "folder": self.folder,
            "chunk": self.chunk,
            "position": asdict(self.position),
            "digests": {outputs.where: outputs.suspend() for outputs in self.outputs},
            "writers": {uri: writer.suspend() for uri, writer in self.writers.items()},
        }
        uri = f"{self.folder}suspended-{self.position.read}-{self.stamp}.json"
        upload = self.objects.upload(uri)
        upload.write(json.dumps(document).encode())
        upload.complete()
        self._is_safe = True
        return uri

    def finish(self, which: Mapping[str, Any], clock: Clock) -> Prepared:
        """Let the manifests appear, and fill the queue; the grace of what follows begins then."""
        for writer in self.writers.values():
            writer.complete()
        self._is_safe = True
        uris = [manifest_uri(self.folder, group) for group in range(len(self.step.groups) + 1)]
        counts = [self.writers.get(uri) for uri in uris]
        children = [0 if writer is None else writer.children for writer in counts]
        items = sum(writer.count for writer in counts if writer is not None)
        existing = self.writers.get(existing_uri(self.folder))
        queue = None
        if self.step.workers is not None and items:
            queue = self.queue.fill(children[0])
            children[0] = min(self.step.workers, children[0])
        return Prepared(
            at=clock.now(),
            **which,
            items=items,
            passed=self.passed,
            existing=0 if existing is None else existing.count,
            children=tuple(children),
            chunk=self.chunk,
            manifest=self.folder if self.writers else None,
            queue=queue,
        )

    def _add(self, item: Json, number: int) -> None:
        for outputs in self.outputs:
            outputs.add(item, number)
        if self.existing is not None and self.existing.has(item, number):
            self._writer(existing_uri(self.folder)).add(item)
        else:
            self._writer(manifest_uri(self.folder, self._group(item))).add(item)

    def _group(self, item: Json) -> int:
        """The first group that takes an item; behind them, the step's own request."""
        for number, condition in enumerate(self._conditions):
            if condition is None or condition.holds(lambda name: item_value(item, name)):
                return number
        return len(self._conditions)

    def _writer(self, uri: str) -> ManifestWriter:
        writer = self.writers.get(uri)
        if writer is None:
            state = self.suspended.get(uri)
            writer = ManifestWriter.begin(self.objects, uri, self.chunk, state)
            self.writers[uri] = writer
        return writer

    def _check_limits(self, *, more: bool) -> None:
        writers = [w for uri, w in self.writers.items() if uri != existing_uri(self.folder)]
        items, children = sum(w.count for w in writers), sum(w.children for w in writers)
        each = f"{self.chunk:,} item{'s' if self.chunk > 1 else ''}"
        start = f"{'more than ' if more else ''}{items:,} items, {each} a"
        if self.step.workers is not None:
            if children > QUEUE_MESSAGES_MAX:
                raise InvalidItems(
                    f"{start} message, are {children:,} messages, and a queue is filled with at "
                    f"most {QUEUE_MESSAGES_MAX:,}: write a larger chunk"
                )
            return
        if sum(-(-w.children // ARRAY_SIZE_MAX) for w in writers) > PARTS_MAX:
            raise InvalidItems(
                f"{start} child, are {children:,} children, and {PARTS_MAX} arrays of "
                f"{ARRAY_SIZE_MAX:,} hold {PARTS_MAX * ARRAY_SIZE_MAX:,}: write a larger chunk"
            )
