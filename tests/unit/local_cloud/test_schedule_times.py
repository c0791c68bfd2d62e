"""When a schedule is due: a table over clock changes, and a second reading, minute by minute."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchrelay_local.schedules.expressions import ExpressionError, Rate, read_expression
from batchrelay_local.schedules.times import times_from


def due(expression: str, zone: str, first: str, last: str) -> list[str]:
    """The times from `first` to `last`, both in UTC, as UTC."""
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (first, last))
    times = times_from(read_expression(expression), ZoneInfo(zone), begin)
    return [f"{time:%m-%d %H:%M}" for time in takewhile(lambda time: time <= end, times)]


@pytest.mark.parametrize(
    ("expression", "zone", "first", "last", "expected"),
    [
        # Berlin, 2026-03-29: 02:00 becomes 03:00. What is left out is skipped.
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28", "2026-03-31", ["03-28 01:30", "03-30 00:30"]),
        ("cron(0 3 29 3 ? 2026)", "Europe/Berlin", "2026-03-01", "2026-04-01", ["03-29 01:00"]),
        # Berlin, 2026-10-25: 03:00 becomes 02:00. What comes twice is due before the change.
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24", "2026-10-27", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        ("cron(0/30 1-3 25 10 ? *)", "Europe/Berlin", "2026-10-24", "2026-10-27", ["10-24 23:00", "10-24 23:30", "10-25 00:00", "10-25 00:30", "10-25 02:00", "10-25 02:30"]),
        ("at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-10-24", "2026-10-27", ["10-25 00:30"]),
        ("cron(0 2 * * ? *)", "Europe/Berlin", "2026-10-24", "2026-10-27", ["10-24 00:00", "10-25 00:00", "10-26 01:00"]),
        # New York, 2026-03-08: 02:00 becomes 03:00; 2026-11-01: 02:00 becomes 01:00.
        ("cron(15 2 * * ? *)", "America/New_York", "2026-03-07", "2026-03-09T12:00", ["03-07 07:15", "03-09 06:15"]),
        ("cron(15 1 * * ? *)", "America/New_York", "2026-10-31", "2026-11-02T12:00", ["10-31 05:15", "11-01 05:15", "11-02 06:15"]),
        # Lord Howe changes by half an hour: 2026-04-05, 02:00 becomes 01:30; 2026-10-04, 02:00 becomes 02:30.
        ("cron(45 1 * * ? *)", "Australia/Lord_Howe", "2026-04-03", "2026-04-05T23:00", ["04-03 14:45", "04-04 14:45", "04-05 15:15"]),
        ("cron(15 2 * * ? *)", "Australia/Lord_Howe", "2026-10-02", "2026-10-04T23:00", ["10-02 15:45", "10-04 15:15"]),
        # The southern half of the earth: Auckland leaves summer in April.
        ("cron(30 2 * * ? *)", "Pacific/Auckland", "2026-04-03", "2026-04-05T23:00", ["04-03 13:30", "04-04 13:30", "04-05 14:30"]),
        # Apia had no 2011-12-30; Casey was put back by three hours.
        ("cron(0 12 28-31 12 ? 2011)", "Pacific/Apia", "2011-12-01", "2012-02-01", ["12-28 22:00", "12-29 22:00", "12-30 22:00"]),
        ("cron(30 0 5 3 ? 2010)", "Antarctica/Casey", "2010-03-01", "2010-04-01", ["03-04 13:30"]),
        # A rate knows no clock.
        ("rate(1 day)", "Europe/Berlin", "2026-10-24T12:00", "2026-10-26T12:00", ["10-24 12:00", "10-25 12:00", "10-26 12:00"]),
        ("rate(12 hours)", "Europe/Berlin", "2026-03-28T23:00", "2026-03-29T23:00", ["03-28 23:00", "03-29 11:00", "03-29 23:00"]),
        # New York's last Friday, by name and by number.
        ("cron(0-15/5 8-8 ? * FRIL *)", "America/New_York", "2026-10-25", "2026-11-25", ["10-30 12:00", "10-30 12:05", "10-30 12:10", "10-30 12:15"]),
        ("cron(0-15/5 8-8 ? * 6L *)", "America/New_York", "2026-10-25", "2026-11-25", ["10-30 12:00", "10-30 12:05", "10-30 12:10", "10-30 12:15"]),
        ("cron(0 5 1W * ? *)", "UTC", "2026-07-01", "2026-09-01", ["07-01 05:00", "08-03 05:00"]),
        ("cron(0 5 31W * ? *)", "UTC", "2026-05-01", "2026-07-31", ["05-29 05:00"]),
        ("cron(0 5 LW * ? *)", "UTC", "2026-01-01", "2026-04-01", ["01-30 05:00", "02-27 05:00", "03-31 05:00"]),
    ],
)  # fmt: skip
def test_a_schedule_is_due_by_the_clock_on_the_wall(
    expression: str, zone: str, first: str, last: str, expected: list[str]
) -> None:
    assert due(expression, zone, first, last) == expected


def test_the_times_of_a_rate_follow_from_its_beginning() -> None:
    begin, first = datetime(2026, 1, 1, 0, 7, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC)
    rate = Rate(timedelta(minutes=30))
    times = times_from(rate, ZoneInfo("Asia/Tokyo"), first, rate_begin=begin)
    assert [next(times), next(times)] == [begin + timedelta(hours=1), begin + timedelta(minutes=90)]
    assert next(times_from(rate, ZoneInfo("UTC"), begin, rate_begin=begin)) == begin
    assert next(times_from(rate, ZoneInfo("UTC"), begin, rate_begin=first)) == first


@pytest.mark.parametrize("year", [1, 9_999])
def test_the_end_of_the_calendar_is_no_time_of_a_schedule(year: int) -> None:
    day = datetime(year, 12, 31, 23, tzinfo=ZoneInfo("America/New_York"))
    found = list(times_from(read_expression("cron(0 0 1 1 ? 2199)"), ZoneInfo("UTC"), day))
    assert found == ([datetime(2199, 1, 1, tzinfo=UTC)] if year == 1 else [])


# --- the second reading: every minute of a span, asked whether it fits


Fits = Callable[[datetime], bool]


def numbers(low: int, high: int) -> st.SearchStrategy[tuple[str, set[int]]]:
    """A list of numbers, ranges and steps, and what it chooses."""
    value = st.integers(low, high)
    every = set(range(low, high + 1))

    def span(first: int, last: int, step: int) -> set[int]:
        cycle = [*range(first, high + 1), *range(low, first)]
        return set(cycle[: cycle.index(last) + 1 : step])

    steps = st.integers(1, high)
    term = st.one_of(
        value.map(lambda n: (str(n), {n})),
        st.tuples(value, value).map(lambda t: (f"{t[0]}-{t[1]}", span(*t, 1))),
        st.tuples(value, value, steps).map(lambda t: (f"{t[0]}-{t[1]}/{t[2]}", span(*t))),
        st.tuples(value, steps).map(lambda t: (f"{t[0]}/{t[1]}", span(t[0], high, t[1]))),
        steps.map(lambda step: (f"*/{step}", set(sorted(every)[::step]))),
    )
    several = st.lists(term, min_size=1, max_size=3).map(
        lambda terms: (",".join(t for t, _ in terms), set().union(*(c for _, c in terms)))
    )
    return st.one_of(st.just(("*", every)), several)


def weekday(day: datetime) -> int:
    return day.isoweekday() % 7 + 1


def is_last_of_month(day: datetime, days: int) -> bool:
    return (day + timedelta(days=days)).month != day.month


def is_nearest(day: datetime, wanted: int) -> bool:
    """Whether no other day from Monday to Friday of the month is closer to the wanted one."""
    length = calendar.monthrange(day.year, day.month)[1]
    days = [d for d in range(1, length + 1) if weekday(day.replace(day=d)) not in (1, 7)]
    return wanted <= length and day.day == min(days, key=lambda d: (abs(d - wanted), d))


NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def days() -> st.SearchStrategy[tuple[str, str, Fits]]:
    """The two day fields, and whether a day fits."""
    name = st.integers(1, 7).flatmap(lambda n: st.sampled_from([(str(n), n), (NAMES[n - 1], n)]))
    return st.one_of(
        numbers(1, 31).map(lambda t: (t[0], "?", lambda day: day.day in t[1])),
        st.just(("L", "?", lambda day: is_last_of_month(day, 1))),
        st.just(
            (
                "LW",
                "?",
                lambda day: is_nearest(day, calendar.monthrange(day.year, day.month)[1]),
            )
        ),
        st.integers(1, 31).map(lambda n: (f"{n}W", "?", lambda day: is_nearest(day, n))),
        st.lists(name, min_size=1, max_size=3).map(
            lambda some: (
                "?",
                ",".join(text for text, _ in some),
                lambda day: weekday(day) in {n for _, n in some},
            )
        ),
        st.tuples(name, name).map(
            lambda t: (
                "?",
                f"{t[0][0]}-{t[1][0]}",
                lambda day: (weekday(day) - t[0][1]) % 7 <= (t[1][1] - t[0][1]) % 7,
            )
        ),
        st.just(("?", "L", lambda day: weekday(day) == 7)),
        name.map(
            lambda t: (
                "?",
                f"{t[0]}L",
                lambda day: weekday(day) == t[1] and is_last_of_month(day, 7),
            )
        ),
        st.tuples(name, st.integers(1, 5)).map(
            lambda t: (
                "?",
                f"{t[0][0]}#{t[1]}",
                lambda day: weekday(day) == t[0][1] and (day.day + 6) // 7 == t[1],
            )
        ),
    )


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]
CHANGES = [datetime(2026, 3, 8), datetime(2026, 3, 29), datetime(2026, 4, 5), datetime(2026, 10, 4), datetime(2026, 10, 25), datetime(2026, 11, 1), datetime(2026, 2, 27)]  # noqa: DTZ001  # fmt: skip


@settings(max_examples=60)
@given(
    minutes=numbers(0, 59),
    hours=numbers(0, 23),
    day=days(),
    months=st.one_of(st.just(("*", set(range(1, 13)))), numbers(1, 12)),
    zone=st.sampled_from(ZONES),
    around=st.sampled_from(CHANGES),
    offset=st.integers(0, 1_439),
)
def test_the_times_are_those_of_a_clock_that_is_read_every_minute(
    minutes: tuple[str, set[int]],
    hours: tuple[str, set[int]],
    day: tuple[str, str, Fits],
    months: tuple[str, set[int]],
    zone: str,
    around: datetime,
    offset: int,
) -> None:
    of_month, of_week, fits = day
    text = f"cron({minutes[0]} {hours[0]} {of_month} {months[0]} {of_week} 2026)"
    first = (around - timedelta(days=2) + timedelta(minutes=offset)).replace(tzinfo=UTC)
    expected = []
    for minute in range(4 * 1_440):
        time = first + timedelta(minutes=minute)
        wall = time.astimezone(ZoneInfo(zone))
        is_due = (
            wall.minute in minutes[1]
            and wall.hour in hours[1]
            and wall.month in months[1]
            and fits(wall)
            and wall.fold == 0  # of two equal times, the first
        )
        expected += [time] if is_due else []
    last = first + timedelta(days=4)
    try:
        times = times_from(read_expression(text), ZoneInfo(zone), first)
    except ExpressionError as error:
        if "there is no such day" not in str(error):
            raise
        times = iter(())
    assert list(takewhile(lambda time: time < last, times)) == expected
