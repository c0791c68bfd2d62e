"""What EventBridge Scheduler takes as a schedule's expression, and what it does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batchrelay_local.schedules.days import (
    DaysOfMonth,
    DaysOfWeek,
    LastDay,
    LastOfWeekday,
    LastWeekday,
    NearestWeekday,
    NthOfWeekday,
)
from batchrelay_local.schedules.expressions import (
    Cron,
    ExpressionError,
    Rate,
    read_expression,
)
from batchrelay_local.schedules.times import flaws

CRON = "cron({minutes} {hours} {day} {month} {weekday} {year})"


def cron(**fields: str) -> Cron:
    every = {"minutes": "0", "hours": "2", "day": "?", "month": "*", "weekday": "*", "year": "*"}
    if "day" in fields:
        every["weekday"] = "?"
    expression = read_expression(CRON.format(**every | fields))
    assert isinstance(expression, Cron)
    return expression


@pytest.mark.parametrize(
    ("field", "text", "values"),
    [
        ("minutes", "*", tuple(range(60))),
        ("minutes", "0,59", (0, 59)),
        ("minutes", "05", (5,)),
        ("minutes", "0-15/5", (0, 5, 10, 15)),
        ("minutes", "50/5", (50, 55)),
        ("minutes", "*/20", (0, 20, 40)),
        ("minutes", "0/59", (0, 59)),
        ("minutes", "10,0-2,30/20", (0, 1, 2, 10, 30, 50)),
        ("hours", "8-8", (8,)),
        ("hours", "22-2", (0, 1, 2, 22, 23)),
        ("hours", "22-4/2", (0, 2, 4, 22)),
        ("hours", "8-18/4,23", (8, 12, 16, 23)),
        ("month", "NOV-FEB", (1, 2, 11, 12)),
        ("month", "jan,Jul", (1, 7)),
        ("month", "2-OCT/4", (2, 6, 10)),
        ("month", "1/12", (1,)),
        ("year", "2026", (2026,)),
        ("year", "1970-1972,2199", (1970, 1971, 1972, 2199)),
        ("year", "2180/10", (2180, 2190)),
    ],
)  # fmt: skip
def test_a_field_is_read(field: str, text: str, values: tuple[int, ...]) -> None:
    read = cron(**{field: text})
    attribute = {"month": "months", "year": "years"}.get(field, field)
    assert getattr(read, attribute) == values


@pytest.mark.parametrize(
    ("field", "text", "rule"),
    [
        ("day", "1,15", DaysOfMonth((1, 15))),
        ("day", "28-2", DaysOfMonth((1, 2, 28, 29, 30, 31))),
        ("day", "1-31/30", DaysOfMonth((1, 31))),
        ("day", "L", LastDay()),
        ("day", "LW", LastWeekday()),
        ("day", "lw", LastWeekday()),
        ("day", "15W", NearestWeekday(15)),
        ("day", "31W", NearestWeekday(31)),
        ("weekday", "1", DaysOfWeek((1,))),
        ("weekday", "MON-FRI", DaysOfWeek((2, 3, 4, 5, 6))),
        ("weekday", "FRI-MON", DaysOfWeek((1, 2, 6, 7))),
        ("weekday", "mon,4-FRI", DaysOfWeek((2, 4, 5, 6))),
        ("weekday", "L", DaysOfWeek((7,))),
        ("weekday", "6L", LastOfWeekday(6)),
        ("weekday", "FRIL", LastOfWeekday(6)),
        ("weekday", "WEDL", LastOfWeekday(4)),
        ("weekday", "2#1", NthOfWeekday(2, 1)),
        ("weekday", "MON#5", NthOfWeekday(2, 5)),
    ],
)  # fmt: skip
def test_a_day_is_read(field: str, text: str, rule: object) -> None:
    assert cron(**{field: text}).days == rule


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("cron(60 2 * * ? *)", "minutes: 60 is not 0-59 (write such as 0 or 0/15"),
        ("cron(-1 2 * * ? *)", "minutes: nothing is not 0-59"),
        ("cron(0 24 * * ? *)", "hours: 24 is not 0-23 (write such as 2 or 8-18/2"),
        ("cron(0 ? * * ? *)", "hours: ? is not 0-23"),
        ("cron(0 1,,2 * * ? *)", "hours: nothing is not 0-23"),
        ("cron(0 *-5 * * ? *)", "hours: *-5 is neither a value, nor a range, nor has one step"),
        ("cron(0 1-2-3 * * ? *)", "hours: 1-2-3 is neither a value"),
        ("cron(0 1/2/3 * * ? *)", "hours: 1/2/3 is neither a value"),
        ("cron(0 *5 * * ? *)", "hours: *5 is not 0-23"),
        ("cron(0/0 2 * * ? *)", "minutes: the step of 0/0 is not 1-59"),
        ("cron(0/90 2 * * ? *)", "minutes: the step of 0/90 is not 1-59"),
        ("cron(0/ 2 * * ? *)", "minutes: the step of 0/ is not 1-59"),
        ("cron(0 0/24 * * ? *)", "hours: the step of 0/24 is not 1-23"),
        ("cron(0 2 0 * ? *)", "day of the month: 0 is not 1-31 (write such as 1, 1,15, L, LW or 15W"),
        ("cron(0 2 45 * ? *)", "day of the month: 45 is not 1-31"),
        ("cron(0 2 32W * ? *)", "day of the month: 32 is not 1-31"),
        ("cron(0 2 W * ? *)", "day of the month: W: only L, LW or a day with W, and alone"),
        ("cron(0 2 3L * ? *)", "day of the month: 3L: only L"),
        ("cron(0 2 L-3 * ? *)", "day of the month: L-3: only L"),
        ("cron(0 2 15,L * ? *)", "day of the month: 15,L: only L"),
        ("cron(0 2 1W,15W * ? *)", "day of the month: 1W,15W: only L"),
        ("cron(0 2 * 13 ? *)", "month: 13 is not 1-12 or JAN-DEC (write such as *, 1/3 or JAN,JUL"),
        ("cron(0 2 * JANUARY ? *)", "month: JANUARY is not 1-12 or JAN-DEC"),
        ("cron(0 2 * ? ? *)", "month: ? is not 1-12 or JAN-DEC"),
        ("cron(0 2 ? * 0 *)", "day of the week: 0 is not 1-7 (1 is Sunday) or SUN-SAT (write such as MON-FRI"),
        ("cron(0 2 ? * 8 *)", "day of the week: 8 is not 1-7"),
        ("cron(0 2 ? * FOO *)", "day of the week: FOO is not 1-7"),
        ("cron(0 2 ? * FOOL *)", "day of the week: FOO is not 1-7"),
        ("cron(0 2 ? * 8L *)", "day of the week: 8 is not 1-7"),
        ("cron(0 2 ? * L-2 *)", "day of the week: L is not 1-7"),
        ("cron(0 2 ? * MON#6 *)", "day of the week: the number behind # of MON#6 is not 1-5"),
        ("cron(0 2 ? * MON#0 *)", "the number behind # of MON#0 is not 1-5"),
        ("cron(0 2 ? * #2 *)", "day of the week: nothing is not 1-7"),
        ("cron(0 2 ? * 3#1,6#3 *)", "day of the week: 3#1,6#3: a day with L or # stands alone"),
        ("cron(0 2 ? * 2L,6L *)", "day of the week: 2L,6L: a day with L or # stands alone"),
        ("cron(0 2 ? * MON/2 *)", "day of the week: MON/2 has a step, which AWS does not know here"),
        ("cron(0 2 ? * */2 *)", "day of the week: */2 has a step"),
        ("cron(0 2 ? * MONW *)", "day of the week: MONW is not 1-7"),
        ("cron(0 2 * * ? 1969)", "year: 1969 is not 1970-2199 (write such as * or 2026-2030"),
        ("cron(0 2 * * ? 2200)", "year: 2200 is not 1970-2199"),
        ("cron(0 2 * * ? 20266)", "year: 20266 is not 1970-2199"),
        ("cron(0 2 * * ? 2027-2026)", "year: 2027-2026 ends before it begins"),
        ("cron(0 2 * * * *)", "one of the two must be ?, and only one"),
        ("cron(0 2 ? * ? *)", "one of the two must be ?, and only one"),
        ("cron(0 2 1 * MON *)", "one of the two must be ?, and only one"),
        ("cron(0 2 30 FEB ? *)", "there is no such day: it would never fire"),
        ("cron(0 2 29 2 ? 2026-2027)", "there is no such day"),
        ("cron(0 2 31W APR,JUN ? *)", "there is no such day"),
        ("cron(0 2 ? FEB MON#5 2026)", "there is no such day"),
        ("cron(0 2 * * ?)", "needs six fields with one space between them"),
        ("cron(0  2 * * ? *)", "needs six fields with one space between them"),
        ("cron(0 0 2 * * ? *)", "needs six fields"),
        ("cron()", "needs six fields"),
        ("cron(0 2 * * ? *) ", "must be one of EventBridge Scheduler"),
        ("CRON(0 2 * * ? *)", "must be one of EventBridge Scheduler"),
        ("cron(\u0661 2 * * ? *)", "at most 256 plain characters"),
        ("cron(0 2 * * ? *)\n", "at most 256 plain characters"),
        ("cron(\x1b[31m 2 * * ? *)", r"got 'cron(\x1b[31m 2 * * ? *)'"),
        ("cron(" + "0," * 200 + "0 2 * * ? *)", "at most 256 plain characters"),
        ("", "must be one of EventBridge Scheduler"),
        ("rate(0 minutes)", "must be one of EventBridge Scheduler"),
        ("rate(1 minutes)", "must be one of EventBridge Scheduler"),
        ("rate(5 hour)", "must be one of EventBridge Scheduler"),
        ("rate(-5 minutes)", "must be one of EventBridge Scheduler"),
        ("rate(1.5 hours)", "must be one of EventBridge Scheduler"),
        ("rate(5 weeks)", "must be one of EventBridge Scheduler"),
        ("rate(999999999 days)", "must be one of EventBridge Scheduler"),
        ("at(2026-02-30T00:00:00)", "must be one of EventBridge Scheduler"),
        ("at(2026-2-3T00:00:00)", "must be one of EventBridge Scheduler"),
        ("at(2026-02-03T00:00:00Z)", "must be one of EventBridge Scheduler"),
        ("at(2026-02-03T24:00:00)", "must be one of EventBridge Scheduler"),
        ("at(0001-01-01T00:00:00)", "must be one of EventBridge Scheduler"),
        ("at(2026-02-03)", "must be one of EventBridge Scheduler"),
    ],
)  # fmt: skip
def test_what_aws_does_not_take_is_refused_with_what_to_write(
    expression: str, problem: str
) -> None:
    with pytest.raises(ExpressionError) as refused:
        read_expression(expression)
    assert problem in str(refused.value)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ExpressionError) as refused:
        read_expression("cron(99 99 ? 13 FOO 1)")
    problems = str(refused.value).removeprefix("cron(99 99 ? 13 FOO 1): ").split("; ")
    assert [problem.partition(" (write such as ")[0] for problem in problems] == [
        "minutes: 99 is not 0-59",
        "hours: 99 is not 0-23",
        "day of the week: FOO is not 1-7 (1 is Sunday) or SUN-SAT",
        "month: 13 is not 1-12 or JAN-DEC",
        "year: 1 is not 1970-2199",
    ]
    assert all(" (write such as " in problem for problem in problems)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(90 minutes)", 5_400), ("rate(1 day)", 86_400)],
)
def test_a_rate_is_read(expression: str, seconds: int) -> None:
    assert read_expression(expression) == Rate(timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("expression", "zone", "expected"),
    [
        ("cron(0 2 * * ? *)", "Europe/Berlin", {}),
        ("at(2026-03-29T03:00:00)", "Europe/Berlin", {}),
        ("at(2026-03-29T02:30:00)", "UTC", {}),
        ("at(2026-03-29T02:30:00)", "Europe/Berlin", {"expression": "at(2026-03-29T02:30:00): a clock change leaves this time out in Europe/Berlin"}),
        ("cron(30 2 29 3 ? 2026)", "Europe/Berlin", {"expression": "a clock change leaves this time out in Europe/Berlin"}),
        ("cron(30 2 29 3 ? 2026-2027)", "Europe/Berlin", {}),
        ("rate(1 day)", "Berlin", {"timezone": "timezone 'Berlin' is not known: write Europe/Berlin"}),
        ("rate(1 day)", "new york", {"timezone": "write America/New_York"}),
        ("rate(1 day)", "europe/berlin", {"timezone": "write Europe/Berlin"}),
        ("rate(1 day)", "../../etc/passwd", {"timezone": "write Europe/Berlin or UTC"}),
        ("rate(1 day)", "\x1b[31m", {"timezone": r"timezone '\x1b[31m' is not known"}),
        ("rate(1 days)", "", {"expression": "must be one of", "timezone": "timezone '' is not known"}),
    ],
)  # fmt: skip
def test_the_zone_is_read_with_the_expression(
    expression: str, zone: str, expected: dict[str, str]
) -> None:
    found = flaws(expression, zone)
    assert found.keys() == expected.keys()
    assert all(problem in found[key] for key, problem in expected.items())
