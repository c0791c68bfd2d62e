"""Counts a step's items and writes its manifest. Queue of preparations -> here, one by one."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.adapters.sqs import parse
from batchrelay.bootstrap import begin_invocation, lambda_deliveries, lambda_engine
from batchrelay.domain.errors import RunConflict, RunNotFound
from batchrelay.metrics import record

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
            is_done = _prepared(message, context)
        except RunConflict:
            logger.warning("rivals were faster")
            lambda_deliveries().return_soon([message])
            is_done = False
        if not is_done:
            failed.append(message["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _prepared(message: dict[str, Any], context: LambdaContext) -> bool:
    deliveries = int(message.get("attributes", {}).get("ApproximateReceiveCount", 1))
    try:
        wanted = parse(message["body"])
        handled = lambda_engine().prepare(
            wanted.run_id,
            wanted.step,
            wanted.round,
            resume=wanted.resume,
            is_repeated=deliveries > 1,
            time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )
    except RunNotFound:
        logger.info("preparation of an unknown run")
        return True
    except RunConflict:
        raise
    except Exception:  # the record goes back to the queue, then to the dead letters
        logger.exception("step not prepared")
        return False
    children = handled.run.state(wanted.step).children
    logger.info(
        "step prepared",
        extra={"run_id": wanted.run_id, "step": wanted.step, "children": children},
    )
    metrics.add_metric("StepsPrepared", MetricUnit.Count, 1)
    record(metrics, handled)
    return True
