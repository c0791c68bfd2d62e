"""Reconciles the open runs: polls for missed events, performs overdue effects. On a schedule.

The order is random, so that a run that one invocation had no time for is not left out for ever.
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

RECONCILE_MS_MAX = 60_000
"""Milliseconds that one run may take."""

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Reconcile every open run; fails at the end if one of them could not be reconciled."""
    begin_invocation(context)
    engine = lambda_engine()
    run_ids = list(engine.runs.open_runs())
    random.shuffle(run_ids)
    count, blocked, failed = 0, 0, []
    for run_id in run_ids:
        if context.get_remaining_time_in_millis() < RECONCILE_MS_MAX:
            logger.warning("runs left over", extra={"count": len(run_ids) - count})
            break
        count += 1
        try:
            handled = engine.reconcile(run_id)
        except RunNotFound:
            continue
        except Exception:  # one run's failure must not hold up the others
            logger.exception("run not reconciled", extra={"run_id": run_id})
            failed.append(run_id)
            continue
        if handled.run.blocked:
            logger.warning("steps blocked", extra={"run_id": run_id, "steps": handled.run.blocked})
            blocked += len(handled.run.blocked)
        if handled.performed:
            logger.warning(
                "effects reconciled", extra={"run_id": run_id, "count": len(handled.performed)}
            )
            metrics.add_metric("EffectsReconciled", MetricUnit.Count, len(handled.performed))
        record(metrics, handled)
    metrics.add_metric("RunsReconciled", MetricUnit.Count, count)
    metrics.add_metric("StepsBlocked", MetricUnit.Count, blocked)
    if failed:
        raise RuntimeError(f"{len(failed)} of {count} open runs could not be reconciled")
    return {"reconciled": count}
