"""When a schedule is due, as EventBridge Scheduler would have it.

Source: EventBridge Scheduler User Guide, schedule-types: a time that a clock change leaves out is
skipped, one that it repeats is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from batchrelay.domain.pipeline import ScheduleTrigger
from batchrelay_cli.options import UsageProblem

_EXPRESSION = re.compile(r"(?P<kind>cron|rate|at)\((?P<said>.+)\)")
_DAY_OF_WEEK = re.compile(r"(?<![#/\w])[1-7](?=[-,#L/]|$)")
"""A number that is a day, and not the nth or a step."""
_OPEN_STEP = re.compile(r"(?<![-\w])([1-7]|[A-Z]{3})/")
"""A step that has no end of its own: it is Saturday."""
_CLOCK_CHANGE = timedelta(hours=3)
"""More than a clock is ever put back: until then, the wall may show an earlier time again."""
_STEPS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


def times_between(trigger: ScheduleTrigger, start: datetime, end: datetime) -> Iterator[datetime]:
    """The times of a schedule from `start` up to `end`, in order, in UTC.

    A rate has no grid of its own (it begins when its schedule was made): here it begins at `start`.

    Args:
        start, end: aware.

    Raises:
        UsageProblem: the expression has a `W`, or an `L-n`, which are not known here.
    """
    match = _EXPRESSION.fullmatch(trigger.expression)
    assert match is not None, trigger
    zone, said = ZoneInfo(trigger.timezone), match["said"]
    if match["kind"] == "rate":
        number, unit = said.split()
        step, count = int(number) * _STEPS[unit.removesuffix("s")], 0
        while start + count * step <= end:
            yield (start + count * step).astimezone(UTC)
            count += 1
        return
    first, last = (time.astimezone(zone).replace(tzinfo=None) for time in (start, end))
    if match["kind"] == "at":
        due = iter([datetime.fromisoformat(said)])
    else:
        due = _cron_times(said, first, last + _CLOCK_CHANGE)
    for time in due:
        known = time.replace(tzinfo=zone).astimezone(UTC)
        is_real = known.astimezone(zone).replace(tzinfo=None) == time
        if is_real and start <= known <= end:
            yield known


def _cron_times(said: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """By the clock on the wall."""
    minute, hour, day, month, weekday, year = said.upper().split()
    if "W" in day or "L-" in day:
        raise UsageProblem(f"cron({said}): the day {day} is not known to backfill")
    weekday = "7" if weekday == "L" else _OPEN_STEP.sub(r"\1-7/", weekday)
    weekday = _DAY_OF_WEEK.sub(lambda found: str(int(found[0]) - 1), weekday)  # here Sunday is 0
    fields = [minute, hour, day, month, weekday]
    try:
        times = CronSim(" ".join("*" if field == "?" else field for field in fields), _just(first))
        for time in takewhile(lambda time: time <= last, times):
            if _is_year(year, time.year):
                yield time
    except CronSimError as error:
        raise UsageProblem(f"cron({said}): {error}") from None


def _just(first: datetime) -> datetime:
    """CronSim begins behind the time that it is given."""
    return first - timedelta(seconds=1)


def _is_year(said: str, year: int) -> bool:
    if said == "*":
        return True
    for term in said.split(","):
        span, _, step = term.partition("/")
        low, _, high = span.partition("-")
        first = 1970 if low == "*" else int(low)
        last = int(high) if high else (2199 if step or low == "*" else first)
        if first <= year <= last and (year - first) % int(step or 1) == 0:
            return True
    return False
