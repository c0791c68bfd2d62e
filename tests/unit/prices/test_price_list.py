"""prices.json is made of AWS's files, in AWS's form."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from batchrelay.prices import Prices
from benchmarks import price_list

EC2 = {
    "instanceType": "m6g.xlarge",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "vcpu": "4",
    "memory": "16 GiB",
}


def product(dollars: str, family: str = "Compute", **attributes: str) -> dict[str, Any]:
    return {
        "dollars": dollars,
        "productFamily": family,
        "attributes": {"regionCode": "eu-west-1", **attributes},
    }


def offer(*products: dict[str, Any]) -> dict[str, Any]:
    """A file of the Price List Bulk API. Source: "Reading the service price list files"."""
    terms: dict[str, Any] = {}
    for number, entry in enumerate(products):
        sku = f"SKU{number}"
        dimension = {
            "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
            "unit": "hours",
            "beginRange": "0",
            "endRange": "Inf",
            "pricePerUnit": {"USD": entry["dollars"]},
        }
        terms[sku] = {
            f"{sku}.JRTCKXETXF": {
                "sku": sku,
                "effectiveDate": "2026-09-01T00:00:00Z",
                "priceDimensions": {dimension["rateCode"]: dimension},
            }
        }
    return {
        "formatVersion": "v1.0",
        "publicationDate": "2026-09-11T12:44:25Z",
        "products": {f"SKU{n}": {"sku": f"SKU{n}", **p} for n, p in enumerate(products)},
        "terms": {"OnDemand": terms},
    }


FARGATE = offer(
    product("0.0404800000", usagetype="EU-Fargate-vCPU-Hours:perCPU"),
    product("0.0044450000", usagetype="EU-Fargate-GB-Hours"),
    product("0.0323800000", usagetype="EU-Fargate-ARM-vCPU-Hours:perCPU"),
    product("0.0035600000", usagetype="EU-Fargate-ARM-GB-Hours"),
    product("0.0465520000", usagetype="EU-Fargate-Windows-vCPU-Hours:perCPU"),
    product("0.0001110000", usagetype="EU-Fargate-EphemeralStorage-GB-Hours"),
    product("0.0000000000", usagetype="Fargate-GB-Hours", regionCode="us-east-1"),
    product("0.9", usagetype="Fargate-vCPU-Hours:perCPU", regionCode="us-east-1"),
)
SPOT = {
    "manifest": {"serviceId": "fargate"},
    "prices": [
        {"unit": unit, "price": {"USD": usd}, "attributes": {"aws:region": "eu-west-1"}}
        for unit, usd in (("vCPU-Hours", "0.0122"), ("GB-Hours", "0.0013"), ("ARM-GB-Hours", "0.1"))
    ],
}
MACHINES = offer(
    product("0.172", "Compute Instance", **EC2),
    product("0.9", "Compute Instance", **{**EC2, "operatingSystem": "Windows"}),
    product("0.8", "Compute Instance", **{**EC2, "tenancy": "Dedicated"}),
    product("0.7", "Compute Instance", **{**EC2, "preInstalledSw": "SQL Std"}),
    product("0.6", "Compute Instance", **{**EC2, "instanceType": "u-6tb1.metal"}),
    product("0.0", "Compute Instance", **{**EC2, "capacitystatus": "AllocatedCapacityReservation"}),
)


def test_a_file_is_made_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"fargate": FARGATE, "fargate-spot": SPOT, "ec2": MACHINES}
    words = ["price_list", "-o", str(tmp_path / "prices.json")]
    for name, document in files.items():
        (tmp_path / name).write_text(json.dumps(document))
        words += [f"--{name}", str(tmp_path / name)]
    monkeypatch.setattr(sys, "argv", words)
    assert price_list.main() == 0
    made = json.loads((tmp_path / "prices.json").read_text())
    Prices(document=made)
    rates = made["fargate"]["regions"]
    assert rates == {
        "eu-west-1": {
            "arm64": {"gibHour": 0.00356, "vcpuHour": 0.03238},
            "x86_64": {"gibHour": 0.004445, "vcpuHour": 0.04048},
        },
        "us-east-1": {},
    }, "a region with one price of two has none"
    assert made["fargate"]["date"] == "2026-09-11"
    assert made["fargate"]["source"] == str(tmp_path / "fargate")
    assert made["fargateSpot"]["regions"] == {
        "eu-west-1": {"x86_64": {"vcpuHour": 0.0122, "gibHour": 0.0013}}
    }
    assert made["ec2"]["regions"] == {
        "eu-west-1": {"m6g.xlarge": {"hour": 0.172, "vcpus": 4, "mib": 16_384}}
    }
    assert made["services"] == json.loads(price_list.FILE.read_text())["services"]


def test_the_file_that_is_kept_has_the_form_of_one_that_is_made() -> None:
    text = price_list.FILE.read_text()
    assert price_list.render(json.loads(text)) == text
