"""Starts runs: by triggers, through their queue, and by whoever invokes it.

Invoked with {"pipeline", "version", "runId" or "key", "params"}, it answers with the run, or with
{"error": {"type", "message"}}. A trigger's message that starts nothing is a dead letter in the end.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.adapters.triggers import parse_trigger
from batchrelay.bootstrap import lambda_engine, new_run_id
from batchrelay.codec import decode_order
from batchrelay.domain.errors import CodecError, InputError, PipelineNotFound
from batchrelay.domain.run import Run, StartOrder
from batchrelay.metrics import record

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Start the run that the event asks for, or those of a batch of triggers' messages."""
    if isinstance(event, dict) and "Records" in event:
        failed = [m["messageId"] for m in event["Records"] if not _triggered(m["body"])]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
    try:
        run = _started(decode_order(event, new_run_id))
    except (InputError, CodecError) as error:
        logger.warning("start refused", extra={"reason": str(error)})
        return {"error": {"type": type(error).__name__, "message": str(error)}}
    return {"runId": run.id, "status": run.status}


def _triggered(body: str) -> bool:
    try:
        order = parse_trigger(body)
        if order is not None:
            _started(order)
    except PipelineNotFound as error:  # it was taken away, and its rule a moment later
        logger.warning("trigger without a pipeline", extra={"reason": str(error)})
        metrics.add_metric("TriggersWithoutPipeline", MetricUnit.Count, 1)
    except Exception:  # the record goes back to the queue, then to the dead letters
        logger.exception("trigger started nothing")
        return False
    return True


def _started(order: StartOrder) -> Run:
    handled = lambda_engine().start(order)
    logger.info("run started", extra={"run_id": order.run_id, "again": handled.is_repeated})
    metrics.add_metric("RunsStarted", MetricUnit.Count, int(not handled.is_repeated))
    record(metrics, handled)
    return handled.run
