"""CloudWatch metrics of what an engine did, written to the log (EMF): no call of AWS.

`RunsEnded` has the dimension `outcome`; all have `service`. docs/reference/metrics.md lists them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from batchrelay.domain.effects import SubmitJob
from batchrelay.engine.outcome import Handled


def sent_at(message: Mapping[str, Any]) -> float:
    """When a message of SQS was sent, as seconds of the epoch; now, if it does not say."""
    sent = message.get("attributes", {}).get("SentTimestamp", "")
    return int(sent) / 1000 if sent.isdigit() else time.time()


def record_start(metrics: Metrics, logger: Logger, handled: Handled) -> None:
    """Log and count a start, and what was done; it counts once, however often it is asked for."""
    details = {"run_id": handled.run.id, "new": not handled.is_repeated}
    logger.info("run started", extra=details)
    if handled.problem is not None:
        logger.error("effect of a start failed", extra=details, exc_info=handled.problem)
    metrics.add_metric("RunsStarted", MetricUnit.Count, int(not handled.is_repeated))
    record(metrics, handled)


def record_redrive(metrics: Metrics, logger: Logger, handled: Handled) -> None:
    """Log and count a redrive, and what was done."""
    logger.info("run redriven", extra={"run_id": handled.run.id})
    metrics.add_metric("RunsRedriven", MetricUnit.Count, 1)
    record(metrics, handled)


def record(metrics: Metrics, handled: Handled, received_at: float | None = None) -> None:
    """Count what was done; with `received_at`, also how long a submission took since its event."""
    metrics.add_metric("EffectsPerformed", MetricUnit.Count, len(handled.performed))
    metrics.add_metric("Conflicts", MetricUnit.Count, handled.conflicts)
    if received_at is not None and any(isinstance(e, SubmitJob) for e in handled.performed):
        latency_ms = (time.time() - received_at) * 1000
        metrics.add_metric("StepLatency", MetricUnit.Milliseconds, latency_ms)
    if handled.ended:
        with single_metric(name="RunsEnded", unit=MetricUnit.Count, value=1) as metric:
            metric.add_dimension("service", "batchrelay")
            metric.add_dimension("outcome", str(handled.run.status))
    for other in handled.others:
        record(metrics, other)
