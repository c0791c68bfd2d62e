"""`batchrelay local fire`: what a schedule does when it is due, now."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import click
from botocore.exceptions import BotoCoreError

from batchrelay.aws_lambda.wiring import store
from batchrelay.domain.run import RunStatus, StartRequest
from batchrelay.triggers.messages import parse_trigger
from batchrelay_cli.client import ApiRefusedError, Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import is_loopback, open_stack
from batchrelay_cli.stack.client import InvalidSettingsError, Stack, endpoint_of
from batchrelay_cli.stack.event_rules import TriggerRules
from batchrelay_cli.stack.schedule_times import no_schedule
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import PIPELINE
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option
from batchrelay_local.schedules.context import with_context
from batchrelay_local.schedules.expressions import YEAR_MAX, YEAR_MIN

PATIENCE_S = 20
"""Seconds until a run that did not come is given up: a local function starts within two."""

NOT_FOUND = 404

_ENDED_BADLY = (RunStatus.FAILED, RunStatus.CANCELLED)


class _Moment(click.ParamType[datetime]):
    """A time with its zone."""

    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        with suppress(ValueError):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None and YEAR_MIN <= moment.year <= YEAR_MAX:
                return moment.astimezone(UTC).replace(microsecond=0)
        problem = f"{value!r} is no time with its zone, such as 2026-11-01T01:00:00Z"
        return self.fail(problem, param, ctx)


@click.command(epilog="Example: batchrelay local fire nightly --at 2026-11-01T01:00:00Z")
@click.argument("pipeline", type=PIPELINE)
@click.option("--at", "moment", type=_Moment(), help="The scheduled time; now by default.")
@click.option(
    "--schedule",
    "expression",
    metavar="EXPRESSION",
    help="Which one, of a pipeline whose schedules differ in more than their times.",
)
@stack_option
@output_option
def fire(
    pipeline: str, moment: datetime | None, expression: str | None, stack_name: str, output: str
) -> None:
    """Fire a schedule of a deployed pipeline, in a local cloud.

    The message that the schedule sends goes to the same queue, with TIME as its scheduled time,
    whether or not TIME is one of the schedule. A time has one run: to fire the same TIME again
    starts no second one. Exit codes: 0 there is a run, 1 there is none, or it ended FAILED or
    CANCELLED, 2 it cannot be fired.
    """
    _check_local()
    with open_stack(stack_name) as stack:
        store(stack.outputs["TableName"], stack.make_client).registered_version(
            pipeline
        )  # or it says that there is no such pipeline
        rules = TriggerRules(stack=stack, stack_name=stack_name, pipeline=pipeline)
        schedule = _chosen(pipeline, rules.schedules(), expression)
        body = _message(schedule, moment or datetime.now(UTC))
        order = parse_trigger(body)
        assert isinstance(order, StartRequest), body
        earlier = _status(stack, order.run_id)
        _send(stack, schedule, body)
        status = earlier or _awaited(stack, order.run_id)
    _report(schedule, order, status, is_new=earlier is None, output=output)


def _check_local() -> None:
    """Before any call is made. Raises: UsageProblem."""
    try:
        endpoint = endpoint_of("scheduler")
    except (BotoCoreError, InvalidSettingsError) as error:
        endpoint = f"nowhere ({error})"
    if not is_loopback(endpoint):
        raise UsageProblem(
            f"`local fire` is for a local cloud, and calls would go to {endpoint}: start one with "
            "`batchrelay local up` and paste the export lines that it prints. In AWS, start a run "
            "with `batchrelay start`, or those of times that have passed with `batchrelay backfill`"
        )


def _chosen(
    pipeline: str, schedules: Sequence[Mapping[str, Any]], expression: str | None
) -> Mapping[str, Any]:
    """Schedules that differ in their times only send the same: then any. Raises: UsageProblem."""
    if not schedules:
        raise no_schedule(pipeline)
    names = ", ".join(sorted({_named(schedule) for schedule in schedules}))
    if expression is not None:
        schedules = [s for s in schedules if expression in (s["ScheduleExpression"], _named(s))]
        if not schedules:
            raise UsageProblem(f"pipeline {pipeline} has no schedule {expression}: it has {names}")
    if len({schedule["Target"]["Input"] for schedule in schedules}) > 1:
        raise UsageProblem(
            f"the schedules of pipeline {pipeline} differ in their overlap policy: write "
            f'--schedule "EXPRESSION", of {names}'
        )
    return schedules[0]


def _named(schedule: Mapping[str, Any]) -> str:
    """As `deploy` names it."""
    return f"{schedule['ScheduleExpression']} {schedule['ScheduleExpressionTimezone']}"


def _message(schedule: Mapping[str, Any], moment: datetime) -> str:
    return with_context(
        schedule["Target"]["Input"], schedule["Arn"], moment, execution_id=str(uuid.uuid4())
    )


def _send(stack: Stack, schedule: Mapping[str, Any], body: str) -> None:
    name = schedule["Target"]["Arn"].rpartition(":")[2]
    stack.sqs.send_message(
        QueueUrl=stack.sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=body
    )


def _status(stack: Stack, run_id: str) -> RunStatus | None:
    """None if there is no such run."""
    try:
        return RunStatus(Client(stack).status(run_id)["status"])
    except ApiRefusedError as error:
        if error.status == NOT_FOUND:
            return None
        raise


def _awaited(stack: Stack, run_id: str) -> RunStatus | None:
    end = time.monotonic() + PATIENCE_S
    while (status := _status(stack, run_id)) is None and time.monotonic() < end:
        time.sleep(0.2)
    return status


def _report(
    schedule: Mapping[str, Any],
    order: StartRequest,
    status: RunStatus | None,
    *,
    is_new: bool,
    output: str,
) -> None:
    """Raises: SystemExit."""
    time_, expression = order.trigger["time"], schedule["ScheduleExpression"]
    if status is None:
        raise click.ClickException(
            f"{expression} was fired for {time_}, and there is no run after {PATIENCE_S} s: with "
            "`overlap: skip`, an open run prevents it; what failed is in `batchrelay dlq`"
        )
    if output == "json":
        zone = schedule["ScheduleExpressionTimezone"]
        document = {"schedule": expression, "timezone": zone, "time": time_, "runId": order.run_id}
        echo_json(document | {"status": status, "new": is_new})
    else:
        again = "" if is_new else " (it was there; a time has one run)"
        say(f"{time_}  run {order.run_id}  {status}{again}")
        say(f"look: batchrelay status {order.run_id} --watch")
    raise SystemExit(int(status in _ENDED_BADLY))
