"""Starts a run. Invoked with {"pipeline", "version", "runId" or "key", "params"}, all but the first
optional; answers with the run.

What the caller got wrong is an answer, {"error": {"type", "message"}}, not a failed invocation.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.bootstrap import lambda_engine, new_run_id
from batchrelay.codec import decode_order
from batchrelay.domain.errors import BatchrelayError, CodecError, InputError

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Start the run that the event asks for."""
    try:
        order = decode_order(event, new_run_id)
        run = lambda_engine().start(order).run
    except (InputError, CodecError) as error:
        logger.warning("start refused", extra={"reason": str(error)})
        return refusal(error)
    logger.info("run started", extra={"run_id": run.id, "pipeline": run.pipeline.name})
    metrics.add_metric(name="RunsStarted", unit=MetricUnit.Count, value=1)
    return {"runId": run.id, "status": run.status}


def refusal(error: BatchrelayError) -> dict[str, Any]:
    """The answer to a caller who has to change something."""
    return {"error": {"type": type(error).__name__, "message": str(error)}}
