"""What `tune` says of a resource class of a step: as a document, and as a table with sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from batchrelay.domain.sizing import Advice, Size, Split
from batchrelay.domain.values import counted, printable
from batchrelay.preparation.chunk_size import CHILD_S_MAX, CHILD_S_MIN, Times
from batchrelay.prices import HOUR_S, Estimate, Unknown, as_document

BY_PREFIX = (
    "to measure items, write `batchrelay-worker run --` before the program in the job's command, "
    "and install batchrelay-worker in its image"
)


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """One resource class of a step, and what it should be."""

    step: str
    group: int
    now: Size
    is_fargate: bool
    times: Times
    chunk: int | None
    """Items of a child, as it is; None if it has no number."""
    other_requirements: Mapping[str, str]
    """What else its overrides require: a list of them is replaced as a whole."""
    container_mib: float | None
    advice: Advice | None
    split: Split | None
    item_cost: Estimate | Unknown
    run_cost: Estimate | Unknown
    advised_cost: Estimate | Unknown
    """Of the run, if each item took as long as it did."""

    @property
    def is_chunk_fitting(self) -> bool:
        """Whether the chunk keeps a child at work for as long as it should be."""
        return self.chunk is None or self.times.chunk <= self.chunk <= self.times.chunk_max


def tuning_document(tuning: Tuning) -> dict[str, Any]:
    """For programs."""
    times, item_cost = tuning.times, as_document(tuning.item_cost)
    return {
        "step": tuning.step,
        "group": tuning.group,
        "vcpus": tuning.now.vcpus,
        "memoryMiB": tuning.now.memory_mib,
        "items": times.count,
        "meanSeconds": round(times.mean, 3),
        "medianSeconds": round(times.median, 3),
        "longestSeconds": round(times.longest, 3),
        "chunk": times.chunk,
        "chunkMax": times.chunk_max,
        "costPerItem": item_cost["amount"],
        "cost": as_document(tuning.run_cost),
        "advice": None if tuning.advice is None else _advice_document(tuning.advice),
        "advisedCost": as_document(tuning.advised_cost),
        "containerPeakMiB": tuning.container_mib,
        "split": None if tuning.split is None else _split_document(tuning.split),
    }


def _advice_document(advice: Advice) -> dict[str, Any]:
    return {
        "vcpus": advice.size.vcpus,
        "memoryMiB": advice.size.memory_mib,
        "peakMiB": round(advice.peak_mib, 1),
        "cpuRatio": None if advice.cpu_ratio is None else round(advice.cpu_ratio, 3),
        "killedShare": advice.killed,
        "items": advice.items,
    }


def _split_document(split: Split) -> dict[str, Any]:
    return {
        "when": f"item.size > {split.above_mib}MiB",
        "large": _advice_document(split.large),
        "others": _advice_document(split.others),
        "savingShare": round(split.saving, 3),
    }


def print_tunings(screen: Console, tunings: Sequence[Tuning]) -> None:
    """A table, and sentences for each class."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("step", "group", "vCPU", "MiB", "items", "mean", "median", "longest", "chunk")
    for heading in (*headings, "per 1,000"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for entry in tunings:
        times = entry.times
        table.add_row(
            printable(entry.step),
            str(entry.group),
            f"{entry.now.vcpus:g}",
            f"{entry.now.memory_mib:,}",
            f"{times.count:,}",
            *(f"{seconds:.2f} s" for seconds in (times.mean, times.median, times.longest)),
            f"{times.chunk:,}-{times.chunk_max:,}",
            _money(entry.item_cost, 1_000),
        )
    screen.print(table)
    for entry in tunings:
        screen.print()
        screen.print(f"{printable(entry.step)}, group {entry.group}:")
        for line in _sentences(entry):
            screen.print(f"  {printable(line)}")
    sources = {entry.run_cost.source for entry in tunings if isinstance(entry.run_cost, Estimate)}
    for source in sorted(sources):
        screen.print(printable(f"costs are estimates; prices of {source}"))


def _sentences(entry: Tuning) -> list[str]:
    """What to write, and why."""
    now = "" if entry.chunk is None else f"now {entry.chunk:,} a child; "
    lines = []
    if entry.chunk is not None:
        lines.append(
            f"{now}recommended: flow.chunk: {entry.times.chunk:,} (a child works "
            f"{CHILD_S_MIN // 60} minutes to {CHILD_S_MAX // HOUR_S} hours)"
        )
    if entry.advice is None:
        return [*lines, f"memory and CPU were not measured: {BY_PREFIX}"]
    lines += _size_sentences(entry, entry.advice)
    if entry.split is not None:
        lines += _split_sentences(entry.split)
    return lines


def _size_sentences(entry: Tuning, advice: Advice) -> list[str]:
    cpu = "" if advice.cpu_ratio is None else f"; items kept {advice.cpu_ratio:.2f} vCPUs busy"
    where = " (a pair of Fargate)" if entry.is_fargate else ""
    lines = [
        (
            f"recommended: {_size(advice.size)}{where}: 99 % of {counted(advice.items, 'items')} "
            "took up to "
            f"{advice.peak_mib:,.0f} MiB{cpu}"
        ),
        f"{advice.killed:.1%} of the items would have been killed with that memory",
    ]
    if advice.is_too_small:
        lines.append("Fargate has no more: use EC2, or smaller items")
    if entry.container_mib is not None and entry.container_mib > advice.size.memory_mib:
        lines.append(
            f"a container had up to {entry.container_mib:,.0f} MiB, page cache included: if the "
            "program starts several processes at once, their sum is between the two"
        )
    before, after = entry.run_cost, entry.advised_cost
    if isinstance(before, Unknown):
        lines.append(f"cost unknown: {before.reason}")
    elif isinstance(after, Estimate):
        saving = before.amount - after.amount
        lines.append(
            f"the step's jobs cost about {_money(before)}, and {_money(after)} so: "
            f"{'saves' if saving >= 0 else 'costs'} {abs(saving):.4f} {before.currency} a run"
        )
    return lines


def _split_sentences(split: Split) -> list[str]:
    large, others = split.large.size, split.others.size
    return [
        f"item.size explains the memory: two groups save {split.saving:.0%} of memory × seconds:",
        f"    step: {_size(others)}",
        (
            f"    flow: {{groups: [{{when: item.size > {split.above_mib}MiB, containerOverrides: "
            f'{{resourceRequirements: [{{type: VCPU, value: "{large.vcpus:g}"}}, '
            f'{{type: MEMORY, value: "{large.memory_mib}"}}]}}}}]}}'
        ),
    ]


def _size(size: Size) -> str:
    return f"VCPU {size.vcpus:g}, MEMORY {size.memory_mib}"


def _money(cost: Estimate | Unknown, times: int = 1) -> str:
    if isinstance(cost, Unknown):
        return "unknown"
    return f"{cost.amount * times:.4f} {printable(cost.currency)}"
