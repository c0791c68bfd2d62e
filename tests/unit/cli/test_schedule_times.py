"""When a schedule is due, as EventBridge Scheduler would have it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from batchrelay.domain.pipeline import ScheduleTrigger
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.schedule_times import check_schedule, times_between

FEBRUARY, APRIL = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)

MON_SAT = (2, 7, 9, 14, 16, 21, 23, 28)
MON_WED_FRI = (2, 4, 6, 9, 11, 13, 16, 18, 20, 23, 25, 27)


def due(expression: str, timezone: str = "UTC", *, until: datetime = APRIL) -> list[str]:
    trigger = ScheduleTrigger(expression=expression, timezone=timezone)
    return [f"{time:%Y-%m-%dT%H:%M}" for time in times_between(trigger, FEBRUARY, until)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 5 L * ? *)", ["2026-02-28T05:00", "2026-03-31T05:00"]),
        ("cron(0 5 31 * ? *)", ["2026-03-31T05:00"]),
        ("cron(0 5 LW * ? *)", ["2026-02-27T05:00", "2026-03-31T05:00"]),
        ("cron(0 5 15W * ? *)", ["2026-02-16T05:00", "2026-03-16T05:00"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-02-02T09:00", "2026-03-02T09:00"]),
        ("cron(0 9 ? * MON#1 *)", ["2026-02-02T09:00", "2026-03-02T09:00"]),
        ("cron(0 9 ? * 6L *)", ["2026-02-27T09:00", "2026-03-27T09:00"]),
        ("cron(0 9 ? MAR 1 *)", [f"2026-03-{day:02}T09:00" for day in (1, 8, 15, 22, 29)]),
        ("cron(0 9 ? FEB 2,7 2026)", [f"2026-02-{d:02}T09:00" for d in MON_SAT]),
        ("cron(0 9 ? FEB MON,WED,FRI 2026)", [f"2026-02-{d:02}T09:00" for d in MON_WED_FRI]),
        ("cron(0 9 ? * FRIL *)", ["2026-02-27T09:00", "2026-03-27T09:00"]),
        ("cron(0 9 1 * ? 2027)", []),
        ("cron(0 9 1 * ? 2025-2026)", ["2026-02-01T09:00", "2026-03-01T09:00"]),
        ("cron(0 9 1 * ? 2024/2)", ["2026-02-01T09:00", "2026-03-01T09:00"]),
        ("cron(0 9 1 * ? 2025/2)", []),
        ("at(2026-02-03T04:05:06)", ["2026-02-03T04:05"]),
        ("at(2027-02-03T04:05:06)", []),
        ("rate(30 days)", ["2026-02-01T00:00", "2026-03-03T00:00"]),
    ],
)  # fmt: skip
def test_a_schedule_is_due_when_aws_says(expression: str, expected: list[str]) -> None:
    assert due(expression) == expected


def test_weekdays_are_those_of_aws() -> None:
    """Sunday is 1."""
    weekdays = due("cron(0/30 8-9 ? FEB 2-6 2026)")
    assert len(weekdays) == 20 * 4
    assert weekdays[0] == "2026-02-02T08:00"
    assert due("cron(0/30 8-9 ? FEB MON-FRI 2026)") == weekdays
    assert due("cron(0 0 ? FEB L 2026)")[0] == "2026-02-07T00:00"


def test_a_time_that_a_clock_change_leaves_out_is_skipped() -> None:
    """Berlin, 2026-03-29: 02:00 becomes 03:00."""
    times = due("cron(30 2 28-30 3 ? *)", "Europe/Berlin")
    assert times == ["2026-03-28T01:30", "2026-03-30T00:30"]


def test_a_time_that_a_clock_change_repeats_is_one() -> None:
    """Berlin, 2026-10-25: 03:00 becomes 02:00."""
    trigger = ScheduleTrigger(expression="cron(30 2 25 10 ? *)", timezone="Europe/Berlin")
    end = datetime(2026, 11, 1, tzinfo=UTC)
    [time] = times_between(trigger, FEBRUARY, end)
    assert f"{time:%H:%M}" == "00:30"


def test_the_last_time_may_lie_in_an_hour_that_comes_twice() -> None:
    """01:10 in UTC is 02:10 in Berlin, for the second time; 02:30 of the first was before."""
    trigger = ScheduleTrigger(expression="cron(0/30 2 25 10 ? *)", timezone="Europe/Berlin")
    end = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert [f"{time:%H:%M}" for time in times_between(trigger, FEBRUARY, end)] == ["00:00", "00:30"]


def test_both_ends_are_included() -> None:
    end = datetime(2026, 2, 3, tzinfo=UTC)
    assert len(due("cron(0 0 * * ? *)", until=end)) == 3
    assert len(due("rate(1 day)", until=end)) == 3
    assert len(due("rate(12 hours)", until=end)) == 5


@pytest.mark.parametrize(
    ("expression", "timezone", "problem"),
    [
        ("cron(0 25 * * ? *)", "UTC", "hours: 25 is not 0-23"),
        ("cron(0 2 ? * FOO *)", "UTC", "day of the week: FOO is not 1-7"),
        ("cron(0 2 ? * MON/2 *)", "UTC", "MON/2 has a step"),
        ("rate(1 day)", "Berlin", "timezone 'Berlin' is not known: write Europe/Berlin"),
    ],
)
def test_what_was_deployed_before_its_mistake_was_known_is_refused(
    expression: str, timezone: str, problem: str
) -> None:
    with pytest.raises(UsageProblem) as refused:
        check_schedule(ScheduleTrigger(expression=expression, timezone=timezone))
    assert problem in refused.value.message
    assert "correct the pipeline file, and deploy it again" in refused.value.message
