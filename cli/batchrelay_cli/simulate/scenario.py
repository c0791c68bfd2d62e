"""What a user assumes of a run: the options of `batchrelay simulate`, read and checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from batchrelay.domain.pipeline import ListFile, Listing, Pipeline, Step
from batchrelay_cli.client.estimate import ANY_STEP
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.simulate.distributions import FORMS, Distribution

_V = TypeVar("_V")

HOUR_S = 3_600

VCPUS_MAX = 1_000_000
"""More than an account is given, so a mistake."""

_SCOPED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)=(.*)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is assumed; by step or queue, `ANY_STEP` for all that are not named."""

    durations: Mapping[str, Distribution]
    """Of one item; of a step without items, of one child."""
    items: Mapping[str, int]
    vcpus: Mapping[str, float]
    """By job queue."""
    fail: Mapping[str, float]
    """The chance that an attempt of a child ends with exit code 1."""
    spot: float
    """The chance that an attempt is reclaimed within an hour."""
    starts: Mapping[str, Distribution]
    """From a child's place on a machine to its program, by platform: EC2, FARGATE."""
    event_delay: Distribution
    """From what happened in AWS Batch to the handler; from a request to its preparation too."""
    seed: int

    @property
    def reclaims_per_s(self) -> float:
        """The rate at which an attempt is reclaimed."""
        return -math.log1p(-self.spot) / HOUR_S

    def duration_of(self, step: str) -> Distribution:
        """Of one item of a step, which has one."""
        return self.durations.get(step) or self.durations[ANY_STEP]

    def fails_of(self, step: str) -> float:
        """The chance that an attempt of a child of a step fails."""
        return self.fail.get(step, self.fail.get(ANY_STEP, 0.0))


def is_listed(step: Step) -> bool:
    """Whether its items are in a file or a listing, which there is not before a run."""
    return isinstance(step.for_each, ListFile | Listing)


def by_name(
    option: str, texts: Sequence[str], parse: Callable[[str], _V], names: Collection[str], what: str
) -> dict[str, _V]:
    """`VALUE`, which is for all, and `NAME=VALUE`. Raises: UsageProblem.

    Args:
        what: what a name is one of.
    """
    values: dict[str, _V] = {}
    for text in texts:
        match = _SCOPED.fullmatch(text)
        name, value = (ANY_STEP, text) if match is None else (match[1], match[2])
        if name and name not in names:
            raise UsageProblem(f"{option} {text}: there is no {what} {name}: {_listed(names)}")
        if name in values:
            raise UsageProblem(f"{option} {text}: it is given twice")
        try:
            values[name] = parse(value)
        except ValueError as error:
            raise UsageProblem(f"{option} {text}: {error}") from None
    return values


def _listed(names: Collection[str]) -> str:
    return f"known are {', '.join(sorted(names))}"


def parse_vcpus(text: str) -> float:
    """For `by_name`: how many vCPUs. Raises: ValueError with a sentence."""
    value = float(text) if _NUMBER.fullmatch(text) else 0.0
    if not 0 < value <= VCPUS_MAX:
        raise ValueError(f"write a number of vCPUs, above 0, at most {VCPUS_MAX:,}")
    return value


def parse_chance(text: str) -> float:
    """For `by_name`: a probability. Raises: ValueError with a sentence."""
    value = float(text) if _NUMBER.fullmatch(text) else 1.0
    if not 0 <= value < 1:
        raise ValueError("write a chance from 0 to below 1, such as 0.05")
    return value


def check_scenario(pipeline: Pipeline, scenario: Scenario) -> None:
    """All is assumed that the file does not say. Raises: UsageProblem, with every gap."""
    steps = {step.name: step for step in pipeline.steps}
    for name in scenario.items.keys() - {ANY_STEP}:
        if name not in steps or not is_listed(steps[name]):
            raise UsageProblem(f"--items {name}=N: there is no step {name} whose items a run lists")
    for name in scenario.fail.keys() - {ANY_STEP}:
        if steps[name].workers is not None:
            raise UsageProblem(
                f"--fail {name}=P: its workers pull items from a queue, and go on when one fails: "
                "this is not played; leave it out"
            )
    problems = [
        f"step {name} has no duration: write --duration {name}=60s, --duration 60s for every "
        f"step, or a distribution, such as --duration '{name}={FORMS[-1]}'"
        for name in steps
        if not {name, ANY_STEP} & scenario.durations.keys()
    ]
    problems += [
        f"only a run knows how many items step {name} has: write --items {name}=1000"
        for name, step in steps.items()
        if is_listed(step) and not {name, ANY_STEP} & scenario.items.keys()
    ]
    if problems:
        raise UsageProblem("; ".join(problems))
