"""What a probe is: a question that the docs leave open, what they assume, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from batchrelay_cli.doctor.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An answer of AWS."""

    answer: str
    """In the words of the aspect's answers, so that they can be compared."""
    detail: str = ""
    """For people: AWS's own words, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """No answer, and why."""

    why: str
    is_trouble: bool = False
    """Whether the probe failed, rather than that there was nothing to be seen."""


Observation: TypeAlias = Mapping[str, Seen | Unseen]
"""By the names of a probe's aspects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One part of a question."""

    name: str
    assumed: str
    """What the local AWS Batch does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How one numbered question of docs/reference/aws-batch.md is asked."""

    number: str
    question: str
    aspects: tuple[Aspect, ...]
    attempts: int = 0
    """Attempts of jobs of a quarter of a vCPU that it takes at most; the price is counted by it."""
    is_last: bool = False
    """Whether it looks at what the others left."""
    run: Callable[[World], Observation]


class Verdict(StrEnum):
    """What an observation says of an assumption."""

    AS_ASSUMED = "as assumed"
    DIFFERS = "differs"
    NOT_OBSERVABLE = "not observable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One aspect in the table."""

    number: str
    question: str
    aspect: str
    assumed: str
    observed: str
    verdict: Verdict
    is_trouble: bool = False


def judged(probe: Probe, observation: Observation) -> Iterator[Row]:
    """What an observation comes to, aspect by aspect."""
    for aspect in probe.aspects:
        seen = observation.get(aspect.name, Unseen(why="the probe did not come to it"))
        if isinstance(seen, Unseen):
            verdict, observed = Verdict.NOT_OBSERVABLE, seen.why
        else:
            is_assumed = seen.answer == aspect.assumed
            verdict = Verdict.AS_ASSUMED if is_assumed else Verdict.DIFFERS
            observed = f"{seen.answer} ({seen.detail})" if seen.detail else seen.answer
        yield Row(
            number=probe.number,
            question=probe.question,
            aspect=aspect.name,
            assumed=aspect.assumed,
            observed=observed,
            verdict=verdict,
            is_trouble=isinstance(seen, Unseen) and seen.is_trouble,
        )


def all_unseen(probe: Probe, why: str) -> Observation:
    """A probe that failed before it had an answer."""
    return {aspect.name: Unseen(why=why, is_trouble=True) for aspect in probe.aspects}
