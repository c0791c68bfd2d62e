"""The report document of a run, collected with the caller's own rights."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from batchrelay.aws_lambda.reports import report_sources
from batchrelay.prices import Prices
from batchrelay.report.collector import collected_report
from batchrelay_cli.client.api import Client
from batchrelay_cli.client.waiting import waiting_of
from batchrelay_cli.stack.access import is_local
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.views.run_table import RunDocument
from batchrelay_cli.views.waiting import waiting_text


def collected(
    stack: Stack,
    run: RunDocument,
    prices: Prices,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, Any]:
    """What AWS Batch and the result records say of a run; of an open one, also why jobs wait.

    Args:
        stack: the run's.
        run: as the API answers it.
        prices: of its cost.
        progress: is given how many children are collected, and of how many.
    """
    now = datetime.now(UTC)
    document = collected_report(
        report_sources(stack.make_client),
        run,
        at=now,
        failures=Client(stack).failures(run["runId"]),
        region=None if is_local(stack) else stack.batch.meta.region_name,
        prices=prices,
        progress=progress,
    )
    reasons = {one.step: waiting_text(one) for one in waiting_of(stack, run, now).jobs}
    for step in document["steps"]:
        step["blocked"] = reasons.get(step["step"]) or step["blocked"]
    return document
