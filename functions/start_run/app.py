"""Starts runs: by triggers, through their queue, and by whoever invokes it with {"pipeline",
"version", "runId" or "key", "params"}: the answer is the run, or {"error": {"type", "message"}}. A
trigger's message that starts nothing is a dead letter in the end.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.aws_lambda.metrics import record_start
from batchrelay.aws_lambda.wiring import (
    begin_invocation,
    lambda_deliveries,
    lambda_engine,
    lambda_triggering,
    new_run_id,
)
from batchrelay.codec import decode_start_request
from batchrelay.domain.errors import (
    InputError,
    PipelineNotFound,
    RunConflict,
    RunSkipped,
)
from batchrelay.engine.engine import Handled
from batchrelay.triggers.dispatch import Outcome

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start the run that the event asks for, or those of a batch of triggers' messages."""
    begin_invocation(context)
    if isinstance(event, dict) and "Records" in event:
        bodies = {message["messageId"]: message["body"] for message in event["Records"]}
        heard = lambda_triggering().receive(bodies)
        outrun = [m for m, outcome in heard.items() if isinstance(outcome, RunConflict)]
        lambda_deliveries().return_soon([r for r in event["Records"] if r["messageId"] in outrun])
        failed = [{"itemIdentifier": m} for m, outcome in heard.items() if not _told(outcome)]
        return {"batchItemFailures": failed}
    try:
        handled = lambda_engine().start(decode_start_request(event, new_run_id))
    except InputError as error:
        logger.warning("start refused", extra={"reason": str(error)})
        return {"error": {"type": type(error).__name__, "message": str(error)}}
    _told(handled)
    return {"runId": handled.run.id, "status": handled.run.status, "new": not handled.is_repeated}


def _told(outcome: Outcome) -> bool:
    """Log and count it; False for a message that goes back, and to the dead letters in the end."""
    match outcome:
        case Handled():
            record_start(metrics, logger, outcome)
        case RunSkipped():
            logger.info("run skipped", extra={"reason": str(outcome)})
            metrics.add_metric("RunsSkipped", MetricUnit.Count, 1)
        case PipelineNotFound():  # it was taken away, and its rule a moment later
            logger.warning("trigger without a pipeline", extra={"reason": str(outcome)})
            metrics.add_metric("TriggersWithoutPipeline", MetricUnit.Count, 1)
        case RunConflict():
            logger.warning("rivals were faster", extra={"reason": str(outcome)})
            return False
        case Exception():
            logger.error("trigger started nothing", exc_info=outcome)
            return False
    return True
