"""Upload batches in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from batchrelay.domain.errors import RunConflict
from batchrelay.domain.upload_batch import Burst, CreatedObject


@dataclass
class MemoryBursts:
    """Bursts in dictionaries."""

    bursts: dict[str, Burst] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    noted: dict[tuple[str, int], list[CreatedObject]] = field(default_factory=dict)

    def burst(self, name: str) -> Burst:
        return self.bursts.get(name, Burst())

    def collect(
        self,
        name: str,
        burst: Burst,
        uploads: Sequence[CreatedObject],
        now: datetime,
        rings_at: datetime,
    ) -> None:
        known = self._same(name, burst)
        for upload in uploads:
            if (name, upload.identity) in self.seen:
                continue
            self.seen.add((name, upload.identity))
            self.noted.setdefault((name, burst.number), []).append(upload)
            known = replace(
                known,
                count=known.count + 1,
                first_at=known.first_at or now,
                last_at=now,
                rings_at=rings_at,
            )
            self.bursts[name] = known

    def put_off(self, name: str, burst: Burst, rings_at: datetime) -> None:
        self.bursts[name] = replace(self._same(name, burst), rings_at=rings_at)

    def close(self, name: str, burst: Burst) -> None:
        if self._same(name, burst).count != burst.count:
            raise RunConflict(f"the burst of {name} is not as it was")
        self.bursts[name] = Burst(number=burst.number + 1, closed_at=burst.rings_at)

    def uploads(self, name: str, number: int) -> Iterator[CreatedObject]:
        return iter(self.noted.get((name, number), ()))

    def _same(self, name: str, burst: Burst) -> Burst:
        known = self.burst(name)
        if (known.number, known.rings_at) != (burst.number, burst.rings_at):
            raise RunConflict(f"the burst of {name} is not as it was")
        return known
