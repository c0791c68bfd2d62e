"""The cost of three runs by hand, beside the program's. docs/reference/cost.md has the sums too."""

from __future__ import annotations

import json

import pytest

from batchrelay.domain.job_detail import Capacity, JobDetail
from batchrelay.prices import Prices
from batchrelay.report.cost import Pricing, Spent, cost_of_run
from batchrelay.report.facts import Cost

HOUR_S = 3_600
RATES = {
    "fargate": {
        "regions": {"eu-west-1": {"x86_64": {"vcpuHour": 0.04048, "gibHour": 0.004445}}},
    },
    "fargateSpot": {
        "regions": {"us-east-1": {"arm64": {"vcpuHour": 0.01030969, "gibHour": 0.00113349}}},
    },
    "ec2": {
        "regions": {"us-east-1": {"c7g.xlarge": {"hour": 0.145, "vcpus": 4, "mib": 8192}}},
    },
    "queues": {"Cellar": {"vcpuHour": 0.02, "gibHour": 0.002}},
}
PRICES = Prices.parse(json.dumps(RATES))


def job(queue: str, vcpus: float, memory_mib: int, arch: str = "") -> JobDetail:
    """On Fargate if it has an architecture."""
    return JobDetail(
        job_id=queue,
        status="SUCCEEDED",
        queue=queue,
        vcpus=vcpus,
        memory_mib=memory_mib,
        is_fargate=bool(arch),
        arch=arch or "x86_64",
    )


def cost(
    region: str, capacities: dict[str, Capacity], *steps: tuple[str, JobDetail, Spent]
) -> Cost:
    found = cost_of_run(
        Pricing(prices=PRICES, region=region, capacities=capacities),
        {step: detail for step, detail, _ in steps},
        {(step, step): spent for step, _, spent in steps},
    )
    assert found is not None
    return found


def test_ten_thousand_children_on_fargate() -> None:
    """plan: 30 s, billed as 60 s, at 0.25 vCPU and 0.5 GiB:
        60/3600 h x (0.25 x 0.04048 + 0.5 x 0.004445) = 0.016667 x 0.0123425 = 0.000205708
    align: 10,000 children of 90 s at 1 vCPU and 2 GiB:
        250 h x (0.04048 + 2 x 0.004445) = 250 x 0.04937 = 12.3425
    """
    found = cost(
        "eu-west-1",
        {"Fargate": Capacity()},
        ("plan", job("Fargate", 0.25, 512, "x86_64"), Spent(seconds=30, attempts=1)),
        ("align", job("Fargate", 1, 2048, "x86_64"), Spent(seconds=900_000, attempts=10_000)),
    )
    assert found.steps == pytest.approx({"plan": 0.000205708, "align": 12.3425}, rel=1e-5)
    assert found.usd == pytest.approx(12.342705708)
    assert found.wasted_usd == 0


def test_children_that_spot_took_away_once() -> None:
    """100 children on ARM, 1 vCPU and 2 GiB, each stopped after half an hour, then done in one:
    150 h x (0.01030969 + 2 x 0.00113349) = 150 x 0.01257667 = 1.8865005; a third was lost, 0.62883
    """
    spent = Spent(seconds=150 * HOUR_S, wasted_s=50 * HOUR_S, attempts=200)
    found = cost(
        "us-east-1",
        {"Spot": Capacity(is_spot=True)},
        ("fold", job("Spot", 1, 2048, "arm64"), spent),
    )
    assert found.usd == pytest.approx(1.8865005)
    assert found.wasted_usd == pytest.approx(0.6288335)


def test_three_queues_of_which_one_has_no_price() -> None:
    """pack: 10 h of 1 vCPU and 4 GiB on c7g.xlarge (4 vCPUs, 8 GiB, 0.145): half of it by memory:
        10 x 0.145 x 0.5 = 0.725
    sort: 5 h of 2 vCPUs and 8 GiB at one's own rate: 5 x (2 x 0.02 + 8 x 0.002) = 5 x 0.056 = 0.28
    tile: on EC2 Spot, whose price floats: unknown, and not in the sum of 1.005
    """
    found = cost(
        "us-east-1",
        {"Fleet": Capacity(instance_type="c7g.xlarge"), "Bids": Capacity(is_spot=True)},
        ("pack", job("Fleet", 1, 4096), Spent(seconds=10 * HOUR_S, attempts=40)),
        ("sort", job("Cellar", 2, 8192), Spent(seconds=5 * HOUR_S, attempts=1)),
        ("tile", job("Bids", 1, 2048), Spent(seconds=HOUR_S, attempts=1)),
    )
    assert found.steps == pytest.approx({"pack": 0.725, "sort": 0.28})
    assert found.usd == pytest.approx(1.005)
    assert "Left out: tile: no price of EC2 Spot: it floats; give a rate" in found.sums
