"""What a step would cost, by what its items took before: items × median seconds × price.

The range is that of the 10th and the 90th percentile of the seconds. A few very long items make the
mean longer than the 90th percentile: then the mean is its end, because a sum goes by the mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batchrelay.domain.sizing import Size
from batchrelay.prices import Place, Prices, Unknown

LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds of items that were measured."""

    count: int
    low: float
    median: float
    high: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Spread | None:
        """By nearest rank; None if nothing was measured."""
        ordered = sorted(seconds)
        if not ordered:
            return None
        mean = math.fsum(ordered) / len(ordered)
        low, median, high = (
            ordered[math.ceil(share * len(ordered)) - 1] for share in (LOW, 0.5, HIGH)
        )
        return cls(count=len(ordered), low=min(low, mean), median=median, high=max(high, mean))


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a child asks for, and where."""

    size: Size
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRange:
    """An estimate with a range, and the table that it comes from."""

    amount: float
    low: float
    high: float
    currency: str
    source: str


def cost_range(
    prices: Prices, demands: Sequence[Demand], spread: Spread, *, items: int, children: int
) -> CostRange | Unknown:
    """Of items that are spread over children.

    Args:
        demands: the step's own first, then those of its groups, which widen the range: it is not
            known how many items each will have.
    """
    amounts: list[tuple[float, float, float]] = []
    source = ""
    for demand in demands:
        ends: list[float] = []
        for seconds in (spread.low, spread.median, spread.high):
            cost = prices.cost_of(
                seconds=seconds * items,
                vcpus=demand.size.vcpus,
                memory_mib=demand.size.memory_mib,
                place=demand.place,
                attempts=children,
            )
            if isinstance(cost, Unknown):
                return cost
            ends.append(cost.amount)
            source = source or cost.source
        amounts.append((ends[0], ends[1], ends[2]))
    return CostRange(
        amount=amounts[0][1],
        low=min(low for low, _, _ in amounts),
        high=max(high for _, _, high in amounts),
        currency=prices.currency,
        source=source,
    )
