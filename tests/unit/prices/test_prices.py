"""Costs by hand beside the program's; what has no price is unknown, and not free."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchrelay.domain.errors import InvalidPrices
from batchrelay.prices import Estimate, Place, Platform, Prices, Unknown, as_document, list_prices

RATE = {"vcpuHour": 0.04, "gibHour": 0.004}
DOCUMENT: dict[str, Any] = {
    "currency": "USD",
    "fargate": {
        "date": "2026-01-01",
        "source": "a page",
        "regions": {"r1": {"x86_64": RATE, "arm64": {"vcpuHour": 0.03, "gibHour": 0.003}}},
    },
    "fargateSpot": {
        "date": "2026-01-02",
        "source": "a list",
        "regions": {"r1": {"x86_64": {"vcpuHour": 0.01, "gibHour": 0.001}}},
    },
    "ec2": {
        "date": "2026-01-03",
        "source": "a table",
        "regions": {"r1": {"m.large": {"hour": 0.1, "vcpus": 2, "mib": 8_192}}},
    },
    "queues": {"own": {"vcpuHour": 0.5, "gibHour": 0}},
}
PRICES = Prices(document=DOCUMENT)


def amount(prices: Prices = PRICES, attempts: int = 1, **place: Any) -> float:
    """Of 2 hours of 2 vCPUs and 4 GiB."""
    cost = prices.cost_of(
        seconds=7_200, vcpus=2, memory_mib=4_096, place=Place(**place), attempts=attempts
    )
    assert isinstance(cost, Estimate), cost
    return cost.amount


@pytest.mark.parametrize(
    ("place", "dollars"),
    [
        ({"region": "r1"}, 2 * (2 * 0.04 + 4 * 0.004)),
        ({"region": "r1", "arch": "arm64"}, 2 * (2 * 0.03 + 4 * 0.003)),
        ({"region": "r1", "arch": "aarch64"}, 2 * (2 * 0.03 + 4 * 0.003)),
        ({"region": "r1", "is_spot": True}, 2 * (2 * 0.01 + 4 * 0.001)),
        ({"region": "r1", "platform": Platform.EC2, "instance_type": "m.large"}, 2 * 0.1),
        ({"region": "nowhere", "queue": "own"}, 2 * (2 * 0.5)),
    ],
)
def test_a_cost_is_what_it_is_by_hand(place: dict[str, Any], dollars: float) -> None:
    assert amount(**place) == pytest.approx(dollars)


def test_a_job_on_ec2_costs_the_larger_of_its_shares() -> None:
    place = Place(region="r1", platform=Platform.EC2, instance_type="m.large")
    cost = PRICES.cost_of(seconds=3_600, vcpus=1, memory_mib=2_048, place=place)
    assert cost == Estimate(amount=0.05, currency="USD", source="2026-01-03, a table")
    cost = PRICES.cost_of(seconds=3_600, vcpus=1, memory_mib=6_144, place=place)
    assert isinstance(cost, Estimate)
    assert cost.amount == pytest.approx(0.075)


def test_fargate_bills_a_minute_of_each_attempt_at_least() -> None:
    def cost(seconds: float, attempts: int) -> Any:
        place = Place(region="r1")
        return PRICES.cost_of(
            seconds=seconds, vcpus=1, memory_mib=0, place=place, attempts=attempts
        )

    assert cost(5, 1) == cost(60, 1)
    assert cost(100, 3) == cost(180, 3)
    assert cost(300, 3).amount == pytest.approx(300 / 3_600 * 0.04)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ({"region": "r2"}, "no price of Fargate, x86_64, in r2"),
        ({"region": ""}, "no price of Fargate, x86_64, in no region"),
        (
            {"region": "r1", "is_spot": True, "arch": "arm64"},
            "no price of Fargate Spot, arm64, in r1",
        ),
        (
            {"region": "r1", "platform": Platform.EC2},
            "no price of EC2 without an instance type; give a rate for the job queue",
        ),
        (
            {"region": "r1", "platform": Platform.EC2, "instance_type": "z"},
            "no price of EC2 z in r1",
        ),
        (
            {"region": "r1", "platform": Platform.EC2, "instance_type": "m.large", "is_spot": True},
            "no price of EC2 Spot: it floats; give a rate for the job queue",
        ),
    ],
)
def test_without_a_price_a_cost_is_unknown(place: dict[str, Any], reason: str) -> None:
    cost = PRICES.cost_of(seconds=7_200, vcpus=2, memory_mib=4_096, place=Place(**place))
    assert cost == Unknown(reason=reason)
    assert as_document(cost) == {"amount": None, "reason": reason}


def test_the_list_says_where_each_price_comes_from() -> None:
    prices = list_prices()
    assert amount(prices, region="us-east-1") == pytest.approx(2 * (2 * 0.04048 + 4 * 0.004445))
    for table in ("fargate", "fargateSpot", "ec2", "services"):
        assert prices.source_of(table)[:2] == "20", table
    assert prices.per_million["stepfunctions.transitions"] == 25.0


def test_prices_of_ones_own_come_before_those_of_the_list() -> None:
    own = {"fargate": {"regions": {"eu-south-9": {"x86_64": RATE}}}, "queues": {"q": RATE}}
    prices = Prices.parse(json.dumps(own))
    cost = prices.cost_of(seconds=3_600, vcpus=1, memory_mib=0, place=Place(region="eu-south-9"))
    assert cost == Estimate(amount=0.04, currency="USD", source="no date, your own prices")
    assert as_document(cost)["amount"] == 0.04
    assert amount(prices, region="us-east-1") == amount(list_prices(), region="us-east-1")
    assert amount(prices, region="us-east-1", queue="q") == amount(region="r1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is not JSON"),
        ("[" * 100_000, "this is not JSON"),
        ("[]", "prices are a JSON object"),
        ('{"fargat": {}}', "fargat: prices have fargate, fargateSpot, ec2 and queues"),
        ('{"queues": []}', "queues is a JSON object"),
        ('{"queues": {"q": 1}}', "queues.q is a JSON object"),
        ('{"queues": {"q": {"vcpuHour": -1, "gibHour": 0}}}', "queues.q.vcpuHour is a number"),
        ('{"queues": {"q": {"vcpuHour": NaN, "gibHour": 0}}}', "queues.q.vcpuHour is a number"),
        ('{"queues": {"q": {"vcpuHour": true, "gibHour": 0}}}', "queues.q.vcpuHour is a number"),
        ('{"queues": {"q": {"vcpuHour": 1e99, "gibHour": 0}}}', "queues.q.vcpuHour is a number"),
        ('{"queues": {"q": {"vcpuHour": 1}}}', "queues.q.gibHour is a number"),
        ('{"fargate": {"regions": {"r": 1}}}', "fargate.r is a JSON object"),
        (
            '{"ec2": {"regions": {"r": {"t": {"hour": 1, "vcpus": 0, "mib": 1}}}}}',
            "ec2.r.t.vcpus is more than 0",
        ),
    ],
)
def test_prices_of_another_form_are_refused_with_their_place(text: str, message: str) -> None:
    with pytest.raises(InvalidPrices) as refused:
        Prices.parse(text)
    assert message in str(refused.value)
