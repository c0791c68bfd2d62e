"""The days of a month that the two day fields of a cron expression choose.

A month that has no such day (the 31st, the fifth Monday) is left out, as it is for a plain number.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

SATURDAY = 7
"""AWS counts from Sunday, which is 1."""


@dataclass(frozen=True, slots=True)
class DaysOfMonth:
    """`1,15` or `*`, in ascending order."""

    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LastDay:
    """`L` in the day of the month."""


@dataclass(frozen=True, slots=True)
class LastWeekday:
    """`LW`: the last day from Monday to Friday."""


@dataclass(frozen=True, slots=True)
class NearestWeekday:
    """`15W`: the day from Monday to Friday that is closest, in the same month."""

    day: int


@dataclass(frozen=True, slots=True)
class DaysOfWeek:
    """`MON-FRI`, as AWS numbers them."""

    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LastOfWeekday:
    """`6L` or `FRIL`: the last Friday."""

    weekday: int


@dataclass(frozen=True, slots=True)
class NthOfWeekday:
    """`2#1` or `MON#1`: the first Monday."""

    weekday: int
    nth: int


DayRule = (
    DaysOfMonth | LastDay | LastWeekday | NearestWeekday | DaysOfWeek | LastOfWeekday | NthOfWeekday
)


def days_in(rule: DayRule, year: int, month: int) -> tuple[int, ...]:
    """The days that the rule chooses, in ascending order."""
    last = calendar.monthrange(year, month)[1]
    match rule:
        case DaysOfMonth(days):
            return tuple(day for day in days if day <= last)
        case LastDay():
            return (last,)
        case LastWeekday():
            return (_nearest_weekday(year, month, last),)
        case NearestWeekday(day):
            return (_nearest_weekday(year, month, day),) if day <= last else ()
        case DaysOfWeek(weekdays):
            every = range(1, last + 1)
            return tuple(day for day in every if _weekday(year, month, day) in weekdays)
        case LastOfWeekday(weekday):
            return (max(_days_of_weekday(year, month, weekday)),)
        case NthOfWeekday(weekday, nth):
            return tuple(_days_of_weekday(year, month, weekday))[nth - 1 : nth]
        case _:
            assert_never(rule)


def _weekday(year: int, month: int, day: int) -> int:
    """1 is Sunday."""
    return (calendar.weekday(year, month, day) + 1) % 7 + 1


def _days_of_weekday(year: int, month: int, weekday: int) -> Iterator[int]:
    last = calendar.monthrange(year, month)[1]
    return (day for day in range(1, last + 1) if _weekday(year, month, day) == weekday)


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """Saturday goes back and Sunday forward, but never into another month."""
    last = calendar.monthrange(year, month)[1]
    match _weekday(year, month, day):
        case 7:
            return day - 1 if day > 1 else day + 2
        case 1:
            return day + 1 if day < last else day - 2
        case _:
            return day
