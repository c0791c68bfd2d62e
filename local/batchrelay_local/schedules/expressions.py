"""Schedule expressions, as EventBridge Scheduler reads them: cron(…), rate(…), at(…).

Standard library only: the command line reads pipeline files with it, and the local cloud fires with
it, so that both give one verdict.

Source: EventBridge Scheduler User Guide, schedule-types; API reference, CreateSchedule. Where these
are silent:

- A name before L (`FRIL`), `LW`, and names in any case are read: the console of AWS takes them, and
  not `L-3`. Source: github.com/grumBit/aws_cron_expression_validator, issues 12 and 18.
- The day of the week has no steps. Source: the guide's table of wildcards.
- A range may pass its field's end (`22-2`, `FRI-MON`). Source: an example of hours in the
  EventBridge User Guide, eb-scheduled-rule-pattern. Years do not go round.
- A step beyond the field's last value (`0/90`: write `rate(90 minutes)`) and a day that no month
  has (February 30) are refused: the one would fire at other times than it reads, the other never.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchrelay_local.schedules.days import (
    SATURDAY,
    DayRule,
    DaysOfMonth,
    DaysOfWeek,
    LastDay,
    LastOfWeekday,
    LastWeekday,
    NearestWeekday,
    NthOfWeekday,
    days_in,
)

YEAR_MIN, YEAR_MAX = 1970, 2199
"""Source: the guide's table of fields."""

EXPRESSION_CHARACTERS_MAX = 256
"""Source: CreateSchedule, ScheduleExpression."""

RATE_MAX = timedelta(days=365 * (YEAR_MAX - YEAR_MIN))
"""A longer one would have no second time. AWS documents no limit."""


class ExpressionError(ValueError):
    """What is wrong with a schedule, and what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """What each field chooses, in ascending order."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: DayRule
    months: tuple[int, ...]
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """Each so long after the one before."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class At:
    """Once, by the clock on the wall: naive."""

    time: datetime


Expression = Cron | Rate | At


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    name: str
    first: int
    last: int
    example: str
    names: tuple[str, ...] = ()
    """Of the first value, the next, and so on."""
    values: str = ""
    """What may stand there, if it is more than numbers."""
    has_steps: bool = True

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def wrong(self, problem: str) -> ExpressionError:
        return ExpressionError(f"{self.name}: {problem} (write such as {self.example})")

    def value(self, word: str) -> int:
        """Raises: ExpressionError."""
        if word in self.names:
            return self.first + self.names.index(word)
        if _NUMBER.fullmatch(word) and self.first <= int(word) <= self.last:
            return int(word)
        raise self.wrong(f"{word or 'nothing'} is not {self.values or self.numbers}")

    @property
    def numbers(self) -> str:
        return f"{self.first}-{self.last}"


_NUMBER = re.compile(r"[0-9]{1,4}")
_TERM = re.compile(r"(?P<low>\*|[^-/]*)(?:-(?P<high>[^-/]*))?(?:/(?P<step>[^-/]*))?")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

_MINUTES = _Field(name="minutes", first=0, last=59, example="0 or 0/15")
_HOURS = _Field(name="hours", first=0, last=23, example="2 or 8-18/2")
_DAY_OF_MONTH = _Field(name="day of the month", first=1, last=31, example="1, 1,15, L, LW or 15W")
_MONTH = _Field(
    name="month",
    first=1,
    last=12,
    example="*, 1/3 or JAN,JUL",
    names=_MONTHS,
    values="1-12 or JAN-DEC",
)
_DAY_OF_WEEK = _Field(
    name="day of the week",
    first=1,
    last=7,
    example="MON-FRI, MON,THU, 6L, FRIL or MON#1",
    names=_WEEKDAYS,
    values="1-7 (1 is Sunday) or SUN-SAT",
    has_steps=False,
)
_YEAR = _Field(name="year", first=YEAR_MIN, last=YEAR_MAX, example="* or 2026-2030")

_RATE = re.compile(
    r"rate\((1 (?:minute|hour|day)|(?:[2-9]|[1-9][0-9]{1,8}) (?:minutes|hours|days))\)"
)
_AT = re.compile(r"at\(([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\)")
_CRON = re.compile(r"cron\((.*)\)", re.DOTALL)
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


def read_expression(text: str) -> Expression:
    """Raises: ExpressionError, one for all that is wrong."""
    if len(text) > EXPRESSION_CHARACTERS_MAX or not (text.isascii() and text.isprintable()):
        raise ExpressionError(
            f"expression must have at most {EXPRESSION_CHARACTERS_MAX} plain characters; write "
            f"such as cron(0 2 * * ? *); got {text[:40]!a}"
        )
    if match := _CRON.fullmatch(text):
        return _cron(text, match[1])
    if match := _RATE.fullmatch(text):
        number, unit = match[1].split()
        if int(number) * _UNITS[unit.removesuffix("s")] <= RATE_MAX:
            return Rate(int(number) * _UNITS[unit.removesuffix("s")])
    if match := _AT.fullmatch(text):
        time = _time(match[1])
        if time is not None and YEAR_MIN <= time.year <= YEAR_MAX:
            return At(time)
    raise ExpressionError(
        "expression must be one of EventBridge Scheduler, such as rate(1 hour), rate(2 hours), "
        "cron(0 2 * * ? *) (six fields, one of the two days is ?) or at(2026-01-31T12:00:00); "
        f"got {text!r}"
    )


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _cron(text: str, fields: str) -> Cron:
    words = fields.upper().split(" ")
    if len(words) != 6 or "" in words:
        raise ExpressionError(
            f"{text!r} needs six fields with one space between them: minutes, hours, day of the "
            "month, month, day of the week, year; write such as cron(0 2 * * ? *)"
        )
    problems: list[str] = []
    minutes = _values(_MINUTES, words[0], problems)
    hours = _values(_HOURS, words[1], problems)
    days = _days(words[2], words[4], problems)
    months = _values(_MONTH, words[3], problems)
    years = _values(_YEAR, words[5], problems)
    if not problems and not any(days_in(days, y, month) for y in years for month in months):
        problems.append("there is no such day: it would never fire")
    if problems:
        raise ExpressionError(f"{text}: {'; '.join(problems)}")
    return Cron(minutes=minutes, hours=hours, days=days, months=months, years=years)


def _values(field: _Field, text: str, problems: list[str]) -> tuple[int, ...]:
    """What a list of numbers, ranges and steps chooses; its problem is added to the others."""
    try:
        values = {value for term in text.split(",") for value in _term(field, term)}
    except ExpressionError as error:
        problems.append(str(error))
        return ()
    return tuple(sorted(values))


def _term(field: _Field, term: str) -> range | list[int]:
    match = _TERM.fullmatch(term)
    if match is None or (match["low"] == "*" and match["high"] is not None):
        raise field.wrong(f"{term} is neither a value, nor a range, nor has one step")
    low, high, step = match["low"], match["high"], 1
    if match["step"] is not None:
        step = _step(field, term, match["step"])
    if low == "*":
        return range(field.first, field.last + 1, step)
    first = field.value(low)
    if high is None:
        return range(first, (field.last if match["step"] is not None else first) + 1, step)
    last = field.value(high)
    if last < first and field is _YEAR:
        raise field.wrong(f"{term} ends before it begins")
    span = (last - first) % field.size  # a range may pass the field's end
    return [field.first + (first - field.first + n) % field.size for n in range(0, span + 1, step)]


def _step(field: _Field, term: str, text: str) -> int:
    """Raises: ExpressionError."""
    if not field.has_steps:
        raise field.wrong(f"{term} has a step, which AWS does not know here")
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= field.last:
        raise field.wrong(f"the step of {term} is not 1-{field.last}")
    return int(text)


def _days(of_month: str, of_week: str, problems: list[str]) -> DayRule:
    """Either the day of the month or the day of the week is `?`."""
    if (of_month == "?") == (of_week == "?"):
        problems.append(
            "day of the month, day of the week: one of the two must be ?, and only one (write such "
            "as cron(0 2 * * ? *) or cron(0 2 ? * MON-FRI *))"
        )
        return LastDay()
    try:
        if of_week == "?":
            return _day_of_month(of_month, problems)
        return _day_of_week(of_week, problems)
    except ExpressionError as error:
        problems.append(str(error))
        return LastDay()


def _day_of_month(text: str, problems: list[str]) -> DayRule:
    if text == "L":
        return LastDay()
    if text == "LW":
        return LastWeekday()
    if text.endswith("W") and _NUMBER.fullmatch(text[:-1]):
        return NearestWeekday(_DAY_OF_MONTH.value(text[:-1]))
    if "L" in text or "W" in text:
        raise _DAY_OF_MONTH.wrong(f"{text}: only L, LW or a day with W, and alone")
    return DaysOfMonth(_values(_DAY_OF_MONTH, text, problems))


def _day_of_week(text: str, problems: list[str]) -> DayRule:
    if text == "L":
        return DaysOfWeek((SATURDAY,))
    if "," in text and ("L" in text or "#" in text):
        raise _DAY_OF_WEEK.wrong(f"{text}: a day with L or # stands alone")
    if text.endswith("L") and "-" not in text:
        return LastOfWeekday(_DAY_OF_WEEK.value(text[:-1]))
    if "#" in text:
        day, _, nth = text.partition("#")
        weekday = _DAY_OF_WEEK.value(day)
        if nth not in ("1", "2", "3", "4", "5"):
            raise _DAY_OF_WEEK.wrong(f"the number behind # of {text} is not 1-5")
        return NthOfWeekday(weekday, int(nth))
    return DaysOfWeek(_values(_DAY_OF_WEEK, text, problems))
