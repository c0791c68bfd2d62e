"""When a schedule is due, as EventBridge Scheduler would have it.

A time that a clock change leaves out is skipped. One that it repeats is due once, before the
change. A day of a rate has 24 hours. Source: EventBridge Scheduler User Guide, schedule-types,
"Daylight savings time": it speaks of one time of the day; here it holds for every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count, product, takewhile
from typing import assert_never
from zoneinfo import ZoneInfo, available_timezones

from batchrelay_local.schedules.days import days_in
from batchrelay_local.schedules.expressions import (
    YEAR_MAX,
    YEAR_MIN,
    At,
    Cron,
    Expression,
    ExpressionError,
    Rate,
    read_expression,
)

BEGIN, _END = datetime(YEAR_MIN, 1, 1, tzinfo=UTC), datetime(YEAR_MAX + 1, 1, 1, tzinfo=UTC)


def flaws(expression: str, timezone: str) -> Mapping[str, str]:
    """What is wrong with a schedule, by "expression" and "timezone"; empty if nothing is."""
    problems: dict[str, str] = {}
    rule = None
    try:
        rule = read_expression(expression)
    except ExpressionError as error:
        problems["expression"] = str(error)
    timezones = _timezones()
    if timezone not in timezones:
        problems["timezone"] = (
            f"timezone {timezone!r} is not known: write {_similar(timezone, timezones)}"
        )
    elif rule and next(times_from(rule, ZoneInfo(timezone), BEGIN), None) is None:
        problems["expression"] = (
            f"{expression}: a clock change leaves this time out in {timezone}, it would never "
            "fire; write an hour later"
        )
    return problems


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    """Found on the disk, which takes longer than all else here."""
    return frozenset(available_timezones())


def _similar(timezone: str, timezones: frozenset[str]) -> str:
    name = timezone.strip().replace(" ", "_").lower()
    by_city = sorted(z for z in timezones if name in (z.lower(), z.rpartition("/")[2].lower()))
    return " or ".join(by_city[:3] or ["Europe/Berlin", "UTC"])


def times_from(
    expression: Expression, zone: ZoneInfo, first: datetime, *, rate_begin: datetime | None = None
) -> Iterator[datetime]:
    """The times of a schedule from `first` on, in order, in UTC.

    Args:
        first: aware; it is included.
        rate_begin: when a rate began, whose times follow from it; `first` by default.
    """
    first = min(max(first, BEGIN), _END)  # the calendar of a zone has an end too
    match expression:
        case Rate(interval):
            begin = rate_begin or first
            past_count = max(0, -((begin - first) // interval))  # rounded up
            times = (begin.astimezone(UTC) + n * interval for n in count(past_count))
            return takewhile(lambda due: due < _END, times)
        case At(wall):
            return _real_times(iter([wall]), zone, first)
        case Cron():
            begin = first.astimezone(zone).replace(tzinfo=None)
            return _real_times(_wall_times(expression, begin), zone, first)
        case _:
            assert_never(expression)


def _real_times(walls: Iterator[datetime], zone: ZoneInfo, first: datetime) -> Iterator[datetime]:
    """Without those that the clock skips. The earlier of two, by `fold` 0, is the one before."""
    for wall in walls:
        due = wall.replace(tzinfo=zone).astimezone(UTC)
        is_real = due.astimezone(zone).replace(tzinfo=None) == wall
        if is_real and due >= first:
            yield due


def _wall_times(cron: Cron, first: datetime) -> Iterator[datetime]:
    """By the clock on the wall, from the day of `first` on, in order."""
    years = (year for year in cron.years if year >= first.year)
    for year, month in product(years, cron.months):
        for day in days_in(cron.days, year, month):
            if (year, month, day) < (first.year, first.month, first.day):
                continue
            for hour, minute in product(cron.hours, cron.minutes):
                yield datetime(year, month, day, hour, minute)  # noqa: DTZ001  # on the wall
