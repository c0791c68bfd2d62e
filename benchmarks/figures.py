"""What a line of `make bench` is, and what was measured of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median


class Held(StrEnum):
    """What of a line is compared with what it must be."""

    VALUE = "value"
    RATIO = "ratio"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One figure."""

    key: str
    """Its name in the JSON that is kept; never changed."""
    what: str
    unit: str
    beside: str = ""
    """What it is divided by in the same round; empty if it stands alone."""
    must: float | None = None
    """The most that is right; None for a figure that is only shown."""
    reach: float | None = None
    """What we would like."""
    held: Held = Held.VALUE


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One round of a line."""

    value: float
    base: float | None = None

    @property
    def ratio(self) -> float | None:
        """To what stands beside it."""
        return None if not self.base else self.value / self.base


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Lines that are measured together."""

    lines: Sequence[Line]
    measure: Callable[[], Mapping[str, Sample]]
    """A sample of each line, by its key."""
    rounds: int = 3
    is_quick: bool = False
    """Whether it is part of the comparison with the last results that were kept."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Of several rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one."""
        return cls(median=median(values), least=min(values), most=max(values))


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A line with its rounds."""

    line: Line
    samples: Sequence[Sample]

    @property
    def value(self) -> Spread:
        """In the line's unit."""
        return Spread.of([sample.value for sample in self.samples])

    @property
    def ratio(self) -> Spread | None:
        """Round by round: a machine that is slow for a while is slow for both."""
        ratios = [sample.ratio for sample in self.samples if sample.ratio is not None]
        return Spread.of(ratios) if ratios else None

    @property
    def held(self) -> Spread:
        """What is compared with what it must be, and with the last results."""
        return self.ratio or self.value if self.line.held is Held.RATIO else self.value

    @property
    def holds(self) -> bool:
        """By its median: one round may have met something else on the machine."""
        return self.line.must is None or self.held.median <= self.line.must
