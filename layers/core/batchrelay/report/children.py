"""The children of one step: counts, spreads, curves, the slowest, the failed, a row of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappush, heappushpop, nlargest
from typing import Any

from batchrelay.report.causes import REASON_CHARS_MAX, CauseTable
from batchrelay.report.facts import ChildFact, ChildState, Document, JobFact
from batchrelay.report.values import SLOTS, Slots, Values, percentile, rounded

COLUMNS_MAX = 50_000
"""Children of a run that have a row each; of a larger step its numbers and its worst are kept."""

SLOWEST_MAX = 20
FAILED_MAX = 100
"""Failed children of a step that are described one by one, where each has a row as well."""

FAILED_ALONE_MAX = 500
"""Likewise, where the others have no row."""

STRAGGLER_RATIO = 5
"""A straggler ran so many times as long as the median child of its step."""

ITEM_CHARS_MAX = 200

_FAILED = (ChildState.FAILED, ChildState.UPSTREAM)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A run's time: every time of its report is in milliseconds since its start."""

    start: datetime
    end: datetime

    @property
    def slot_ms(self) -> float:
        """Of the curves."""
        return max(1.0, self.at(self.end) or 0) / SLOTS

    def at(self, time: datetime | None) -> int | None:
        """May be below 0: a job is created a moment before its run is stored."""
        return None if time is None else round((time - self.start).total_seconds() * 1000)


@dataclass
class _Use:
    """What the children of one round of one group used."""

    peak_mib: Values = field(default_factory=Values)
    cpu_s: Values = field(default_factory=Values)
    cpu_run_ms: float = 0
    """How long those ran whose CPU time was measured."""
    children: int = 0


@dataclass
class StepChildren:
    """Takes the children of a step one by one; holds a row of each up to COLUMNS_MAX."""

    axis: Axis
    causes: CauseTable
    count: int = 0
    states: Counter[ChildState] = field(default_factory=Counter)
    run_ms: Values = field(default_factory=Values)
    wait_ms: Values = field(default_factory=Values)
    ran_ms: float = 0
    wasted_ms: float = 0
    rows: list[tuple[ChildFact, int | None]] | None = field(default_factory=list)
    """With the place of its cause."""
    _uses: dict[tuple[int, int], _Use] = field(default_factory=dict)
    _running: Slots = field(init=False)
    _retried: Slots = field(init=False)
    _waiting: Slots = field(init=False)
    _slowest: list[tuple[int, int, ChildFact]] = field(default_factory=list)
    _failed: list[ChildFact] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._running, self._retried, self._waiting = (
            Slots(slot_ms=self.axis.slot_ms) for _ in range(3)
        )

    def add(self, fact: ChildFact) -> None:
        """One more child."""
        self.count += 1
        self.states[fact.state] += 1
        self._time(fact)
        self._measure(fact)
        cause = self.causes.place(fact) if fact.state in _FAILED else None
        if cause is not None and len(self._failed) < FAILED_ALONE_MAX:
            self._failed.append(fact)
        if self.rows is not None:
            self.rows.append((fact, cause))
            if len(self.rows) > COLUMNS_MAX:
                self.rows = None

    def _time(self, fact: ChildFact) -> None:
        earlier_ms = fact.earlier_s * 1000
        end = self.axis.at(self.axis.end) or 0
        created, started = self.axis.at(fact.created_at), self.axis.at(fact.started_at)
        stopped = self.axis.at(fact.stopped_at)
        if created is not None and fact.state is not ChildState.UPSTREAM:
            waited_until = stopped if started is None and stopped is not None else started
            self._waiting.add(created, end if waited_until is None else waited_until - earlier_ms)
        self.wait_ms.add(fact.wait_ms)
        if started is None:
            return
        ran_ms = (end if stopped is None else stopped) - started
        if earlier_ms:
            self._retried.add(started - earlier_ms, started)
        curve = self._retried if fact.is_retried else self._running
        curve.add(started, started + ran_ms)
        self.ran_ms += max(0, ran_ms) + earlier_ms
        is_lost = fact.state in (ChildState.FAILED, ChildState.STOPPED)
        self.wasted_ms += earlier_ms + (max(0, ran_ms) if is_lost else 0)
        if fact.run_ms is not None:
            self._rank(fact, fact.run_ms)

    def _rank(self, fact: ChildFact, run_ms: int) -> None:
        if fact.state is ChildState.SUCCEEDED:
            self.run_ms.add(run_ms)
        entry = (run_ms, -self.count, fact)
        if len(self._slowest) < SLOWEST_MAX:
            heappush(self._slowest, entry)
        else:
            heappushpop(self._slowest, entry)

    def _measure(self, fact: ChildFact) -> None:
        use = self._uses.setdefault((fact.round, fact.group), _Use())
        use.children += 1
        use.peak_mib.add(fact.peak_mib)
        use.cpu_s.add(fact.cpu_s)
        if fact.cpu_s is not None:
            use.cpu_run_ms += fact.run_ms or 0

    # --- documents

    def document(self) -> Document | None:
        """None if nothing is known of any child."""
        if not self.count:
            return None
        failed_max = FAILED_ALONE_MAX if self.rows is None else FAILED_MAX
        slowest = nlargest(SLOWEST_MAX, self._slowest)
        peaks = Values()
        for use in self._uses.values():
            peaks.values.extend(use.peak_mib.values)
        return {
            "count": self.count,
            "states": {
                str(state): self.states[state] for state in ChildState if self.states[state]
            },
            "ranMs": rounded(self.ran_ms),
            "wastedMs": rounded(self.wasted_ms),
            "runMs": self.run_ms.spread(),
            "waitMs": self.wait_ms.spread(),
            "runHistogram": self.run_ms.histogram(),
            "peakHistogram": peaks.histogram(),
            "stragglers": self._stragglers(),
            "curve": self._curve(),
            "slowest": [self._child(fact) for _, _, fact in slowest],
            "failed": [self._child(fact) for fact in self._failed[:failed_max]],
        }

    def _stragglers(self) -> int:
        ordered = sorted(self.run_ms.values)
        if not ordered:
            return 0
        limit = STRAGGLER_RATIO * percentile(ordered, 50)
        return sum(value > limit for value in ordered)

    def _curve(self) -> Document | None:
        """Children at work on average, in the slots from its first to its last."""
        curves = {
            "running": self._running.averages(),
            "retried": self._retried.averages(),
            "waiting": self._waiting.averages(),
        }
        used = [n for n in range(SLOTS) if any(curve[n] for curve in curves.values())]
        if not used:
            return None
        first, last = used[0], used[-1]
        return {
            "from": first,
            **{name: list(map(rounded, curve[first : last + 1])) for name, curve in curves.items()},
        }

    def _child(self, fact: ChildFact) -> Document:
        return {
            "number": fact.number,
            "round": fact.round,
            "group": fact.group,
            "state": str(fact.state),
            "item": fact.item[:ITEM_CHARS_MAX] or None,
            "createdMs": self.axis.at(fact.created_at),
            "startedMs": self.axis.at(fact.started_at),
            "stoppedMs": self.axis.at(fact.stopped_at),
            "attempts": fact.attempts,
            "peakMiB": None if fact.peak_mib is None else rounded(fact.peak_mib),
            "cpuS": None if fact.cpu_s is None else rounded(fact.cpu_s),
            "exitCode": fact.exit_code,
            "reason": fact.reason[:REASON_CHARS_MAX] or None,
            "logStream": fact.log_stream or None,
        }

    def resources(self, jobs: Mapping[tuple[int, int], JobFact]) -> list[Document]:
        """What was requested beside what was used, by round and group."""
        places = sorted({*self._uses, *jobs})
        return [
            self._resource(*place, self._uses.get(place, _Use()), jobs.get(place, JobFact()))
            for place in places
        ]

    def _resource(self, round_number: int, group: int, use: _Use, job: JobFact) -> Document:
        peak, cpu = use.peak_mib.spread(), use.cpu_s.spread()
        vcpu_s = (job.vcpus or 0) * use.cpu_run_ms / 1000
        return {
            "round": round_number,
            "group": group,
            "children": use.children,
            "queue": job.queue,
            "vcpus": job.vcpus,
            "memoryMiB": job.memory_mib,
            "peakMiB": peak,
            "cpuS": cpu,
            "memoryShare": peak and _share(peak["p99"], job.memory_mib),
            "cpuShare": cpu and _share(cpu["sum"], vcpu_s),
        }

    def columns(self) -> Document | None:
        """A value of each child, in the order of its rounds and numbers; None if not kept."""
        if not self.rows:
            return None
        rows = sorted(self.rows, key=lambda row: (row[0].round, row[0].number))
        facts = [fact for fact, _ in rows]
        return {
            "round": [fact.round for fact in facts],
            "number": [fact.number for fact in facts],
            "state": "".join(fact.state.letter for fact in facts),
            "group": _column([fact.group or None for fact in facts]),
            "createdMs": _column([self.axis.at(fact.created_at) for fact in facts]),
            "startedMs": _column([self.axis.at(fact.started_at) for fact in facts]),
            "stoppedMs": _column([self.axis.at(fact.stopped_at) for fact in facts]),
            "attempts": [fact.attempts for fact in facts],
            "peakMiB": _column([_whole(fact.peak_mib) for fact in facts]),
            "cpuS": _column([_tenths(fact.cpu_s) for fact in facts]),
            "cause": _column([place for _, place in rows]),
        }


def _share(used: float, requested: float | None) -> float | int | None:
    return rounded(used / requested) if requested else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _tenths(value: float | None) -> float | int | None:
    return None if value is None else rounded(round(value, 1))


def _column(values: list[Any]) -> list[Any] | None:
    """None if no child has a value."""
    return values if any(value is not None for value in values) else None
