"""What a run would cost, as text and as a document."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.sizing import Size
from batchrelay.domain.values import printable
from batchrelay.prices import Unknown
from batchrelay.prices.estimate import CostRange, Spread

SUMS = (
    "vCPUs and memory of one attempt of each item; not retries, storage, logs, transfer, handlers"
)


@dataclass(frozen=True, kw_only=True)
class StepEstimate:
    """What a step would cost."""

    step: str
    items: int | None
    items_from: str
    """How their number is known, or why it is not."""
    children: int | None
    seconds: Spread | None
    """Of an item."""
    size: Size | None
    cost: CostRange | Unknown
    remark: str = ""
    """What is assumed."""


@dataclass(frozen=True, kw_only=True)
class RunEstimate:
    """What a run of a pipeline would cost."""

    runs: Sequence[str]
    """Ids of those that it was measured in."""
    steps: Sequence[StepEstimate]
    sums: str
    """What is summed, and how it is priced."""

    @property
    def total(self) -> CostRange | None:
        """Of the steps whose cost is known; None if none is."""
        known = [step.cost for step in self.steps if isinstance(step.cost, CostRange)]
        if not known:
            return None
        return CostRange(
            amount=math.fsum(cost.amount for cost in known),
            low=math.fsum(cost.low for cost in known),
            high=math.fsum(cost.high for cost in known),
            currency=known[0].currency,
            source="; ".join(dict.fromkeys(cost.source for cost in known)),
        )

    @property
    def unknown(self) -> list[str]:
        """Steps that the total does not have."""
        return [step.step for step in self.steps if isinstance(step.cost, Unknown)]


def estimate_document(estimate: RunEstimate) -> dict[str, Any]:
    """For programs; what is not known is null."""
    return {
        "isEstimate": True,
        "sums": estimate.sums,
        "runs": list(estimate.runs),
        "total": None if estimate.total is None else _cost(estimate.total),
        "unknown": estimate.unknown,
        "steps": [_step(step) for step in estimate.steps],
    }


def _step(step: StepEstimate) -> dict[str, Any]:
    spread, size = step.seconds, step.size
    return {
        "name": step.step,
        "items": step.items,
        "itemsFrom": step.items_from,
        "children": step.children,
        "secondsPerItem": None
        if spread is None
        else {
            "median": spread.median,
            "low": spread.low,
            "high": spread.high,
            "measured": spread.count,
        },
        "vcpus": None if size is None else size.vcpus,
        "memoryMiB": None if size is None else size.memory_mib,
        "cost": _cost(step.cost),
        "remark": step.remark or None,
    }


def _cost(cost: CostRange | Unknown) -> dict[str, Any]:
    if isinstance(cost, Unknown):
        return {"amount": None, "reason": cost.reason}
    return {
        "amount": cost.amount,
        "low": cost.low,
        "high": cost.high,
        "currency": cost.currency,
        "source": cost.source,
    }


def estimate_lines(estimate: RunEstimate) -> Iterator[str]:
    """For people."""
    if estimate.runs:
        yield f"estimate, by what items took in {', '.join(estimate.runs)}"
    else:
        yield "estimate: no run of this pipeline has ended, so nothing was measured"
    for step in estimate.steps:
        yield f"  {step.step}: {_money(step.cost)}"
        if step.seconds is not None and step.items is not None and step.size is not None:
            spread, size = step.seconds, step.size
            yield (
                f"       {step.items:,} x {spread.median:,.1f} s ({spread.low:,.1f} to "
                f"{spread.high:,.1f}) x {size.vcpus:g} vCPU, {size.memory_mib:,} MiB; "
                f"{step.items_from}"
            )
        if step.remark:
            yield f"       {step.remark}"
    total = estimate.total
    without = f", without {', '.join(estimate.unknown)}" if estimate.unknown else ""
    yield f"  total: {'unknown' if total is None else _money(total) + without}"
    yield f"  summed: {printable(estimate.sums)}"
    if total is not None:
        yield f"  prices: {printable(total.source)}"


def _money(cost: CostRange | Unknown) -> str:
    if isinstance(cost, Unknown):
        return f"unknown: {printable(cost.reason)}"
    amount, low, high = map(_number, (cost.amount, cost.low, cost.high))
    return f"about {amount} {printable(cost.currency)} ({low} to {high})"


def _number(amount: float) -> str:
    """What costs little does not cost 0."""
    return "under 0.0001" if 0 < amount < 0.0001 else f"{amount:,.4f}"
