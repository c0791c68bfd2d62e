"""Advances runs by the events of their jobs. EventBridge -> SQS -> here, in batches.

All events of one run in a batch are folded into one load and one save. A record that cannot be
handled goes back to the queue alone, and to the dead letters in the end.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.adapters.eventbridge import parse
from batchrelay.aws_lambda.metrics import record, sent_at
from batchrelay.aws_lambda.wiring import begin_invocation, lambda_deliveries, lambda_engine
from batchrelay.domain.errors import RunConflict, RunNotFound
from batchrelay.domain.events import Event

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle a batch; the answer names the records that must come again."""
    begin_invocation(context)
    received_at = min(sent_at(message) for message in event["Records"])
    heard: dict[str, list[tuple[str, Event]]] = defaultdict(list)
    failed: list[str] = []
    for message in event["Records"]:
        try:
            fact = parse(message["body"], lambda_engine().clock.now())
        except Exception:  # one odd event must not hold up the others of the batch
            logger.exception("malformed event")
            failed.append(message["messageId"])
            continue
        if fact is not None:
            heard[fact.key.run_id].append((message["messageId"], fact))
    outrun: list[str] = []
    for run_id, facts in heard.items():
        ids = [message_id for message_id, _ in facts]
        try:
            if not _advanced(run_id, [fact for _, fact in facts], received_at):
                failed += ids
        except RunConflict:
            logger.warning("rivals were faster", extra={"run_id": run_id})
            outrun += ids
    lambda_deliveries().return_soon([r for r in event["Records"] if r["messageId"] in outrun])
    failed += outrun
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _advanced(run_id: str, facts: list[Event], received_at: float) -> bool:
    try:
        handled = lambda_engine().handle(run_id, facts)
    except RunNotFound:
        logger.info("event of an unknown run", extra={"run_id": run_id})
        return True
    except RunConflict:
        raise
    except Exception:  # one run's trouble must not hold up the others of the batch
        logger.exception("run not advanced", extra={"run_id": run_id})
        return False
    steps = sorted({fact.key.label for fact in facts})
    said = {"run_id": run_id, "steps": steps, "status": handled.run.status}
    logger.info("run advanced", extra=said)
    record(metrics, handled, received_at)
    return True
