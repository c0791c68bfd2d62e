"""Reports and measurements, of a message each: what a run waits for, and what may take minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchrelay.adapters.sqs import MeasureMessage, ReportMessage
from batchrelay.aws_lambda.reports import lambda_measurement, lambda_reports
from batchrelay.domain.limits import MEASUREMENT_DELIVERIES_MAX, REPORT_DELIVERIES_MAX
from batchrelay.engine.budgets import measure_cost
from batchrelay.engine.engine import Engine
from batchrelay.engine.outcome import Handled

_Done = tuple[Handled, dict[str, Any]]
"""What was done, and what to log of it."""


def done(
    engine: Engine,
    request: ReportMessage | MeasureMessage,
    deliveries: int,
    time_left: Callable[[], float],
) -> _Done:
    """Do what a message asks for. Raises: what the next delivery may do without."""
    if isinstance(request, ReportMessage):
        return _reported(engine, request, deliveries, time_left)
    handled = measure_cost(
        engine,
        request.cost_of,
        request.number,
        lambda run, left: lambda_measurement().measure(run, left),
        is_last=deliveries >= MEASUREMENT_DELIVERIES_MAX,
        time_left=time_left,
    )
    cost = handled.run.cost
    return handled, {"usd": cost and cost.usd, "unknown": handled.run.spending.unknown}


def _reported(
    engine: Engine, request: ReportMessage, deliveries: int, time_left: Callable[[], float]
) -> _Done:
    handled = engine.write_report(
        request.report_of,
        request.redrive,
        lambda run, left: lambda_reports().write(run, left),
        is_last=deliveries >= REPORT_DELIVERIES_MAX,
        time_left=time_left,
    )
    report = handled.run.report
    return handled, {"problem": report.problem if report else ""}
