"""What a simulated run came to: as a document, and as a table with a timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from batchrelay.domain.values import printable
from batchrelay.prices import Estimate, Unknown, as_document
from batchrelay.report.text import count, duration, share

BINS = 40
"""Characters of a timeline."""

NAME_CHARS = 24
"""Of a step's name beside its timeline."""

_LEVELS = " ▁▂▃▄▅▆▇█"
_ENDED_WELL = ("SUCCEEDED", "SKIPPED")

WAIT_WORDS: Mapping[str, str] = {
    "vCPUs": "vCPUs",
    "maxRunning": "maxRunning",
    "work": "the longest children",
    "start": "starts of jobs",
    "orchestration": "events and preparations",
}
"""What holds a run up, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class SimulatedStep:
    """One step of it."""

    name: str
    status: str
    reason: str
    items: int | None
    children: int
    attempts: int
    failed: int
    """Children that failed, and did not run again."""
    from_ms: int | None
    """Since the run's start, when its first job was submitted; None if there was none."""
    to_ms: int | None
    vcpu_hours: float
    longest_ms: int
    """Of an attempt."""
    cost: Estimate | Unknown
    waits: Mapping[str, int]
    """Milliseconds by what it waited for."""
    busy: Sequence[float]
    """vCPUs that were at work, by equal parts of the run."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """All of it."""

    pipeline: str
    seed: int
    status: str
    makespan_ms: int
    steps: Sequence[SimulatedStep]
    vcpus: Mapping[str, float]
    """There are, by job queue; an empty name for all that are not named."""
    attempts: int
    failed: int
    reclaimed: int
    cost: Estimate | Unknown
    sums: str
    """What is summed, and what is left out."""
    orchestration: Estimate
    waits: Mapping[str, int]
    assumptions: Sequence[str]

    @property
    def vcpu_hours(self) -> float:
        """Of all steps."""
        return sum(step.vcpu_hours for step in self.steps)


def simulation_document(simulation: Simulation) -> dict[str, Any]:
    """For programs; what is not known is null."""
    return {
        "isEstimate": True,
        "pipeline": simulation.pipeline,
        "seed": simulation.seed,
        "status": simulation.status,
        "makespanSeconds": simulation.makespan_ms / 1_000,
        "vcpuHours": simulation.vcpu_hours,
        "attempts": simulation.attempts,
        "failedAttempts": simulation.failed,
        "reclaimedAttempts": simulation.reclaimed,
        "cost": as_document(simulation.cost),
        "sums": simulation.sums,
        "orchestrationCost": as_document(simulation.orchestration),
        "waitSeconds": _seconds(simulation.waits),
        "assumptions": list(simulation.assumptions),
        "steps": [_step(step) for step in simulation.steps],
    }


def _step(step: SimulatedStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "status": step.status,
        "reason": step.reason or None,
        "items": step.items,
        "children": step.children,
        "attempts": step.attempts,
        "failed": step.failed,
        "fromSeconds": None if step.from_ms is None else step.from_ms / 1_000,
        "toSeconds": None if step.to_ms is None else step.to_ms / 1_000,
        "vcpuHours": step.vcpu_hours,
        "longestSeconds": step.longest_ms / 1_000,
        "cost": as_document(step.cost),
        "waitSeconds": _seconds(step.waits),
    }


def _seconds(waits: Mapping[str, int]) -> dict[str, float]:
    return {str(name): milliseconds / 1_000 for name, milliseconds in waits.items()}


def print_simulation(simulation: Simulation, console: Console) -> None:
    """For people."""
    took = duration(simulation.makespan_ms)
    console.print(
        f"{simulation.pipeline}: {simulation.status} after {took} (simulated, seed "
        f"{simulation.seed})"
    )
    console.print(_table(simulation))
    console.print()
    console.print(_timelines(simulation, took))
    for line in _lines(simulation):
        console.print(line, soft_wrap=True)


def _table(simulation: Simulation) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("step", overflow="fold")
    for heading in ("children", "from", "to", "vCPU h", "cost"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("waits most for")
    for step in simulation.steps:
        table.add_row(
            printable(step.name),
            count(step.children),
            duration(step.from_ms),
            duration(step.to_ms),
            f"{step.vcpu_hours:,.2f}",
            _cell(step.cost),
            _limit(step),
        )
    return table


def _timelines(simulation: Simulation, took: str) -> Table:
    """How many vCPUs each step keeps at work, from left to right."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="ellipsis", no_wrap=True, max_width=NAME_CHARS)
    table.add_column(no_wrap=True)
    highest = max((level for step in simulation.steps for level in step.busy), default=0)
    for step in simulation.steps:
        table.add_row(printable(step.name), f"|{timeline(step.busy, highest)}|")
    table.add_row("", f"0{took:>{BINS + 1}}")
    return table


def timeline(busy: Sequence[float], highest: float) -> str:
    """A character for each part of a run: the higher, the more vCPUs are at work."""
    top = len(_LEVELS) - 1
    return "".join(
        _LEVELS[0 if level <= 0 else max(1, min(top, round(level / highest * top)))]
        for level in busy
    )


def _limit(step: SimulatedStep) -> str:
    if not step.waits:
        return "–"
    most = max(step.waits, key=lambda wait: step.waits[wait])
    if most != "work":
        return WAIT_WORDS[most]
    child = "its longest child" if step.children > 1 else "its job"
    return f"{child}, {duration(step.longest_ms)}"


def _lines(simulation: Simulation) -> Iterator[str]:
    whole = sum(simulation.waits.values())
    by_wait = sorted(simulation.waits.items(), key=lambda entry: -entry[1])
    parts = [f"{WAIT_WORDS[name]} {share(part, whole)}" for name, part in by_wait if part]
    yield f"limited by: {', '.join(parts) or 'nothing: it took no time'}"
    there = sum(simulation.vcpus.values())
    used = share(simulation.vcpu_hours * 3_600_000, there * simulation.makespan_ms)
    hours = f"{simulation.vcpu_hours:,.2f} vCPU hours"
    yield f"vCPUs: {there:g}, {used} of their time at work ({hours})"
    yield (
        f"attempts: {simulation.attempts:,}, of them {simulation.failed:,} failed and "
        f"{simulation.reclaimed:,} reclaimed"
    )
    yield f"cost, an estimate: {_money(simulation.cost)}"
    yield f"  {printable(simulation.sums)}"
    if isinstance(simulation.cost, Estimate):
        yield f"  prices: {printable(simulation.cost.source)}"
    yield f"orchestration: {_money(simulation.orchestration)}: Lambda, DynamoDB, SQS, S3, SNS"
    for step in simulation.steps:
        if step.status not in _ENDED_WELL:
            failed = f", {step.failed:,} of its children failed" if step.failed else ""
            yield f"{printable(step.name)}: {step.status}{failed}: {printable(step.reason)}"
    if simulation.reclaimed and simulation.status not in _ENDED_WELL:
        yield "to try reclaimed attempts again, write a retryStrategy: {attempts: 3}"
    yield f"assumed: {'; '.join(map(printable, simulation.assumptions))}"


def _cell(cost: Estimate | Unknown) -> str:
    return "unknown" if isinstance(cost, Unknown) else _amount(cost.amount)


def _money(cost: Estimate | Unknown) -> str:
    if isinstance(cost, Unknown):
        return f"unknown: {printable(cost.reason)}"
    return f"{_amount(cost.amount)} {printable(cost.currency)}"


def _amount(amount: float) -> str:
    """What costs little does not cost 0."""
    return "< 0.0001" if 0 < amount < 0.0001 else f"{amount:,.4f}"
