"""Advances runs by the events of their jobs. EventBridge -> SQS -> here, in batches.

All events of one run in a batch are folded into one load and one save. A record that cannot be
handled goes back to the queue alone, and to the dead letters in the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.adapters.eventbridge import parse
from batchrelay.aws_lambda.metrics import record, sent_at
from batchrelay.aws_lambda.wiring import begin_invocation, lambda_deliveries, lambda_engine
from batchrelay.domain.errors import RunConflict, RunNotFound
from batchrelay.domain.events import JobEvent

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle a batch; the answer names the records that must come again."""
    begin_invocation(context)
    sent_first_at = min(sent_at(message) for message in event["Records"])
    by_run: dict[str, list[tuple[str, JobEvent]]] = defaultdict(list)
    failed: list[str] = []
    for message in event["Records"]:
        try:
            job_event = parse(message["body"], lambda_engine().clock.now())
        except Exception:  # one odd event must not hold up the others of the batch
            logger.exception("malformed event")
            failed.append(message["messageId"])
            continue
        if job_event is not None:
            by_run[job_event.key.run_id].append((message["messageId"], job_event))
    in_conflict: list[str] = []
    for run_id, entries in by_run.items():
        ids = [message_id for message_id, _ in entries]
        try:
            if not _advance(run_id, [job_event for _, job_event in entries], sent_first_at):
                failed += ids
        except RunConflict:
            logger.warning("run in conflict", extra={"run_id": run_id})
            in_conflict += ids
    lambda_deliveries().return_soon([r for r in event["Records"] if r["messageId"] in in_conflict])
    failed += in_conflict
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _advance(run_id: str, job_events: Sequence[JobEvent], sent_first_at: float) -> bool:
    """Fold a run's events into it; False for a batch that must come again."""
    try:
        handled = lambda_engine().handle(run_id, job_events)
    except RunNotFound:
        logger.info("event of an unknown run", extra={"run_id": run_id})
        return True
    except RunConflict:
        raise
    except Exception:  # one run's failure must not hold up the others of the batch
        logger.exception("run not advanced", extra={"run_id": run_id})
        return False
    steps = sorted({job_event.key.label for job_event in job_events})
    details = {"run_id": run_id, "steps": steps, "status": handled.run.status}
    logger.info("run advanced", extra=details)
    record(metrics, handled, sent_first_at)
    return True
