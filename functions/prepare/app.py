"""Prepares steps, continues runs, writes reports: work of minutes. SQS -> here, one by one.

To prepare a step is to count its items and to write its manifest. A run is continued if a start or
an event left it submissions that there was no time for. A report is of a run that has ended. Of a
run with a budget, jobs that have ended are measured.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.adapters.sqs import (
    ContinueMessage,
    MeasureMessage,
    PrepareMessage,
    ReportMessage,
    parse,
)
from batchrelay.aws_lambda.long_work import done
from batchrelay.aws_lambda.metrics import record
from batchrelay.aws_lambda.wiring import begin_invocation, lambda_deliveries, lambda_engine
from batchrelay.domain.errors import RunConflict, RunNotFound

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
    try:
        request = parse(message["body"])
        if isinstance(request, ContinueMessage):
            _continue(request)
        elif isinstance(request, ReportMessage | MeasureMessage):
            return _waited_for(request, message, context)
        else:
            _prepare(request, context, is_repeated=_deliveries(message) > 1)
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


def _waited_for(
    request: ReportMessage | MeasureMessage, message: dict[str, Any], context: LambdaContext
) -> bool:
    """Tried again soon: notices wait for a report, submissions for a measurement."""
    is_report = isinstance(request, ReportMessage)
    run_id = request.report_of if isinstance(request, ReportMessage) else request.cost_of
    try:
        handled, details = done(
            lambda_engine(),
            request,
            _deliveries(message),
            lambda: context.get_remaining_time_in_millis() / 1000,
        )
    except (RunConflict, RunNotFound):
        raise
    except Exception:
        what = "report not written" if is_report else "cost not measured"
        logger.exception(what, extra={"run_id": run_id})
        lambda_deliveries().return_soon([message])
        return False
    what = "report done" if is_report else "cost measured"
    logger.info(what, extra={"run_id": run_id, **details})
    record(metrics, handled)
    return True


def _deliveries(message: dict[str, Any]) -> int:
    return int(message.get("attributes", {}).get("ApproximateReceiveCount", 1))


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
