"""When the schedule of a trigger was due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from batchrelay.domain.pipeline import ScheduleTrigger
from batchrelay_cli.errors import UsageProblem
from batchrelay_local.schedules.expressions import read_expression
from batchrelay_local.schedules.times import flaws, times_from


def times_between(trigger: ScheduleTrigger, start: datetime, end: datetime) -> Iterator[datetime]:
    """The times of a schedule from `start` up to `end`, in order, in UTC.

    A rate has no grid of its own (it begins when its schedule was made): here it begins at `start`.

    Args:
        start, end: aware; both are included.
    """
    times = times_from(read_expression(trigger.expression), ZoneInfo(trigger.timezone), start)
    return takewhile(lambda time: time <= end, times)


def check_schedule(trigger: ScheduleTrigger) -> None:
    """What was deployed before its mistake was known. Raises: UsageProblem."""
    for flaw in flaws(trigger.expression, trigger.timezone).values():
        raise UsageProblem(f"{flaw} (correct the pipeline file, and deploy it again)")


def no_schedule(pipeline: str) -> UsageProblem:
    """A pipeline has none."""
    return UsageProblem(
        f"pipeline {pipeline} has no schedule: write `triggers: [{{schedule: {{expression: "
        '"cron(0 2 * * ? *)"}}]` and deploy it'
    )
