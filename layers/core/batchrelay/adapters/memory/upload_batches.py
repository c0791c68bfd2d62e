"""Upload batches in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from batchrelay.domain.errors import RunConflict
from batchrelay.domain.upload_batch import CreatedObject, UploadBatch


@dataclass
class MemoryUploadBatches:
    """Upload batches in dictionaries."""

    upload_batches: dict[str, UploadBatch] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    recorded: dict[tuple[str, int], list[CreatedObject]] = field(default_factory=dict)

    def batch(self, name: str) -> UploadBatch:
        return self.upload_batches.get(name, UploadBatch())

    def collect(
        self,
        name: str,
        batch: UploadBatch,
        uploads: Sequence[CreatedObject],
        now: datetime,
        timer_at: datetime,
    ) -> None:
        known = self._same(name, batch)
        for upload in uploads:
            if (name, upload.identity) in self.seen:
                continue
            self.seen.add((name, upload.identity))
            self.recorded.setdefault((name, batch.number), []).append(upload)
            known = replace(
                known,
                count=known.count + 1,
                first_at=known.first_at or now,
                last_at=now,
                timer_at=timer_at,
            )
            self.upload_batches[name] = known

    def extend(self, name: str, batch: UploadBatch, timer_at: datetime) -> None:
        self.upload_batches[name] = replace(self._same(name, batch), timer_at=timer_at)

    def close(self, name: str, batch: UploadBatch) -> None:
        if self._same(name, batch).count != batch.count:
            raise RunConflict(f"the upload batch of {name} has changed")
        self.upload_batches[name] = UploadBatch(number=batch.number + 1, closed_at=batch.timer_at)

    def uploads(self, name: str, number: int) -> Iterator[CreatedObject]:
        return iter(self.recorded.get((name, number), ()))

    def _same(self, name: str, batch: UploadBatch) -> UploadBatch:
        known = self.batch(name)
        if (known.number, known.timer_at) != (batch.number, batch.timer_at):
            raise RunConflict(f"the upload batch of {name} has changed")
        return known
