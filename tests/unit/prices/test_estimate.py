"""What steps would cost, beside the arithmetic by hand."""

from __future__ import annotations

import pytest

from batchrelay.domain.sizing import Size
from batchrelay.prices import Place, Platform, Prices, Unknown
from batchrelay.prices.estimate import CostRange, Demand, Spread, cost_range

PRICES = Prices(
    document={
        "currency": "USD",
        "fargate": {
            "date": "2026-11-01",
            "source": "a list",
            "regions": {"eu-west-1": {"x86_64": {"vcpuHour": 0.04, "gibHour": 0.004}}},
        },
        "fargateSpot": {
            "date": "2026-11-02",
            "source": "a list of Spot",
            "regions": {"eu-west-1": {"x86_64": {"vcpuHour": 0.01, "gibHour": 0.001}}},
        },
        "queues": {"Cellar": {"vcpuHour": 0.02, "gibHour": 0}},
    }
)
IN_EUROPE = Place(region="eu-west-1")
SIZE = Size(vcpus=2, memory_mib=4096)


def ends(cost: CostRange) -> list[float]:
    return [cost.low, cost.amount, cost.high]


def test_the_range_is_of_the_10th_and_90th_percentile() -> None:
    assert Spread.of(range(100, 0, -1)) == Spread(count=100, low=10, median=50, high=90)
    assert Spread.of([7]) == Spread(count=1, low=7, median=7, high=7)
    assert Spread.of([]) is None


def test_a_few_very_long_items_make_the_range_reach_to_the_mean() -> None:
    assert Spread.of([1] * 99 + [10_001]) == Spread(count=100, low=1, median=1, high=101)


def test_a_step_on_fargate_by_hand() -> None:
    """1,000 items of 90 s, from 60 s to 180 s: 25 h, 16.67 h, 50 h.

    An hour is 2 vCPUs x 0.04 + 4 GiB x 0.004 = 0.096 dollars: 2.40, 1.60, 4.80.
    """
    spread = Spread(count=10, low=60, median=90, high=180)
    demand = Demand(size=SIZE, place=IN_EUROPE)
    cost = cost_range(PRICES, [demand], spread, items=1_000, children=1_000)
    assert isinstance(cost, CostRange)
    assert ends(cost) == pytest.approx([1.60, 2.40, 4.80])
    assert (cost.currency, cost.source) == ("USD", "2026-11-01, a list")


def test_short_children_on_spot_are_billed_a_minute_by_hand() -> None:
    """120 items of 5 s, 2 in a child: 60 children of 10 s, billed for 60 s each, which is 1 h.

    On Spot an hour is 2 x 0.01 + 4 x 0.001 = 0.024 dollars, whatever an item takes up to 30 s.
    """
    spread = Spread(count=10, low=1, median=5, high=30)
    demand = Demand(size=SIZE, place=Place(region="eu-west-1", is_spot=True))
    cost = cost_range(PRICES, [demand], spread, items=120, children=60)
    assert isinstance(cost, CostRange)
    assert ends(cost) == pytest.approx([0.024, 0.024, 0.024])


def test_a_rate_of_ones_own_with_groups_by_hand() -> None:
    """36 items of 100 s are 1 h: 2 vCPUs x 0.02 = 0.04. If all were in the group of 8 vCPUs, 0.16.

    The range goes from 50 s of the smaller size, 0.02, to 200 s of the larger one, 0.32.
    """
    spread = Spread(count=10, low=50, median=100, high=200)
    place = Place(region="", platform=Platform.EC2, queue="Cellar")
    demands = [
        Demand(size=SIZE, place=place),
        Demand(size=Size(vcpus=8, memory_mib=4096), place=place),
    ]
    cost = cost_range(PRICES, demands, spread, items=36, children=36)
    assert isinstance(cost, CostRange)
    assert ends(cost) == pytest.approx([0.02, 0.04, 0.32])
    assert cost.source == "your rate of Cellar"


@pytest.mark.parametrize(
    "place",
    [
        Place(region="moon-1"),
        Place(region=""),
        Place(region="eu-west-1", platform=Platform.EC2, is_spot=True),
    ],
)
def test_without_a_price_the_cost_is_unknown(place: Place) -> None:
    spread = Spread(count=1, low=1, median=1, high=1)
    cost = cost_range(PRICES, [Demand(size=SIZE, place=place)], spread, items=1, children=1)
    assert isinstance(cost, Unknown)
