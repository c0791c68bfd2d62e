"""Which items failed in a round, why, and which of them run again: found off the hot path.

AWS Batch is asked for the failed children only, page by page, and a log is read once for each
cause: the calls do not grow with what succeeded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from batchrelay.domain.events import FailuresCollected
from batchrelay.domain.failures import Cause, FailureClass, causes_text
from batchrelay.domain.pipeline import Step
from batchrelay.domain.requests import listed_file, results_uri, retry_list_uri, round_uri
from batchrelay.domain.retry_rounds import (
    early_stop_text,
    is_first_of_redrive,
    is_tolerated,
    items_of,
    runs_again,
    takes_all_failures,
)
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState
from batchrelay.domain.templates import expand
from batchrelay.domain.values import causes_uri, failures_uri, manifest_uri, numbers_uri
from batchrelay.domain.variables import variables_of
from batchrelay.ports import Clock, Jobs, Logs, Objects, Queues
from batchrelay.preparation.failures.causes import Causes, Row, with_log
from batchrelay.preparation.failures.files import (
    causes_document,
    causes_for_good,
    chosen,
    failed_numbers,
    failures_for_good,
    json_line,
    number_line,
    put,
    put_succeeded,
)
from batchrelay.preparation.failures.latest_round import FailedItems, LatestRound
from batchrelay.preparation.failures.queue_items import FailedItemsOfQueue, QueueRecords
from batchrelay.preparation.items.retry_list import retry_list
from batchrelay.preparation.items.sources import list_format
from batchrelay.preparation.manifest import ManifestWriter
from batchrelay.preparation.work_queue import WorkQueue

NO_RECORD = "no worker recorded its items, as batchrelay-worker run does, so all are left: "
"""Of a queue whose jobs ran: which of its items they did is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCollector:
    """Collects the failures of a step's latest round."""

    objects: Objects
    queues: Queues
    jobs: Jobs
    logs: Logs
    clock: Clock

    def collect(self, run: Run, step: Step) -> FailuresCollected:
        """What failed, and what runs again.

        Raises:
            InvalidItems: a manifest is gone, or damaged.
            NotDone, Refused: AWS Batch gave no answer.
        """
        state = run.state(step.name)
        latest = LatestRound.of(self.objects, state)
        causes = Causes()
        failed_items = self._failed_items(run, step, latest)
        rows = dict(failed_items.found(causes))
        again = self._again(run, step, latest, rows, causes)
        is_unknown = isinstance(failed_items, FailedItemsOfQueue) and failed_items.has_no_record
        if is_unknown and not is_first_of_redrive(state):
            again = set()
        failed = _count_own(rows, again, causes)
        stopped = _count_stopped(rows, again, causes)
        folder = self._folder(run, step)
        collection = _Collection(
            objects=self.objects, run=run, step=step, latest=latest, folder=folder,
            rows=rows, again=again, causes=causes,
        )  # fmt: skip
        messages = collection.write()
        shown = self._shown(state, latest, causes, rows, again)
        document = causes_document(latest.round, items_of(run, step), shown)
        put(self.objects, causes_uri(folder), [document])
        queue, children = self._queue(run, step, messages)
        return FailuresCollected(
            at=self.clock.now(),
            step=step.name,
            round=state.round,
            failed=failed,
            upstream=len(rows) - len(again) - failed - stopped,
            stopped=stopped,
            reason=NO_RECORD * is_unknown + causes_text(shown, early_stop_text(step, state)),
            failures=folder,
            children=children,
            queue=queue,
        )

    def _failed_items(self, run: Run, step: Step, latest: LatestRound) -> FailedItems:
        if step.workers is None:
            return FailedItems(
                objects=self.objects, jobs=self.jobs, run=run, step=step, latest=latest
            )
        folder = results_uri(run, step.name, latest.round)
        return FailedItemsOfQueue(
            objects=self.objects, jobs=self.jobs, run=run, step=step, latest=latest,
            records=QueueRecords.read(self.objects, folder, latest),
        )  # fmt: skip

    def _queue(
        self, run: Run, step: Step, children: tuple[int, ...]
    ) -> tuple[str | None, tuple[int, ...]]:
        """The queue of the next round, filled with its messages, and its workers."""
        if step.workers is None or not children:
            return None, children
        [messages] = children
        queue = WorkQueue.of(self.queues, run, step, run.state(step.name), self._stamp())
        return queue.fill(messages), (min(step.workers, messages),)

    def _stamp(self) -> str:
        return self.clock.now().strftime("%Y%m%dt%H%M%S%f")

    def _folder(self, run: Run, step: Step) -> str:
        """One of this attempt's own, and never that which it reads: a redrive may have the round,
        and the moment, of the last search for failures."""
        state = run.state(step.name)
        stamp = self._stamp()
        again = f"-redrive-{run.redrive.number}" if run.redrive and state.is_redriven else ""
        return f"{round_uri(run, step.name, state.round)}{stamp}{again}/"

    def _again(
        self, run: Run, step: Step, latest: LatestRound, rows: Mapping[Row, int], causes: Causes
    ) -> set[Row]:
        """The items that run again: none if the step fails whatever they do, unless it is asked."""
        takes = [runs_again(run, step, cause.named, cause.exit_code) for cause in causes.all]
        again = {row for row, cause in rows.items() if takes[cause]}
        blocked = self._blocked_children(run, step)
        if blocked:
            upstream = {r for r in again if causes.all[rows[r]].named is FailureClass.UPSTREAM}
            again -= {row for row in upstream if latest.number(row) // latest.chunk in blocked}
        state = run.state(step.name)
        failed = state.failed_items + _count_own(rows, again, causes)
        if is_first_of_redrive(state) or is_tolerated(run, step, failed):
            return again
        return set()

    def _blocked_children(self, run: Run, step: Step) -> set[int]:
        """Children whose child in a step before failed for good."""
        blocked: set[int] = set()
        for need in sorted(step.n_to_n_needs):
            state = run.state(need)
            if not state.lets_dependents_run:
                return set(range(run.state(step.name).children or 0))
            blocked |= {number // state.chunk for number in failed_numbers(self.objects, state)}
        return blocked

    def _shown(
        self,
        state: StepState,
        latest: LatestRound,
        causes: Causes,
        rows: Mapping[Row, int],
        again: set[Row],
    ) -> list[Cause]:
        """The causes of every item that failed and did not succeed later."""
        counts, repeats = Counter(rows.values()), Counter(rows[row] for row in again)
        earlier = causes_for_good(self.objects, state)
        for number, cause in enumerate(causes.all):
            if takes_all_failures(state):
                cause = with_sample_of(cause, earlier)
            if 0 < repeats[number] < counts[number]:
                left = min(row for row in rows if rows[row] == number and row not in again)
                cause = with_sample(cause, state, latest.number(left))
            causes.all[number] = cause
        counted = causes.counted(counts, repeats)
        shown = [cause if cause.log else with_log(self.logs, cause) for cause in counted]
        return shown if takes_all_failures(state) else [*earlier, *shown]


def with_sample(cause: Cause, state: StepState, number: int) -> Cause:
    """A cause with an item for its sample that stays failed: of those with the same cause, what
    failed upstream runs again only behind an item that does."""
    child = number // state.chunk
    for part in state.first_parts:
        if child < part.size:
            job = part.job_id or ""
            if job and part.size > 1:
                job = f"{job}:{child}"
            return replace(cause, sample_number=number, sample_job=job, log=())
        child -= part.size
    return cause


def with_sample_of(cause: Cause, earlier: list[Cause]) -> Cause:
    """A cause with the sample that it had before."""
    same = (
        c
        for c in earlier
        if (c.named, c.exit_code, c.reason) == (cause.named, cause.exit_code, cause.reason)
    )
    known = next(same, None)
    if known is None:
        return cause
    return replace(
        cause, sample_number=known.sample_number, sample_job=known.sample_job, log=known.log
    )


def _count_own(rows: Mapping[Row, int], again: set[Row], causes: Causes) -> int:
    """Items that do not run again, and failed of their own."""
    others = (FailureClass.UPSTREAM, FailureClass.STOPPED)
    return sum(
        row not in again and causes.all[cause].named not in others for row, cause in rows.items()
    )


def _count_stopped(rows: Mapping[Row, int], again: set[Row], causes: Causes) -> int:
    """Items that do not run again, and were stopped or never begun."""
    named = FailureClass.STOPPED
    return sum(row not in again and causes.all[cause].named is named for row, cause in rows.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collection:
    """What was found, and where it is written."""

    objects: Objects
    run: Run
    step: Step
    latest: LatestRound
    folder: str
    rows: Mapping[Row, int]
    again: set[Row]
    causes: Causes

    @property
    def _state(self) -> StepState:
        return self.run.state(self.step.name)

    def write(self) -> tuple[int, ...]:
        """Every file but the causes; the children of the next round, by group."""
        earlier: Iterable[bytes] = ()
        if not takes_all_failures(self._state):
            earlier = map(json_line, failures_for_good(self.objects, self._state))
        put(self.objects, failures_uri(self.folder), chain(earlier, self._failures()))
        if not self.again:
            failed = failed_numbers(self.objects, self._state)
            failed |= {self.latest.number(row) for row in self.rows}
            put_succeeded(self.objects, self.folder, self._state, failed)
            return ()
        groups: dict[int, list[Row]] = {}
        for row in sorted(self.again):
            groups.setdefault(self._next_group(row), []).append(row)
        children = [0] * (max(groups) + 1)
        for group, rows in sorted(groups.items()):
            children[group] = self._write_group(group, rows)
        return tuple(children)

    def _next_group(self, row: Row) -> int:
        """The group of an item in the next round: its own, or one with more memory."""
        group = row[0]
        if self.step.workers is not None:  # any worker may receive it
            return group
        retry = self.step.retry_failed
        is_short = self.causes.all[self.rows[row]].named is FailureClass.OUT_OF_MEMORY
        if retry is None or retry.memory_factor is None or not is_short:
            return group
        return group + len(self.step.groups) + 1

    def _failures(self) -> Iterator[bytes]:
        for (row, cause), item in zip(
            sorted(self.rows.items()), self._items(sorted(self.rows)), strict=True
        ):
            known = self.causes.all[cause]
            entry: dict[str, Any] = {
                "number": self.latest.number(row),
                "group": row[0],
                "class": str(known.named),
                "exitCode": known.exit_code,
                "reason": known.reason,
                "round": self.latest.round,
                "again": row in self.again,
            }
            if self.latest.manifest is not None:
                entry["item"] = item
            yield json_line(entry)

    def _items(self, rows: list[Row]) -> Iterator[Any]:
        """The items of rows that are in order: each group's manifest is read once, as a stream."""
        if self.latest.manifest is None:
            yield from ({"number": self.latest.number(row)} for row in rows)
            return
        for group in sorted({group for group, _ in rows}):
            values = self.latest.items(self.objects, self._state, group)
            yield from chosen(values, [place for g, place in rows if g == group])

    def _write_group(self, group: int, rows: list[Row]) -> int:
        put(
            self.objects,
            numbers_uri(self.folder, group),
            (number_line(self.latest.number(row)) for row in rows),
        )
        if self.latest.manifest is None:
            return len(rows)
        uri = manifest_uri(self.folder, group)
        writer = ManifestWriter.begin(self.objects, uri, self.latest.chunk)
        for item in self._items(rows):
            writer.add(item)
        writer.complete()
        listed = listed_file(self.run, self.step)
        if listed is not None:
            variables = variables_of(self.run)
            uri = retry_list_uri(listed, self.folder, group, variables)
            form = list_format(listed, expand(listed.file, variables))
            put(self.objects, uri, retry_list(self._items(rows), listed, form, uri))
        return writer.children
