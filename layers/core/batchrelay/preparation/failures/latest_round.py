"""The round that has ended: its jobs, the items of their children, and which of them failed."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from batchrelay.domain.errors import JobForgotten
from batchrelay.domain.failures import NEVER_BEGUN, ChildFailure, FailureClass
from batchrelay.domain.limits import RECORDS_READ_MAX
from batchrelay.domain.n_to_n import has_ended_badly
from batchrelay.domain.pipeline import Step
from batchrelay.domain.requests import results_uri
from batchrelay.domain.retry_rounds import takes_all_failures
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome, Part, StepState
from batchrelay.domain.values import Json
from batchrelay.ports import Jobs, Objects
from batchrelay.preparation.failures.causes import REFUSED, UPSTREAM, Causes, Row, every_child
from batchrelay.preparation.failures.files import (
    failures_for_good,
    items_of_group,
    numbers_of_group,
)
from batchrelay.preparation.result_records import record_segments

FORGOTTEN = "AWS Batch no longer knows the job"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestRound:
    """What its parts did, and which items they had."""

    round: int
    is_first: bool
    """Whether it had all items of the step."""
    parts: tuple[Part, ...]
    chunk: int
    manifest: str | None
    """The folder of its items; None for a step without."""
    _first_numbers: Mapping[int, int]
    """In the first round: the number of the first item of each group."""
    _numbers: Mapping[int, array[int]]
    """In a later one: the numbers of each group's items."""
    counts: Mapping[int, int]
    """Items of each group."""
    has_given_up: bool = False
    """Whether the failures of rounds before it are looked at too: a redrive runs them again. They
    are the rows behind the items of their groups."""

    @classmethod
    def of(cls, objects: Objects, state: StepState) -> LatestRound:
        """Raises: InvalidItems: a file of it is gone, or damaged."""
        parts = () if state.is_collected else state.earlier_rounds[-1]
        is_first = len(state.earlier_rounds) == 1 and not state.is_collected
        folder = state.manifest if is_first else (state.failures if state.manifest else None)
        groups = sorted({part.group for part in parts})
        children = {g: sum(p.size for p in parts if p.group == g) for g in groups}
        offsets = {g: sum(p.size for p in parts if p.group < g) for g in groups}
        numbers = {}
        if not is_first:
            numbers = {g: numbers_of_group(objects, state.failures, g) for g in groups}
            counts = {g: len(numbers[g]) for g in groups}
        elif folder is None or (state.chunk == 1 and state.queue is None):
            counts = children
        else:
            counts = {g: sum(1 for _ in items_of_group(objects, folder, g)) for g in groups}
        has_given_up = takes_all_failures(state)
        if has_given_up:
            for entry in failures_for_good(objects, state):
                numbers.setdefault(entry["group"], array("Q")).append(entry["number"])
        return cls(
            round=state.round - 1,
            is_first=is_first,
            parts=parts,
            chunk=state.chunk,
            manifest=folder,
            _first_numbers={g: offsets[g] * state.chunk for g in groups},
            _numbers=numbers,
            counts=counts,
            has_given_up=has_given_up,
        )

    def offset(self, number: int) -> int:
        """The first child of a part, counted within the round."""
        return sum(part.size for part in self.parts[:number])

    def offset_in_group(self, number: int) -> int:
        """The first child of a part, counted within its group."""
        group = self.parts[number].group
        return sum(part.size for part in self.parts[:number] if part.group == group)

    def rows(self, group: int, child: int) -> range:
        """The rows of a child in its group's manifest."""
        first = child * self.chunk
        return range(first, min(first + self.chunk, self.counts[group]))

    def items(self, objects: Objects, state: StepState, group: int) -> Iterator[Json]:
        """A group's items, in the order of its rows. Raises: InvalidItems."""
        if self.counts.get(group, 0) and self.manifest is not None:
            yield from items_of_group(objects, self.manifest, group)
        if self.has_given_up:
            for entry in failures_for_good(objects, state):
                if entry["group"] == group:
                    yield entry.get("item")

    def number(self, row: Row) -> int:
        """The number of an item."""
        group, place = row
        if self._numbers:
            return self._numbers[group][place]
        return self._first_numbers[group] + place


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedItems:
    """Finds the failed items of a round."""

    objects: Objects
    jobs: Jobs
    run: Run
    step: Step
    latest: LatestRound

    def found(self, causes: Causes) -> Iterator[tuple[Row, int]]:
        """Every item that failed, and its cause."""
        yield from self._of_parts(causes)
        if self.latest.has_given_up:
            yield from self._given_up(causes)

    def _of_parts(self, causes: Causes) -> Iterator[tuple[Row, int]]:
        records = Records(self.objects, results_uri(self.run, self.step.name, self.latest.round))
        for number, part in enumerate(self.latest.parts):
            if part.outcome is JobOutcome.SUCCEEDED:
                continue
            first = self.latest.offset_in_group(number)
            for failure in self._failed_children(number, part):
                rows = [
                    (part.group, place)
                    for place in self.latest.rows(part.group, first + failure.index)
                ]
                if len(rows) > 1 and failure.job_id:
                    rows = self._failed_rows(
                        records, rows, self.latest.offset(number) + failure.index
                    )
                cause = causes.of(failure, self.latest.number(rows[0]))
                for row in rows:
                    yield row, cause

    def _given_up(self, causes: Causes) -> Iterator[tuple[Row, int]]:
        places = dict(self.latest.counts)
        for entry in failures_for_good(self.objects, self.run.state(self.step.name)):
            group, number = entry["group"], entry["number"]
            place = places.get(group, 0)
            places[group] = place + 1
            failure = ChildFailure(
                index=0, job_id="", exit_code=entry.get("exitCode"), reason=str(entry.get("reason"))
            )
            yield (group, place), causes.named(FailureClass(entry["class"]), failure, number)

    def _failed_children(self, number: int, part: Part) -> Iterator[ChildFailure]:
        if part.job_id is None:
            yield from every_child(part, "", self._reason_without_job(number, part))
            return
        try:
            yield from self.jobs.failed_children(part.job_id)
        except JobForgotten:
            yield from every_child(part, part.job_id, FORGOTTEN)

    def _reason_without_job(self, number: int, part: Part) -> str:
        if part.outcome is JobOutcome.CANCELLED:
            return NEVER_BEGUN
        return UPSTREAM if self._is_behind_failed_part(number) else self._refusal()

    def _refusal(self) -> str:
        """The sentence of AWS Batch."""
        return self.run.state(self.step.name).job_reason or REFUSED

    def _is_behind_failed_part(self, number: int) -> bool:
        if not self.latest.is_first:
            return False
        needs = (self.run.state(need).first_parts for need in self.step.n_to_n_needs)
        return any(parts and has_ended_badly(parts[number]) for parts in needs)

    def _failed_rows(self, records: Records, rows: list[Row], child: int) -> list[Row]:
        """Of a chunk, the items that the worker did not record as done; all of them without a
        record, or if it says that all are."""
        succeeded = records.succeeded(child)
        failed = [row for row in rows if self.latest.number(row) not in succeeded]
        return failed or rows


class Records:
    """The worker's result records of a round."""

    def __init__(self, objects: Objects, folder: str) -> None:
        self._objects = objects
        self._folder = folder
        self._left = RECORDS_READ_MAX

    def succeeded(self, child: int) -> set[int]:
        """The numbers of the items that a child recorded as done; none once too many were read."""
        numbers: set[int] = set()
        segments = record_segments(self._objects, self._folder, child)
        while self._left > 0:
            self._left -= 1
            record = next(segments, None)
            if record is None:
                break
            numbers |= {entry["n"] for entry in record["items"] if entry.get("ok") is True}
        return numbers
