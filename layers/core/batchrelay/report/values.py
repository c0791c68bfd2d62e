"""Numbers of many children in a few: percentiles, a histogram, averages over slots of time."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from batchrelay.report.facts import Document

SLOTS = 200
"""Slots of time into which a run is divided: a curve of that many points."""

BINS = 24
"""Of a histogram."""

LOG_RATIO = 20
"""If the largest value is so many times the smallest one, the bins of a histogram widen."""

PERCENTILES = (50, 95, 99)


def rounded(value: float) -> float | int:
    """To three digits after the point; without a point if there are none."""
    short = round(value, 3)
    return int(short) if short == int(short) else short


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that is not below so many percent of them (nearest rank)."""
    rank = math.ceil(len(ordered) * percent / 100)
    return ordered[max(0, rank - 1)]


@dataclass
class Values:
    """One number of each of many children."""

    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, value: float | None) -> None:
        """A value that is not known is not counted."""
        if value is not None:
            self.values.append(value)

    @property
    def median(self) -> float | None:
        """None without a value."""
        return percentile(sorted(self.values), 50) if self.values else None

    def spread(self) -> Document | None:
        """Count, smallest, percentiles, largest and sum; None without a value."""
        if not self.values:
            return None
        ordered = sorted(self.values)
        return {
            "count": len(ordered),
            "min": rounded(ordered[0]),
            **{f"p{percent}": rounded(percentile(ordered, percent)) for percent in PERCENTILES},
            "max": rounded(ordered[-1]),
            "sum": rounded(math.fsum(ordered)),
        }

    def histogram(self) -> Document | None:
        """Counts between edges, each bin with its lower edge, the last with both."""
        if len(self.values) < 2 or min(self.values) == max(self.values):
            return None
        low, high = min(self.values), max(self.values)
        edges = _edges(low, high)
        counts = [0] * BINS
        for value in self.values:
            counts[_bin_of(value, edges)] += 1
        return {"edges": [rounded(edge) for edge in edges], "counts": counts}


def _edges(low: float, high: float) -> list[float]:
    if low > 0 and high / low >= LOG_RATIO:
        ratio = high / low
        return [low * ratio ** (number / BINS) for number in range(BINS)] + [high]
    width = (high - low) / BINS
    return [low + width * number for number in range(BINS)] + [high]


def _bin_of(value: float, edges: Sequence[float]) -> int:
    """By halving: the edges are few and the values many."""
    low, high = 0, BINS - 1
    while low < high:
        middle = (low + high + 1) // 2
        if value >= edges[middle]:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass
class Slots:
    """How many children were at something, on average in each slot of a run's time.

    A child costs the same whatever the slots that it covers: what it adds to the slots between its
    first and its last is written as a difference to the slot before.
    """

    slot_ms: float
    _differences: list[float] = field(default_factory=lambda: [0.0] * (SLOTS + 1))
    _edges: list[float] = field(default_factory=lambda: [0.0] * SLOTS)

    def add(self, start_ms: float, stop_ms: float) -> None:
        """A child was at it from here to there."""
        start = min(max(start_ms / self.slot_ms, 0.0), float(SLOTS))
        stop = min(max(stop_ms / self.slot_ms, 0.0), float(SLOTS))
        if stop <= start:
            return
        first, last = int(start), min(int(stop), SLOTS - 1)
        if first == last:
            self._edges[first] += stop - start
            return
        self._edges[first] += first + 1 - start
        self._edges[last] += stop - last
        self._differences[first + 1] += 1
        self._differences[last] -= 1

    def averages(self) -> list[float]:
        """One for each slot, to a hundredth, but never 0 where something was."""
        averages, level = [], 0.0
        for difference, edge in zip(self._differences[:SLOTS], self._edges, strict=True):
            level += difference
            average = level + edge
            averages.append(0.0 if average < 1e-9 else max(0.01, round(average, 2)))
        return averages
