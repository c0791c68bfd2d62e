"""Starts runs: for the messages of triggers, and for a direct invocation.

An invocation gives {"pipeline", "version", "runId" or "key", "params"}. The answer is the run, or
{"error": {"type", "message"}}. A trigger's message that fails is a dead letter in the end.
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
    lambda_trigger_dispatch,
    new_run_id,
)
from batchrelay.codec import decode_start_request
from batchrelay.domain.errors import (
    InputError,
    PipelineNotFound,
    RunConflict,
    RunSkipped,
)
from batchrelay.engine.outcome import Handled
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
        outcomes = lambda_trigger_dispatch().receive(bodies)
        in_conflict = {m for m, outcome in outcomes.items() if isinstance(outcome, RunConflict)}
        return_soon = [r for r in event["Records"] if r["messageId"] in in_conflict]
        lambda_deliveries().return_soon(return_soon)
        failed = [m for m, outcome in outcomes.items() if not _record(outcome)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
    try:
        handled = lambda_engine().start(decode_start_request(event, new_run_id))
    except InputError as error:
        logger.warning("start refused", extra={"reason": str(error)})
        return {"error": {"type": type(error).__name__, "message": str(error)}}
    _record(handled)
    return {"runId": handled.run.id, "status": handled.run.status, "new": not handled.is_repeated}


def _record(outcome: Outcome) -> bool:
    """Log and count it; False for a message that goes back, and to the dead letters in the end."""
    match outcome:
        case Handled():
            record_start(metrics, logger, outcome)
        case RunSkipped():
            logger.info("run skipped", extra={"reason": str(outcome)})
            metrics.add_metric("RunsSkipped", MetricUnit.Count, 1)
        case PipelineNotFound():  # it was undeployed, and its rule a moment later
            logger.warning("trigger without a pipeline", extra={"reason": str(outcome)})
            metrics.add_metric("TriggersWithoutPipeline", MetricUnit.Count, 1)
        case RunConflict():
            logger.warning("run in conflict", extra={"reason": str(outcome)})
            return False
        case Exception():
            logger.error("trigger started nothing", exc_info=outcome)
            return False
    return True
