"""What a job costs, by dated list prices: always an estimate, or unknown, and never 0 for unknown.

prices.json beside this file is made by `python -m benchmarks.price_list` from AWS's public price
lists. It says of each table the date and the source. A region that is not in it has no price.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from typing import Any

from batchrelay.domain.errors import InvalidPrices
from batchrelay.domain.values import merged

HOUR_S = 3_600
MIB_PER_GIB = 1_024
FARGATE_S_MIN = 60
"""Seconds that a task on Fargate is billed for at least. Source: AWS Fargate pricing, Linux."""

NUMBER_MAX = 1_000_000_000
"""Of a price, of vCPUs and of MiB: so that no cost is infinite."""


class Platform(StrEnum):
    """What AWS Batch runs a job on."""

    FARGATE = "FARGATE"
    EC2 = "EC2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a job ran, as far as its price depends on it; empty is not known."""

    region: str
    platform: Platform = Platform.FARGATE
    arch: str = "x86_64"
    """x86_64 or arm64; Linux calls the latter aarch64 too."""
    is_spot: bool = False
    instance_type: str = ""
    """Of EC2."""
    queue: str = ""
    """A rate that the user gives for a job queue comes before AWS's prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A cost, and the table that it comes from."""

    amount: float
    currency: str
    source: str
    """Date and source of the prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """There is no price; the reason says of what."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Tables of prices. Raises: InvalidPrices if they are not of the form of prices.json."""

    document: Mapping[str, Any] = field(repr=False)

    def __post_init__(self) -> None:
        _check(self.document)

    @classmethod
    def parse(cls, text: str | bytes) -> Prices:
        """Prices of the user's own, over the list that comes with batchrelay."""
        try:
            own = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidPrices(f"this is not JSON: {error}") from None
        if not isinstance(own, dict):
            raise InvalidPrices("prices are a JSON object")
        _check(own)
        for name in ("fargate", "fargateSpot", "ec2"):
            if name in own:
                own[name] = {"date": "no date", "source": "your own prices", **own[name]}
        return cls(document=merged(list_prices().document, own))

    @property
    def currency(self) -> str:
        """Of all prices."""
        return str(self.document.get("currency", "USD"))

    def has_rate_of(self, queue: str) -> bool:
        """Whether the user gives a rate for this job queue."""
        return queue in self.document.get("queues", {})

    def cost_of(
        self, *, seconds: float, vcpus: float, memory_mib: float, place: Place, attempts: int = 1
    ) -> Estimate | Unknown:
        """What attempts cost that ran so long together, each with so much.

        Fargate bills a minute of each attempt at least. A job on EC2 costs its share of an instance
        that is full: of vCPUs or memory, whichever part is larger.
        """
        if self.has_rate_of(place.queue):
            rate, source = self.document["queues"][place.queue], f"your rate of {place.queue}"
            return self._by_rate(rate, seconds, vcpus, memory_mib, source)
        if place.platform is Platform.EC2:
            return self._on_ec2(seconds, vcpus, memory_mib, place)
        arch = "arm64" if place.arch in ("arm64", "aarch64") else place.arch
        table = "fargateSpot" if place.is_spot else "fargate"
        rate = self._table(table).get(place.region, {}).get(arch)
        if rate is None:
            kind = "Fargate Spot" if place.is_spot else "Fargate"
            return Unknown(reason=f"no price of {kind}, {arch}, in {place.region or 'no region'}")
        billed = max(seconds, FARGATE_S_MIN * attempts)
        return self._by_rate(rate, billed, vcpus, memory_mib, self.source_of(table))

    def source_of(self, table: str) -> str:
        """Date and source of a table: fargate, fargateSpot, ec2, services."""
        entry = self.document[table]
        return f"{entry['date']}, {entry['source']}"

    @property
    def per_million(self) -> Mapping[str, float]:
        """Of what the handlers of a run call, a million times."""
        return dict(self.document["services"]["perMillion"])

    def _table(self, name: str) -> Mapping[str, Any]:
        table: Mapping[str, Any] = self.document.get(name, {}).get("regions", {})
        return table

    def _on_ec2(
        self, seconds: float, vcpus: float, memory_mib: float, place: Place
    ) -> Estimate | Unknown:
        if place.is_spot or not place.instance_type:
            what = "EC2 Spot: it floats" if place.is_spot else "EC2 without an instance type"
            return Unknown(reason=f"no price of {what}; give a rate for the job queue")
        entry = self._table("ec2").get(place.region, {}).get(place.instance_type)
        if entry is None:
            where = place.region or "no region"
            return Unknown(reason=f"no price of EC2 {place.instance_type} in {where}")
        share = max(vcpus / entry["vcpus"], memory_mib / entry["mib"])
        amount = seconds / HOUR_S * entry["hour"] * share
        return Estimate(amount=amount, currency=self.currency, source=self.source_of("ec2"))

    def _by_rate(
        self, rate: Mapping[str, float], seconds: float, vcpus: float, memory: float, source: str
    ) -> Estimate:
        hour = vcpus * rate["vcpuHour"] + memory / MIB_PER_GIB * rate["gibHour"]
        return Estimate(amount=seconds / HOUR_S * hour, currency=self.currency, source=source)


def list_prices() -> Prices:
    """The list that comes with batchrelay."""
    return Prices(document=json.loads(files(__name__).joinpath("prices.json").read_bytes()))


def as_document(cost: Estimate | Unknown) -> dict[str, Any]:
    """As the API and JSON outputs have it; `amount` is null where it is not known."""
    if isinstance(cost, Unknown):
        return {"amount": None, "reason": cost.reason}
    return {"amount": cost.amount, "currency": cost.currency, "source": cost.source}


# --- the form

_RATE = ("vcpuHour", "gibHour")
_TYPE = ("hour", "vcpus", "mib")


def _check(document: Mapping[str, Any]) -> None:
    for name in document:
        if name not in (
            "schema",
            "currency",
            "fargate",
            "fargateSpot",
            "ec2",
            "queues",
            "services",
        ):
            raise InvalidPrices(f"{name}: prices have fargate, fargateSpot, ec2 and queues")
    for table, names in (("fargate", _RATE), ("fargateSpot", _RATE), ("ec2", _TYPE)):
        regions = _mapping(_mapping(document.get(table, {}), table).get("regions", {}), table)
        for region, entries in regions.items():
            for key, entry in _mapping(entries, f"{table}.{region}").items():
                _check_numbers(entry, names, f"{table}.{region}.{key}")
    for queue, rate in _mapping(document.get("queues", {}), "queues").items():
        _check_numbers(rate, _RATE, f"queues.{queue}")


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidPrices(f"{place} is a JSON object")
    return value


def _check_numbers(entry: Any, names: tuple[str, ...], place: str) -> None:
    for name in names:
        value: Any = _mapping(entry, place).get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= NUMBER_MAX:  # NaN is not
            raise InvalidPrices(f"{place}.{name} is a number from 0 to {NUMBER_MAX:,}")
        if value == 0 and name in ("vcpus", "mib"):
            raise InvalidPrices(f"{place}.{name} is more than 0")
