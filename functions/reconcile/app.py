"""Sweeps the open runs: hears what was missed, pays what is overdue. Runs on a schedule.

In any order, so that what this sweep had no time for is not the same as in the last.
"""

from __future__ import annotations

import random
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.aws_lambda.metrics import record
from batchrelay.aws_lambda.wiring import begin_invocation, lambda_engine
from batchrelay.domain.errors import RunNotFound

LAST_RECONCILE_MS = 60_000
"""Milliseconds that a sweep of one run may take."""

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Sweep every open run; fails at the end if one of them could not be swept."""
    begin_invocation(context)
    engine = lambda_engine()
    run_ids = list(engine.runs.open_runs())
    random.shuffle(run_ids)
    reconciled, blocked, failed = 0, 0, []
    for run_id in run_ids:
        if context.get_remaining_time_in_millis() < LAST_RECONCILE_MS:
            logger.warning(
                "runs left to the next sweep", extra={"count": len(run_ids) - reconciled}
            )
            break
        reconciled += 1
        try:
            handled = engine.reconcile(run_id)
        except RunNotFound:
            continue
        except Exception:  # one run's trouble must not hold up the others
            logger.exception("run not swept", extra={"run_id": run_id})
            failed.append(run_id)
            continue
        if stuck := handled.run.blocked:
            logger.warning("steps blocked", extra={"run_id": run_id, "steps": stuck})
            blocked += len(stuck)
        if handled.performed:
            logger.warning(
                "effects reconciled", extra={"run_id": run_id, "count": len(handled.performed)}
            )
            metrics.add_metric("EffectsReconciled", MetricUnit.Count, len(handled.performed))
        record(metrics, handled)
    metrics.add_metric("RunsSwept", MetricUnit.Count, reconciled)
    metrics.add_metric("StepsBlocked", MetricUnit.Count, blocked)
    if failed:
        raise RuntimeError(f"{len(failed)} of {reconciled} open runs could not be swept")
    return {"swept": reconciled}
