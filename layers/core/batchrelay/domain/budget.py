"""The budget of a pipeline's runs: how much one may cost before it waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a job queue costs, in US dollars: a price of the user's own."""

    vcpu_hour: float
    gib_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """As the pipeline file has it."""

    usd: float
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """By the name of a job queue."""
