"""nodeProperties: the nodes of a multi-node parallel job, and what a request changes of them.

What AWS answers, or documents, is quoted; behind it stands what to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batch_local.errors import ClientException
from batch_local.model import Kind

NODES_MAX = 1_000
"""Nodes of a job. Source: Batch User Guide, mnp-node-groups."""

RANGES_MAX = 5
"""Groups of nodes of a job. Source: Batch User Guide, mnp-node-groups."""

MAIN_NODE = "The index of the main node must be fewer than the number of nodes"
ALL_NODES = "Your accumulative node ranges must account for all nodes"
"""Source: NodeProperties, mainNode; NodeRangeProperty, targetNodes."""

TARGETS = "NodeOverride targets should match job definition. Non matching targets - "
"""Source: aws-parallelcluster#964."""

OPEN_RANGE = (
    "There must be at least one node range in your job definition that has an open upper boundary, "
    "such as : or n:"
)
LOWER_BOUNDARY = (
    "The lower boundary of the node range that's specified in the job definition must be fewer "
    "than the number of nodes specified in the override"
)
"""Source: NodeOverrides, numNodes."""

_FIELDS: Mapping[str, Kind] = {
    "container": Kind.CONTAINER,
    "ecsProperties": Kind.TASK,
    "eksProperties": Kind.POD,
}
"""What a range of nodes may have, and of which kind that is."""

_TARGET = re.compile(r"([0-9]{0,4})(:?)([0-9]{0,4})")

_Range = Mapping[str, Any]


def check_nodes(properties: Mapping[str, Any]) -> None:
    """Numbers and ranges; not the containers of a range. Raises: ClientException."""
    number, main = properties["numNodes"], properties["mainNode"]
    ranges: Sequence[_Range] = properties["nodeRangeProperties"]
    if not 1 <= number <= NODES_MAX:
        raise ClientException(f"numNodes must be between 1 and {NODES_MAX}, got {number}")
    if not 0 <= main < number:
        raise ClientException(f"{MAIN_NODE}: write one of 0 to {number - 1}, not {main}")
    if not 1 <= len(ranges) <= RANGES_MAX:
        raise ClientException(
            f"A job has up to five distinct node groups: write 1 to {RANGES_MAX} "
            f"nodeRangeProperties, not {len(ranges)}"
        )
    for entry in ranges:
        range_kind(entry)
    _check_covered(ranges, number)


def range_kind(entry: _Range) -> tuple[Kind, str]:
    """What a range of nodes has, and the field that says it. Raises: ClientException."""
    fields = [field for field in _FIELDS if field in entry]
    if len(fields) != 1:
        raise ClientException(
            f"The range {entry['targetNodes']} of nodes must have one of {', '.join(_FIELDS)}"
        )
    return _FIELDS[fields[0]], fields[0]


def number_of_nodes(properties: Mapping[str, Any], overrides: Mapping[str, Any]) -> int:
    """How many nodes a job has. Raises: ClientException."""
    number = overrides.get("numNodes")
    if number is None:
        return int(properties["numNodes"])
    if not 1 <= number <= NODES_MAX:
        raise ClientException(f"numNodes must be between 1 and {NODES_MAX}, got {number}")
    ranges = properties["nodeRangeProperties"]
    if all(_bounds(entry)[1] is not None for entry in ranges):
        raise ClientException(f"{OPEN_RANGE}: leave numNodes out")
    lowest = max(_bounds(entry)[0] for entry in ranges)
    if lowest >= number:
        raise ClientException(f"{LOWER_BOUNDARY}: write numNodes above {lowest}")
    if properties["mainNode"] >= number:
        raise ClientException(f"{MAIN_NODE}: write numNodes above {properties['mainNode']}")
    _check_covered(ranges, number)
    return int(number)


def ranges_with_overrides(
    properties: Mapping[str, Any], overrides: Mapping[str, Any], number: int
) -> Iterator[tuple[_Range, Mapping[str, Any], list[int]]]:
    """Each range, what a request changes of it, and its nodes. Raises: ClientException."""
    ranges: Sequence[_Range] = properties["nodeRangeProperties"]
    entries: Sequence[_Range] = overrides.get("nodePropertyOverrides", ())
    targets = [str(entry["targetNodes"]) for entry in entries]
    unknown = [name for name in targets if name not in {one["targetNodes"] for one in ranges}]
    if unknown:
        raise ClientException(f"{TARGETS}{', '.join(unknown)}")
    for name in targets:
        if targets.count(name) > 1:
            raise ClientException(f"The range {name} of nodes is overridden twice: write it once")
    by_target = dict(zip(targets, entries, strict=True))
    chosen = [range_of(ranges, node) for node in range(number)]
    for entry in ranges:
        nodes = [node for node, one in enumerate(chosen) if one is entry]
        yield entry, by_target.get(entry["targetNodes"], {}), nodes


def range_of(ranges: Sequence[_Range], node: int) -> _Range | None:
    """The narrowest range that has a node. Source: NodeRangeProperty ("you can nest")."""
    having = [entry for entry in ranges if _has(entry, node)]
    return min(having, key=_width, default=None)


def _has(entry: _Range, node: int) -> bool:
    lower, upper = _bounds(entry)
    return lower <= node and (upper is None or node <= upper)


def _width(entry: _Range) -> int:
    lower, upper = _bounds(entry)
    return (NODES_MAX if upper is None else upper) - lower


def _bounds(entry: _Range) -> tuple[int, int | None]:
    """The first and the last node of a range; None of one that is open. Raises: ClientException."""
    text = str(entry["targetNodes"])
    match = _TARGET.fullmatch(text)
    if match is None or not text:
        raise ClientException(f"targetNodes {text[:200]!r} is no range: write n, n:m, n: or :m")
    first, colon, last = match.groups()
    lower = int(first or 0)
    upper = lower if not colon else int(last) if last else None
    if upper is not None and upper < lower:
        raise ClientException(f"targetNodes {text!r} is no range: its end is before its beginning")
    return lower, upper


def _check_covered(ranges: Sequence[_Range], number: int) -> None:
    alone = next((node for node in range(number) if range_of(ranges, node) is None), None)
    if alone is not None:
        raise ClientException(
            f"{ALL_NODES} (0:{number - 1}): write targetNodes that have node {alone}"
        )
