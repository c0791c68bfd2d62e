"""DynamoDB on virtual time: it takes its time, each partition has its units, and each table."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from batchrelay.adapters.memory import MemoryRunStore
from batchrelay.codec import stored_run
from batchrelay.domain.errors import RunConflict
from batchrelay.domain.run import Run
from batchrelay.domain.run_queue import RunQueue
from batchrelay_cli.simulate.agenda import Agenda
from verification.scale.invocations import Invocations
from verification.scale.limits import (
    PARTITION_READS_PER_S,
    PARTITION_WRITES_PER_S,
    READ_MS,
    STORE_TRIES,
    STORE_WAIT_MS,
    TABLE_READS_PER_S,
    TABLE_WRITES_PER_S,
    WRITE_MS,
    UnitQuota,
)

READ_UNIT_BYTES, WRITE_UNIT_BYTES = 4_096, 1_024
"""Source: DynamoDB Developer Guide, read and write units."""

TABLE = "table"


@dataclass
class Units:
    """Reads or writes: of partitions, and of the table."""

    of_partitions: UnitQuota
    of_table: UnitQuota
    total: int = 0
    throttled: int = 0

    def accepts(self, units: dict[str, int], now_ms: int) -> bool:
        """A call that takes units of these keys: all of it, or nothing."""
        has_room = self.of_table.has_room(TABLE, now_ms) and all(
            self.of_partitions.has_room(key, now_ms) for key in units
        )
        if not has_room:
            self.throttled += 1
            return False
        for key, count in units.items():
            self.of_partitions.take(key, count, now_ms)
        self.of_table.take(TABLE, sum(units.values()), now_ms)
        self.total += sum(units.values())
        return True


@dataclass
class TimedRuns(MemoryRunStore):
    """Runs in memory, which are read and written as DynamoDB would."""

    agenda: Agenda = field(kw_only=True)
    invocations: Invocations = field(kw_only=True)
    saves: int = 0
    """Writes of runs that were accepted."""
    conflicts: int = 0
    """Writes whose condition did not hold."""
    reads: Units = field(
        default_factory=lambda: Units(
            UnitQuota(PARTITION_READS_PER_S), UnitQuota(TABLE_READS_PER_S)
        )
    )
    writes: Units = field(
        default_factory=lambda: Units(
            UnitQuota(PARTITION_WRITES_PER_S), UnitQuota(TABLE_WRITES_PER_S)
        )
    )
    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of each run's item."""

    def create(self, run: Run, run_queue: RunQueue | None = None) -> Run:
        self._write(run, is_listed=True)
        return super().create(run, run_queue)

    def load(self, run_id: str) -> Run:
        units = math.ceil(self.sizes.get(run_id, 1) / READ_UNIT_BYTES)
        self._call(self.reads, {run_id: units})
        run = super().load(run_id)
        self.invocations.wait(READ_MS)
        return run

    def save(self, run: Run) -> Run:
        self._write(run, is_listed=run.status.is_terminal)
        try:
            saved = super().save(run)
        except RunConflict:  # and yet it took its units
            self.conflicts += 1
            raise
        self.saves += 1
        return saved

    def _write(self, run: Run, *, is_listed: bool) -> None:
        """Take units, and time.

        Args:
            is_listed: whether the indexes change: that of all open runs, and that of a pipeline's.
        """
        size = stored_run(run).size
        larger = max(size, self.sizes.get(run.id, 0))
        units = {run.id: math.ceil(larger / WRITE_UNIT_BYTES)}
        if is_listed:
            units |= {"index open": 1, f"index runs {run.pipeline.name}": 1}
        self._call(self.writes, units)
        self.sizes[run.id] = size
        self.invocations.wait(WRITE_MS)

    def _call(self, of: Units, units: dict[str, int]) -> None:
        """botocore tries a throttled call again."""
        for number in range(STORE_TRIES):
            if of.accepts(units, self.agenda.now_ms):
                return
            self.invocations.wait(STORE_WAIT_MS * 2**number)
        raise TimeoutError(f"{STORE_TRIES} tries of DynamoDB were throttled")
