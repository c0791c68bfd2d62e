"""The fakes of the ports, where it is counted what AWS bills for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchrelay.adapters.memory import MemoryObjects, MemoryQueues, MemoryRunStore, MemoryUpload
from batchrelay.codec import stored_run
from batchrelay.domain.run import Run
from batchrelay.domain.run_queue import RunQueue
from batchrelay_cli.simulate.orchestration import KIB, Calls

MESSAGES_PER_REQUEST = 10
"""Source: SendMessageBatch."""


@dataclass
class CountedRuns(MemoryRunStore):
    """Runs in memory."""

    calls: Calls = field(default_factory=Calls)

    def create(self, run: Run, run_queue: RunQueue | None = None) -> Run:
        return self._counted(super().create(run, run_queue))

    def load(self, run_id: str) -> Run:
        self.calls.reads += 1
        return super().load(run_id)

    def save(self, run: Run) -> Run:
        return self._counted(super().save(run))

    def _counted(self, run: Run) -> Run:
        self.calls.run_bytes = stored_run(run).size
        self.calls.write_units += math.ceil(self.calls.run_bytes / KIB)
        return run


@dataclass
class CountedObjects(MemoryObjects):
    """S3 in memory."""

    calls: Calls = field(default_factory=Calls)

    def read(self, uri: str) -> Iterable[bytes]:
        self.calls.gets += 1
        return super().read(uri)

    def upload(self, uri: str, state: Mapping[str, Any] | None = None) -> MemoryUpload:
        self.calls.puts += 1
        return super().upload(uri, state)


@dataclass
class CountedQueues(MemoryQueues):
    """SQS in memory."""

    calls: Calls = field(default_factory=Calls)

    def send(self, url: str, bodies: Sequence[str]) -> None:
        self.calls.message_batches += math.ceil(len(bodies) / MESSAGES_PER_REQUEST)
        super().send(url, bodies)
