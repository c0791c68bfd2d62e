"""What a run cost, of its report, beside its status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay.domain.values import printable
from batchrelay.report.text import usd
from batchrelay_cli.views.run_table import RunDocument


def with_cost(run: RunDocument, report: Mapping[str, Any]) -> dict[str, Any]:
    """The API's document, with `cost` of the run and `costUsd` of each step as a report has them;
    null where it is unknown."""
    of_steps = {step["step"]: step["costUsd"] for step in report["steps"]}
    steps = [{**step, "costUsd": of_steps[step["step"]]} for step in run["steps"]]
    return {**run, "cost": report["cost"], "steps": steps}


def cost_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """For people: the whole, each step, what is summed, and the prices."""
    cost = report["cost"]
    if cost is None:
        yield "cost: unknown: there is no price of its jobs, or AWS Batch has forgotten them"
        return
    wasted = "" if not cost["wastedUsd"] else f", of it {usd(cost['wastedUsd'])} without a result"
    yield f"cost: an estimate of {usd(cost['usd'])}{wasted}"
    for step in report["steps"]:
        if step["jobs"]:
            yield f"  {step['step']}: {usd(step['costUsd'])}"
    yield f"  summed: {printable(cost['sums'])}"
    yield f"  prices: {printable(cost['source'])}, {printable(cost['date'])}"
