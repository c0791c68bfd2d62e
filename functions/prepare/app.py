"""Counts a step's items and writes its manifest, and goes on with runs whose start or event left
submissions to do: the work that may take minutes. Queue of preparations -> here, one by one."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.adapters.sqs import ContinueMessage, PrepareMessage, parse
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
            is_done = _done(message, context)
        except RunConflict:
            logger.warning("rivals were faster")
            lambda_deliveries().return_soon([message])
            is_done = False
        if not is_done:
            failed.append(message["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _done(record: dict[str, Any], context: LambdaContext) -> bool:
    deliveries = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    try:
        message = parse(record["body"])
        if isinstance(message, ContinueMessage):
            _continue(message)
        else:
            _prepare(message, context, is_repeated=deliveries > 1)
    except RunNotFound:
        logger.info("message of an unknown run")
    except RunConflict:
        raise
    except Exception:  # the record goes back to the queue, then to the dead letters
        logger.exception("message not handled")
        return False
    return True


def _continue(message: ContinueMessage) -> None:
    handled = lambda_engine().continue_run(message.run_id)
    details = {"run_id": message.run_id, "effects": len(handled.performed)}
    logger.info("run continued", extra=details)
    record(metrics, handled)


def _prepare(message: PrepareMessage, context: LambdaContext, *, is_repeated: bool) -> None:
    handled = lambda_engine().prepare(
        message.run_id,
        message.step,
        message.round,
        resume=message.resume,
        is_repeated=is_repeated,
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    children = handled.run.state(message.step).children
    details = {"run_id": message.run_id, "step": message.step, "children": children}
    logger.info("step prepared", extra=details)
    metrics.add_metric("StepsPrepared", MetricUnit.Count, 1)
    record(metrics, handled)
