"""Which of the stored schedules are due. Pure: the clock is an argument.

As EventBridge Scheduler, over what GetSchedule answers (Source: User Guide, schedule-types; API
reference, CreateSchedule):

- A rate without StartDate is due when it is made, and then each interval; one with it, from there.
- A one-time schedule is due once. StartDate and EndDate say nothing about it. One whose time has
  passed when it is made is due at once, which AWS leaves open.
- What passes while a schedule is DISABLED is not made up for.
- ActionAfterCompletion DELETE removes a schedule that has no time left.

Here, and not in AWS: a FLEXIBLE window begins and ends with the scheduled time. If the clock jumps
(the machine slept), the last time that was missed is due, and the others are not: each one would be
a run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from batchrelay_local.schedules.expressions import At, ExpressionError, read_expression
from batchrelay_local.schedules.times import BEGIN, times_from

_K = TypeVar("_K", bound=Hashable)

Record = Mapping[str, Any]
"""A schedule, as GetSchedule answers; dates are seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Firing(Generic[_K]):
    """A schedule's target is invoked, for a scheduled time in UTC."""

    key: _K
    time: datetime


@dataclass(frozen=True, slots=True)
class Due(Generic[_K]):
    """What to do now."""

    firings: tuple[Firing[_K], ...] = ()
    completed: tuple[_K, ...] = ()
    """Those to delete."""


@dataclass(slots=True)
class _Progress:
    """How far the times of one schedule have passed."""

    stamp: tuple[Any, ...]
    times: Iterator[datetime]
    next: datetime | None
    seen_at: datetime

    def pass_until(self, now: datetime) -> datetime | None:
        """The last time that has passed since it was asked before."""
        latest = None
        while self.next is not None and self.next <= now:
            latest, self.next = self.next, next(self.times, None)
        self.seen_at = now
        return latest


class DueSchedules(Generic[_K]):
    """Remembers what was due, so that each time is due once."""

    def __init__(self) -> None:
        self._progress: dict[_K, _Progress] = {}

    def at(self, now: datetime, records: Mapping[_K, Record]) -> Due[_K]:
        """What is due since it was asked before."""
        for key in self._progress.keys() - records.keys():
            del self._progress[key]
        firings, completed = [], []
        for key, record in records.items():
            progress = self._progress_of(key, record)
            time = progress.pass_until(now)
            if time is not None and record["State"] == "ENABLED":
                firings.append(Firing(key, time))
            if progress.next is None and record.get("ActionAfterCompletion") == "DELETE":
                completed.append(key)
        return Due(tuple(firings), tuple(completed))

    def _progress_of(self, key: _K, record: Record) -> _Progress:
        """An update that leaves the times alone goes on; any other begins anew."""
        created_at = _moment(record["CreationDate"])
        timing = ["ScheduleExpression", "ScheduleExpressionTimezone"]
        if not record["ScheduleExpression"].startswith("at("):
            timing += ["StartDate", "EndDate"]
        stamp = (created_at, *(record.get(name) for name in timing))
        latest = self._progress.get(key)
        if latest is not None and latest.stamp == stamp:
            return latest
        first = created_at if latest is None else max(created_at, latest.seen_at)
        times = _times(record, created_at, first)
        progress = _Progress(stamp=stamp, times=times, next=next(times, None), seen_at=first)
        self._progress[key] = progress
        return progress


def _times(record: Record, created_at: datetime, first: datetime) -> Iterator[datetime]:
    """An expression that cannot be read has none: CreateSchedule refuses it."""
    try:
        expression = read_expression(record["ScheduleExpression"])
    except ExpressionError:
        return iter(())
    zone = ZoneInfo(record.get("ScheduleExpressionTimezone") or "UTC")
    if isinstance(expression, At):
        return times_from(expression, zone, BEGIN)
    start = _moment(record.get("StartDate")) if record.get("StartDate") else created_at
    times = times_from(expression, zone, max(first, start), rate_begin=start)
    if not record.get("EndDate"):
        return times
    end = _moment(record["EndDate"])
    return takewhile(lambda time: time <= end, times)


def _moment(value: Any) -> datetime:
    """Whole seconds, as a scheduled time has them."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(UTC).replace(microsecond=0)
    return datetime.fromtimestamp(int(value), UTC)
