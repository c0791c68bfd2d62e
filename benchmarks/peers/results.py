"""What was measured, its statistics, and the JSON that is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median

from benchmarks.peers.work import Kind, Work


class Outcome(StrEnum):
    """How a run ended."""

    VERIFIED = "verified"
    LIMIT = "limit"
    """The time limit ended it."""
    NOT_STARTED = "not started"
    """A smaller size shows that the limit would end it."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One run of one runner."""

    runner: str
    work: Work
    round: int
    outcome: Outcome
    seconds: float
    """Of the whole command; at the limit, the limit; not started, what it would take at least."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that a table is made of."""

    machine: Mapping[str, str]
    versions: Mapping[str, str]
    forms: Mapping[str, str]
    absent: Mapping[str, str]
    """Peers that could not be installed, and why."""
    limit_s: float
    measurements: tuple[Measurement, ...]

    def runners(self) -> list[str]:
        """In the order in which they are listed."""
        return [*self.forms]

    def works(self, kind: Kind) -> list[Work]:
        """The sizes of a kind that were measured, the smallest first."""
        works = {m.work for m in self.measurements if m.work.kind is kind}
        return sorted(works, key=lambda work: work.size)

    def of(self, runner: str, work: Work) -> list[Measurement]:
        """Its runs of this work, in their order."""
        return [m for m in self.measurements if (m.runner, m.work) == (runner, work)]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The verified rounds of one runner at one work."""

    median_s: float
    least_s: float
    most_s: float
    rounds: int
    ratio: float | None
    """To the spawn loop: the median of the ratios within a round."""


def summary(results: Results, runner: str, work: Work, baseline: str) -> Summary | None:
    """None without a verified round, or if one of its rounds failed."""
    runs = results.of(runner, work)
    if not runs or any(m.outcome is not Outcome.VERIFIED for m in runs):
        return None
    seconds = [m.seconds for m in runs]
    base = {
        m.round: m.seconds
        for m in results.of(baseline, work)
        if m.outcome is Outcome.VERIFIED and m.seconds > 0
    }
    ratios = [m.seconds / base[m.round] for m in runs if m.round in base]
    return Summary(
        median_s=median(seconds),
        least_s=min(seconds),
        most_s=max(seconds),
        rounds=len(runs),
        ratio=median(ratios) if ratios else None,
    )


def dumps(results: Results) -> str:
    """As JSON, for people too."""
    document = asdict(results)
    document["measurements"] = [_flat(m) for m in results.measurements]
    return json.dumps(document, indent=1) + "\n"


def _flat(measurement: Measurement) -> dict[str, object]:
    work = measurement.work
    return {
        "runner": measurement.runner,
        "work": work.kind,
        "size": work.size,
        "round": measurement.round,
        "outcome": measurement.outcome,
        "seconds": round(measurement.seconds, 3),
        "reason": measurement.reason,
    }


def load(path: Path) -> Results:
    """What `dumps` wrote."""
    document = json.loads(path.read_text())
    return Results(
        machine=document["machine"],
        versions=document["versions"],
        forms=document["forms"],
        absent=document["absent"],
        limit_s=document["limit_s"],
        measurements=tuple(_measurements(document["measurements"])),
    )


def _measurements(entries: Iterable[Mapping[str, object]]) -> Iterable[Measurement]:
    for entry in entries:
        yield Measurement(
            runner=str(entry["runner"]),
            work=Work(kind=Kind(str(entry["work"])), size=int(str(entry["size"]))),
            round=int(str(entry["round"])),
            outcome=Outcome(str(entry["outcome"])),
            seconds=float(str(entry["seconds"])),
            reason=str(entry["reason"]),
        )
