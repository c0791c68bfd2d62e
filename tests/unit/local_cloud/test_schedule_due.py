"""Which schedules are due, on a clock that the test sets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batchrelay_local.schedules.context import with_context
from batchrelay_local.schedules.due import DueSchedules
from batchrelay_local.schedules.requests import refusal

CREATED = datetime(2026, 10, 23, 12, 0, 30, tzinfo=UTC)
NIGHTLY = "cron(30 2 * * ? *)"


class Clock:
    """Schedules, and a clock that goes on as fast as the test likes."""

    def __init__(self, start: datetime = CREATED) -> None:
        self.now = start
        self.due: DueSchedules[str] = DueSchedules()
        self.records: dict[str, dict[str, Any]] = {}

    def put(self, expression: str, timezone: str = "UTC", name: str = "s", **more: Any) -> None:
        """CreateSchedule, or UpdateSchedule of one that is there."""
        created = self.records.get(name, {}).get("CreationDate", self.now.timestamp())
        self.records[name] = {
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": timezone,
            "State": "ENABLED",
            "CreationDate": created,
            **more,
        }

    def tick(self) -> list[str]:
        """What is due now; what is complete is deleted."""
        due = self.due.at(self.now, self.records)
        for key in due.completed:
            del self.records[key]
        return [f"{firing.key} {firing.time:%m-%d %H:%M:%S}" for firing in due.firings]

    def go(self, *, step: timedelta = timedelta(seconds=10), **length: float) -> list[str]:
        """What was due meanwhile."""
        end, fired = self.now + timedelta(**length), []
        while self.now < end:
            self.now += step
            fired += self.tick()
        return fired


def test_a_nightly_schedule_of_berlin_fires_by_the_clock_on_the_wall() -> None:
    clock = Clock()
    clock.put(NIGHTLY, "Europe/Berlin")
    assert clock.tick() == []
    assert clock.go(days=3) == ["s 10-24 00:30:00", "s 10-25 00:30:00", "s 10-26 01:30:00"]


def test_a_night_that_the_clock_skips_has_no_run() -> None:
    clock = Clock(datetime(2026, 3, 27, 12, tzinfo=UTC))
    clock.put(NIGHTLY, "Europe/Berlin")
    assert clock.go(days=3) == ["s 03-28 01:30:00", "s 03-30 00:30:00"]


def test_it_fires_within_a_step_of_its_time_and_not_before() -> None:
    clock = Clock(datetime(2026, 10, 24, 0, 29, 58, tzinfo=UTC))
    clock.put(NIGHTLY, "Europe/Berlin")
    assert clock.go(seconds=1, step=timedelta(seconds=1)) == []
    assert clock.go(seconds=1, step=timedelta(seconds=1)) == ["s 10-24 00:30:00"]
    assert clock.go(hours=1) == []


def test_a_rate_begins_at_once_and_knows_no_clock_change() -> None:
    clock = Clock()
    clock.put("rate(1 day)", "Europe/Berlin")
    assert clock.tick() == ["s 10-23 12:00:30"]
    assert clock.go(days=3) == [f"s 10-{day} 12:00:30" for day in (24, 25, 26)]


def test_a_rate_with_a_start_date_begins_there_and_ends_with_its_end() -> None:
    clock = Clock()
    start, end = CREATED + timedelta(hours=1), CREATED + timedelta(hours=2)
    clock.put("rate(30 minutes)", StartDate=start.timestamp(), EndDate=end.timestamp())
    assert clock.tick() == []
    assert clock.go(days=1) == [f"s 10-23 {time}:30" for time in ("13:00", "13:30", "14:00")]


def test_the_times_of_a_rate_follow_from_a_start_date_that_has_passed() -> None:
    clock = Clock()
    clock.put("rate(30 minutes)", StartDate=(CREATED - timedelta(minutes=10)).timestamp())
    assert clock.tick() == []
    assert clock.go(hours=1) == ["s 10-23 12:20:30", "s 10-23 12:50:30"]


def test_a_cron_is_due_between_its_dates_only() -> None:
    clock = Clock()
    clock.put("cron(0 * * * ? *)", StartDate="2026-10-23T15:00:00Z", EndDate="2026-10-23T16:59:59Z")
    assert clock.go(days=1) == ["s 10-23 15:00:00", "s 10-23 16:00:00"]


def test_at_is_once_by_its_own_clock_whatever_the_dates_say() -> None:
    clock = Clock()
    clock.put("at(2026-10-25T02:30:00)", "Europe/Berlin", StartDate="2026-12-01T00:00:00Z")
    assert clock.go(days=4) == ["s 10-25 00:30:00"]
    clock.put("at(2026-10-25T02:30:00)", "Europe/Berlin", Description="another")
    assert clock.go(hours=1) == []
    clock.put("at(2026-10-27T14:00:00)", "Europe/Berlin")
    assert clock.go(hours=1) == ["s 10-27 13:00:00"]


def test_a_time_that_has_passed_is_due_at_once() -> None:
    clock = Clock()
    clock.put("at(2026-01-01T00:00:00)")
    assert clock.tick() == ["s 01-01 00:00:00"]
    assert clock.tick() == []


def test_a_completed_schedule_is_deleted_if_configured() -> None:
    clock = Clock()
    once, end = "at(2026-10-23T13:00:00)", (CREATED + timedelta(hours=2)).timestamp()
    clock.put(once, name="once", ActionAfterCompletion="DELETE")
    clock.put(once, name="stays", ActionAfterCompletion="NONE")
    clock.put("rate(1 hour)", name="ends", ActionAfterCompletion="DELETE", EndDate=end)
    clock.put("rate(1 hour)", name="endless", ActionAfterCompletion="DELETE")
    clock.go(hours=1)
    assert set(clock.records) == {"stays", "ends", "endless"}
    clock.go(hours=2)
    assert set(clock.records) == {"stays", "endless"}


def test_a_schedule_does_not_catch_up_on_times_while_it_was_disabled() -> None:
    clock = Clock()
    clock.put("cron(0 * * * ? *)", State="DISABLED")
    assert clock.go(hours=2) == []
    clock.put("cron(0 * * * ? *)")
    assert clock.tick() == []
    assert clock.go(hours=1) == ["s 10-23 15:00:00"]


def test_an_update_of_the_times_holds_from_then_on() -> None:
    clock = Clock()
    clock.put("cron(0 * * * ? *)")
    assert clock.go(hours=1) == ["s 10-23 13:00:00"]
    clock.put("cron(15/15 * * * ? *)", "Asia/Kolkata")  # half an hour beside
    assert clock.go(hours=1) == [f"s 10-23 13:{minute}:00" for minute in ("15", "45")] + [
        "s 10-23 14:00:00"
    ]
    clock.put("cron(15/15 * * * ? *)", "Asia/Kolkata", Description="no other time")
    assert clock.go(minutes=16) == ["s 10-23 14:15:00"]


def test_a_name_that_is_used_again_is_another_schedule() -> None:
    clock = Clock()
    clock.put("at(2026-01-01T00:00:00)")
    assert len(clock.tick()) == 1
    del clock.records["s"]
    clock.now += timedelta(seconds=5)
    clock.put("at(2026-01-01T00:00:00)")
    assert len(clock.tick()) == 1


def test_of_the_times_that_a_sleeping_machine_missed_the_last_is_due() -> None:
    clock = Clock()
    clock.put("cron(0/5 * * * ? *)", name="often")
    clock.put(NIGHTLY, "Europe/Berlin", name="nightly")
    clock.tick()
    assert clock.go(hours=20, step=timedelta(hours=20)) == [
        "often 10-24 08:00:00",
        "nightly 10-24 00:30:00",
    ]
    assert clock.go(minutes=5) == ["often 10-24 08:05:00"]


def test_an_invalid_expression_does_not_stop_the_other_schedules() -> None:
    clock = Clock()
    clock.put("hourly", name="bad")
    clock.put("at(2026-01-01T00:00:00)", name="good")
    assert clock.tick() == ["good 01-01 00:00:00"]


def test_an_input_says_the_time_and_whose_it_is() -> None:
    text = (
        '{"t": "<aws.scheduler.scheduled-time>", "a": "<aws.scheduler.schedule-arn>", '
        '"e": "<aws.scheduler.execution-id>", "n": "<aws.scheduler.attempt-number>", "<x>": "<y>"}'
    )
    time = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert with_context(text, "arn:s", time, "id-1") == (
        '{"t": "2026-10-25T00:30:00Z", "a": "arn:s", "e": "id-1", "n": "1", "<x>": "<y>"}'
    )


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"ScheduleExpression": "rate(5 minutes)"}, None),
        ({"ScheduleExpression": "rate(5 minutes)", "ScheduleExpressionTimezone": "Asia/Tokyo"}, None),
        ({}, None),
        ({"ScheduleExpression": "cron(0 2 45 * ? *)"}, "Invalid Schedule Expression 'cron(0 2 45 * ? *)'. cron(0 2 45 * ? *): day of the month: 45 is not 1-31"),
        ({"ScheduleExpression": "rate(5 minutes)", "ScheduleExpressionTimezone": "Mars"}, "Invalid Schedule Expression Timezone 'Mars'. timezone 'Mars' is not known"),
        ({"State": "ON"}, "Value 'ON' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]"),
        ({"ActionAfterCompletion": "STOP"}, "enum value set: [NONE, DELETE]"),
        ({"FlexibleTimeWindow": {"Mode": "OFF"}}, None),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1_440}}, None),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1_441}}, "Value '1441' at 'flexibleTimeWindow.maximumWindowInMinutes'"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "Value 'None' at 'flexibleTimeWindow.maximumWindowInMinutes'"),
        ({"FlexibleTimeWindow": {"Mode": "ON"}}, "Value 'ON' at 'flexibleTimeWindow.mode'"),
    ],
)  # fmt: skip
def test_create_schedule_refuses_what_aws_refuses(
    request_: dict[str, Any], problem: str | None
) -> None:
    found = refusal(json.dumps(request_).encode())
    assert (found is None) == (problem is None)
    assert problem is None or problem in (found or "")
