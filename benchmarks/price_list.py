"""Makes prices.json of AWS's public price lists, which are read from files or URLs.

    LISTS=https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws
    python -m benchmarks.price_list \\
      --fargate $LISTS/AmazonECS/current/index.json \\
      --fargate-spot https://dftu77xade0tc.cloudfront.net/fargate-spot-prices.json \\
      --ec2 $LISTS/AmazonEC2/current/us-east-1/index.json

The first two have all regions. EC2's has hundreds of megabytes for a region: give it once for each.
A table that no source is given for stays as it is. Sources: AWS Billing User Guide, "Getting price
list files using the AWS Price List Bulk API", "Reading the service price list files".
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

FILE = Path(__file__).resolve().parent.parent / "layers/core/batchrelay/prices/prices.json"
TIMEOUT_S = 300

_FARGATE = re.compile(r"(?:[A-Z0-9]+-)?Fargate-(ARM-)?(vCPU-Hours:perCPU|GB-Hours)(?::perGB)?")
"""Usage types of Linux tasks: not -Windows-, not -EphemeralStorage-, not SpotUsage."""
_SPOT_UNIT = re.compile(r"(ARM-)?(vCPU-Hours|GB-Hours)")
_TYPES = re.compile(r"(?:[mcr][5-8][ag]?[id]?|t3|t4g|g[4-6]dn?|p[3-5]d?)\.(?:\d*x?large|medium)")
"""Instance types that AWS Batch mostly takes."""


def read_json(source: str) -> Any:
    """Of a file or a URL."""
    if source.startswith("https://"):
        with urlopen(source, timeout=TIMEOUT_S) as answer:  # noqa: S310  # https alone
            return json.load(answer)
    return json.loads(Path(source).read_bytes())


def fargate_table(offer: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Of the offer AmazonECS, Linux on demand."""
    regions: dict[str, dict[str, dict[str, float]]] = {}
    for attributes, price in _on_demand(offer, "Compute"):
        match = _FARGATE.fullmatch(attributes.get("usagetype", ""))
        if match:
            arch = "arm64" if match.group(1) else "x86_64"
            name = "vcpuHour" if match.group(2).startswith("vCPU") else "gibHour"
            regions.setdefault(attributes["regionCode"], {}).setdefault(arch, {})[name] = price
    date = str(offer["publicationDate"])[:10]
    return {"date": date, "source": source, "regions": _whole(regions)}


def spot_table(document: Mapping[str, Any], source: str, date: str) -> dict[str, Any]:
    """Of the file that AWS's page of Fargate prices reads. It has no date of its own."""
    regions: dict[str, dict[str, dict[str, float]]] = {}
    for entry in document["prices"]:
        match = _SPOT_UNIT.fullmatch(entry["unit"])
        if match:
            arch = "arm64" if match.group(1) else "x86_64"
            name = "vcpuHour" if match.group(2).startswith("vCPU") else "gibHour"
            region = regions.setdefault(entry["attributes"]["aws:region"], {})
            region.setdefault(arch, {})[name] = float(entry["price"]["USD"])
    return {"date": date, "source": source, "regions": _whole(regions)}


def ec2_table(offer: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Of the offer AmazonEC2: Linux, on demand, shared hosts, without other software."""
    regions: dict[str, dict[str, dict[str, float]]] = {}
    wanted = {
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    for attributes, price in _on_demand(offer, "Compute Instance"):
        kind = attributes.get("instanceType", "")
        if not _TYPES.fullmatch(kind) or wanted.items() - attributes.items():
            continue
        gib = float(attributes["memory"].removesuffix(" GiB").replace(",", ""))
        regions.setdefault(attributes["regionCode"], {})[kind] = {
            "hour": price,
            "vcpus": int(attributes["vcpu"]),
            "mib": int(gib * 1_024),
        }
    date = str(offer["publicationDate"])[:10]
    return {"date": date, "source": source, "regions": _in_order(regions)}


def _on_demand(offer: Mapping[str, Any], family: str) -> Iterator[tuple[Mapping[str, str], float]]:
    """Attributes and dollars of each product that has one price above 0 for any amount."""
    terms = offer["terms"]["OnDemand"]
    for sku, product in offer["products"].items():
        if product.get("productFamily") != family:
            continue
        for term in terms.get(sku, {}).values():
            for dimension in term["priceDimensions"].values():
                price = float(dimension["pricePerUnit"].get("USD", 0))
                if price > 0 and dimension.get("beginRange", "0") == "0":
                    yield product["attributes"], price


def _whole(regions: Mapping[str, Mapping[str, dict[str, float]]]) -> dict[str, Any]:
    """Without those of which one of the two prices is missing."""
    return _in_order(
        {
            region: {arch: rate for arch, rate in archs.items() if len(rate) == 2}
            for region, archs in regions.items()
        }
    )


def _in_order(regions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {region: dict(sorted(regions[region].items())) for region in sorted(regions)}


def render(document: Mapping[str, Any]) -> str:
    """Indented, with a line for each price."""
    text = json.dumps(document, indent=2)
    return re.sub(r"\{\s*(\"[^{}]*)\}", lambda match: _line(match.group(1)), text) + "\n"


def _line(members: str) -> str:
    line = "{" + " ".join(members.split()) + "}"
    return line if len(line) < 90 else "{" + members + "}"


def main() -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="price_list", description=__doc__.split("\n")[0])
    parser.add_argument("--fargate", metavar="FILE|URL")
    parser.add_argument("--fargate-spot", metavar="FILE|URL")
    parser.add_argument("--ec2", metavar="FILE|URL", action="append", default=[])
    parser.add_argument("-o", "--output", type=Path, default=FILE)
    options = parser.parse_args()
    document = json.loads(FILE.read_text())
    today = datetime.now(UTC).date().isoformat()
    if options.fargate:
        table = fargate_table(read_json(options.fargate), options.fargate)
        document["fargate"] = table
    if options.fargate_spot:
        table = spot_table(read_json(options.fargate_spot), options.fargate_spot, today)
        document["fargateSpot"] = table
    tables = [ec2_table(read_json(source), source) for source in options.ec2]
    if tables:
        document["ec2"] = {
            "date": min(table["date"] for table in tables),
            "source": ", ".join(table["source"] for table in tables),
            "regions": {region: kinds for t in tables for region, kinds in t["regions"].items()},
        }
    options.output.write_text(render(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
