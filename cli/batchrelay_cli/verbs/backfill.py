"""`batchrelay backfill`: the runs of a schedule's times that have passed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import click

from batchrelay.aws_lambda.wiring import store
from batchrelay.domain.limits import QUEUED_RUNS_MAX
from batchrelay.domain.pipeline import Overlap, ScheduleTrigger
from batchrelay.domain.run import StartRequest
from batchrelay.domain.values import counted
from batchrelay.triggers.messages import scheduled_start
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import Stack, StartRefusedError
from batchrelay_cli.stack.schedule_times import check_schedule, no_schedule, times_between
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import PIPELINE
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option

RUNS_MAX = QUEUED_RUNS_MAX
"""Runs of one backfill: as many as may wait for one another."""


class _When(click.ParamType[date]):
    """A day, or a time with its zone."""

    name = "DAY|TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        with suppress(ValueError):
            return date.fromisoformat(value)
        with suppress(ValueError):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment
        problem = f"{value!r} is no day such as 2026-11-01, nor a time such as 2026-11-01T12:00:00Z"
        return self.fail(problem, param, ctx)


@click.command(
    epilog="Example: batchrelay backfill nightly --from 2026-11-01 --to 2026-11-05 --plan"
)
@click.argument("pipeline", type=PIPELINE)
@click.option("--from", "start", type=_When(), required=True, help="The first.")
@click.option("--to", "end", type=_When(), required=True, help="The last; it is included.")
@click.option("--plan", is_flag=True, help="Show the times, and start nothing.")
@stack_option
@output_option
def backfill(
    pipeline: str, start: date, end: date, plan: bool, stack_name: str, output: str
) -> None:
    """Start the runs of a pipeline's schedules for times that passed, the oldest first.

    A day is one of the schedule's time zone. A time that had its run is not run again, whatever
    became of it: then the exit code is 1. If the schedule has an overlap policy, its runs wait for
    one another.
    """
    with open_stack(stack_name) as stack:
        orders = _orders(stack, pipeline, start, end)
        if plan or not orders:
            entries = [{"time": order.trigger["time"], "runId": order.run_id} for order in orders]
        else:
            entries = list(_started(stack, orders, is_shown=output == "text"))
    if output == "json":
        echo_json({"planned" if plan else "runs": entries})
    elif not orders:
        say("no scheduled time lies between")
    elif plan:
        for entry in entries:
            say(f"{entry['time']}  run {entry['runId']}")
        say(counted(len(entries), "runs"))
    lost = [entry for entry in entries if entry.get("status") in ("FAILED", "CANCELLED")]
    if lost:
        say(
            f"{len(lost):,} of {len(entries):,} ended FAILED or CANCELLED; a time has one run: "
            f"start another by hand, batchrelay start {pipeline} --param NAME=VALUE",
            err=True,
        )
        raise SystemExit(1)


def _orders(stack: Stack, pipeline: str, start: date, end: date) -> list[StartRequest]:
    pipelines = store(stack.outputs["TableName"], stack.make_client)
    triggers = pipelines.get_pipeline(pipeline, pipelines.registered_version(pipeline)).triggers
    schedules = [trigger for trigger in triggers if isinstance(trigger, ScheduleTrigger)]
    if not schedules:
        raise no_schedule(pipeline)
    due = (_due(trigger, start, end) for trigger in schedules)
    orders: dict[datetime, StartRequest] = {}
    for moment, overlap in heapq.merge(*due):
        if moment not in orders and len(orders) == RUNS_MAX:
            raise UsageProblem(
                f"more than {RUNS_MAX:,} times lie between: go on in steps, the first with "
                f"--to {_text(max(orders))}"
            )
        orders.setdefault(moment, scheduled_start(pipeline, _text(moment), overlap))
    return list(orders.values())


def _due(trigger: ScheduleTrigger, start: date, end: date) -> Iterator[tuple[datetime, Overlap]]:
    """When a schedule was due, and how its runs stand to each other, in order."""
    check_schedule(trigger)
    is_parallel = trigger.overlap is Overlap.PARALLEL
    zone = ZoneInfo(trigger.timezone)
    first, last = _moment(start, zone, time.min), _moment(end, zone, time.max)
    if last < first:
        raise UsageProblem(f"--to {end} is before --from {start}")
    for moment in times_between(trigger, first, min(last, datetime.now(UTC))):
        yield moment, Overlap.PARALLEL if is_parallel else Overlap.QUEUE


def _text(moment: datetime) -> str:
    """As EventBridge Scheduler writes a scheduled time."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _moment(moment: date, zone: ZoneInfo, of_day: time) -> datetime:
    """A day's first or last moment is that of the zone."""
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, of_day, zone)


def _started(
    stack: Stack, orders: list[StartRequest], *, is_shown: bool
) -> Iterator[dict[str, str]]:
    for number, order in enumerate(orders):
        document = {
            "pipeline": order.pipeline,
            "key": order.key,
            "trigger": dict(order.trigger),
            "overlap": str(order.overlap),
        }
        try:
            run = stack.start_run(document)
        except StartRefusedError as error:
            raise UsageProblem(
                f"{order.trigger['time']}: {error} ({number:,} of {counted(len(orders), 'runs')} "
                f"{'is' if number == 1 else 'are'} there; "
                "the same command goes on with the others)"
            ) from None
        entry = {"time": order.trigger["time"], "runId": run["runId"], "status": run["status"]}
        if is_shown:
            again = "" if run["new"] else " (it was there)"
            say(f"{entry['time']}  run {entry['runId']}  {entry['status']}{again}")
        yield entry
