"""Prepares steps, continues runs, writes reports: work of minutes. SQS -> here, one by one.

To prepare a step is to count its items and to write its manifest. A run is continued if a start or
an event left it submissions that there was no time for. A report is of a run that has ended.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.adapters.sqs import ContinueMessage, PrepareMessage, ReportMessage, parse
from batchrelay.aws_lambda.metrics import record
from batchrelay.aws_lambda.reports import lambda_reports
from batchrelay.aws_lambda.wiring import begin_invocation, lambda_deliveries, lambda_engine
from batchrelay.domain.errors import RunConflict, RunNotFound
from batchrelay.domain.limits import REPORT_DELIVERIES_MAX

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle a batch; the answer names the records that must come again."""
    begin_invocation(context)
    failed: list[str] = []
    for message in event["Records"]:
        try:
            is_done = _handle(message, context)
        except RunConflict:
            logger.warning("run in conflict")
            lambda_deliveries().return_soon([message])
            is_done = False
        if not is_done:
            failed.append(message["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _handle(message: dict[str, Any], context: LambdaContext) -> bool:
    """Whether the message is done with; False for one that must come again."""
    deliveries = int(message.get("attributes", {}).get("ApproximateReceiveCount", 1))
    try:
        request = parse(message["body"])
        if isinstance(request, ContinueMessage):
            _continue(request)
        elif isinstance(request, ReportMessage):
            return _report(request, message, context, is_last=deliveries >= REPORT_DELIVERIES_MAX)
        else:
            _prepare(request, context, is_repeated=deliveries > 1)
    except RunNotFound:
        logger.info("message of an unknown run")
    except RunConflict:
        raise
    except Exception:  # the message goes back to the queue, and to the dead letters in the end
        logger.exception("message not handled")
        return False
    return True


def _continue(request: ContinueMessage) -> None:
    handled = lambda_engine().continue_run(request.run_id)
    details = {"run_id": request.run_id, "effects": len(handled.performed)}
    logger.info("run continued", extra=details)
    record(metrics, handled)


def _report(
    request: ReportMessage, message: dict[str, Any], context: LambdaContext, *, is_last: bool
) -> bool:
    """Tried again soon: the notices of the run wait for it."""
    try:
        handled = lambda_engine().write_report(
            request.report_of,
            request.redrive,
            lambda run, time_left: lambda_reports().write(run, time_left),
            is_last=is_last,
            time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )
    except (RunConflict, RunNotFound):
        raise
    except Exception:
        logger.exception("report not written", extra={"run_id": request.report_of})
        lambda_deliveries().return_soon([message])
        return False
    report = handled.run.report
    details = {"run_id": request.report_of, "problem": report.problem if report else ""}
    logger.info("report done", extra=details)
    record(metrics, handled)
    return True


def _prepare(request: PrepareMessage, context: LambdaContext, *, is_repeated: bool) -> None:
    handled = lambda_engine().prepare(
        request.run_id,
        request.step,
        request.round,
        resume=request.resume,
        is_repeated=is_repeated,
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    children = handled.run.state(request.step).children
    details = {"run_id": request.run_id, "step": request.step, "children": children}
    logger.info("step prepared", extra=details)
    metrics.add_metric("StepsPrepared", MetricUnit.Count, 1)
    record(metrics, handled)
