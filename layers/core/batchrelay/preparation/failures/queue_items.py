"""The failed items of a step with a work queue: those that no worker recorded as done.

Any worker may have received any item. AWS Batch says which workers failed, and their result records
which items they did (docs/reference/manifest.md): all of them are read, also those of the workers
that succeeded. What SQS counts is approximate, and is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.failures import SIGKILL, ChildFailure, FailureClass
from batchrelay.domain.limits import QUEUE_RECORDS_READ_MAX
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import short
from batchrelay.ports import Objects
from batchrelay.preparation.failures.causes import Causes, Row
from batchrelay.preparation.failures.latest_round import FailedItems, LatestRound
from batchrelay.preparation.result_records import Record, record_segments

NEVER_TAKEN = "no worker took it"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRecords:
    """What all workers of a round recorded."""

    succeeded: set[int] = field(default_factory=set)
    """The numbers of the items that one of them did."""
    failures: dict[int, ChildFailure] = field(default_factory=dict)
    """By item, what one of them recorded of its failure; the item may have succeeded elsewhere."""
    out_of_memory: set[int] = field(default_factory=set)
    """Items whose program took more memory than the job has."""
    ended: set[int] = field(default_factory=set)
    """Workers that came to the end of the queue."""
    found: set[int] = field(default_factory=set)
    """Workers that left a record."""

    @classmethod
    def read(cls, objects: Objects, folder: str, latest: LatestRound) -> QueueRecords:
        """Raises: InvalidItems: more objects than are read. NotDone."""
        records = cls()
        left = QUEUE_RECORDS_READ_MAX
        for number, part in enumerate(latest.parts):
            if part.job_id is None:
                continue
            for index in range(part.size):
                child = latest.offset(number) + index
                job_id = part.job_id if part.size == 1 else f"{part.job_id}:{index}"
                for record in record_segments(objects, folder, child):
                    records._note(child, job_id, record)  # its own
                    left = _counted_down(left, folder)
                left = _counted_down(left, folder)
        return records

    def _note(self, child: int, job_id: str, record: Record) -> None:
        self.found.add(child)
        if record.get("done") is True:
            self.ended.add(child)
        for entry in record["items"]:
            number = entry["n"]
            if entry.get("ok") is True:
                self.succeeded.add(number)
                continue
            code = entry.get("code")
            self.failures[number] = ChildFailure(
                index=child,
                job_id=job_id,
                exit_code=code if type(code) is int else 1,
                reason=short(str(entry.get("why", ""))),
            )
            if entry.get("oom") is True:
                self.out_of_memory.add(number)

    def class_of(self, number: int) -> FailureClass:
        """The class of a failure that a worker recorded. Its reason may quote an item, and decides
        nothing."""
        if number in self.out_of_memory:
            return FailureClass.OUT_OF_MEMORY
        is_killed = self.failures[number].exit_code == SIGKILL
        return FailureClass.KILLED if is_killed else FailureClass.EXIT_CODE


def _counted_down(left: int, folder: str) -> int:
    """One object less to read. Raises: InvalidItems."""
    if left == 0:
        raise InvalidItems(
            f"{folder} has more than {QUEUE_RECORDS_READ_MAX:,} result records: what is left in "
            "the queue is not known"
        )
    return left - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedItemsOfQueue(FailedItems):
    """Finds what the workers of a round left."""

    records: QueueRecords

    @property
    def has_no_record(self) -> bool:
        """Whether jobs ran and recorded nothing: which items they did is not known."""
        failed = (part for part in self.latest.parts if part.outcome is not JobOutcome.SUCCEEDED)
        return any(part.job_id is not None for part in failed) and not self.records.found

    def _of_parts(self, causes: Causes) -> Iterator[tuple[Row, int]]:
        if all(part.outcome is JobOutcome.SUCCEEDED for part in self.latest.parts):
            return
        lost = self._failure_of_lost()
        for group in sorted({part.group for part in self.latest.parts}):
            for place in range(self.latest.counts[group]):
                row = (group, place)
                number = self.latest.number(row)
                if number in self.records.succeeded:
                    continue
                failure = self.records.failures.get(number)
                if failure is None:
                    yield row, causes.of(lost, number)
                else:
                    yield row, causes.named(self.records.class_of(number), failure, number)

    def _failure_of_lost(self) -> ChildFailure:
        """Why an item is not done that no worker recorded: a worker did not come to its end, else
        one failed though none of its items did, as it does for a dead letter."""
        failures = [
            (self.latest.offset(number) + failure.index, failure)
            for number, part in enumerate(self.latest.parts)
            if part.outcome is not JobOutcome.SUCCEEDED
            for failure in self._failed_children(number, part)
        ]
        if not failures:
            job_id = self.latest.parts[0].job_id or ""
            return ChildFailure(index=0, job_id=job_id, reason=NEVER_TAKEN)
        blamed = {failure.index for failure in self.records.failures.values()}
        return min(
            failures, key=lambda one: (one[0] in self.records.ended, one[0] in blamed, one[0])
        )[1]
