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
from batchrelay_cli.pipeline_file.merged_containers import MergedContainer

BY_PREFIX = (
    "to measure items, write `batchrelay-worker run --` before the program in the job's command, "
    "and install batchrelay-worker in its image"
)


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """One resource class of a step, and what it should be."""

    step: str
    group: int
    container: MergedContainer | None
    """The one that was measured; None if that is unclear."""
    now: Size
    """Its own; of the whole job, if it is unclear which one was measured."""
    is_fargate: bool
    times: Times
    chunk: int | None
    """Items of a child, as it is; None if it has no number."""
    other_requirements: Mapping[str, str]
    """What else its overrides require: a list of them is replaced as a whole."""
    container_mib: float | None
    advice: Advice | None
    no_advice: str | None
    """Why no container is advised."""
    split: Split | None
    item_cost: Estimate | Unknown
    run_cost: Estimate | Unknown
    advised_cost: Estimate | Unknown
    """Of the run, if each item took as long as it did."""

    @property
    def container_name(self) -> str:
        """Empty of a job with one, of containerProperties."""
        return "" if self.container is None else self.container.name

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
        "container": tuning.container_name or None,
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
        "noAdvice": tuning.no_advice,
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
    if entry.no_advice is not None:
        return [*lines, f"no advice on memory and vCPUs: {entry.no_advice}"]
    if entry.advice is None:
        return [*lines, f"memory and CPU were not measured: {BY_PREFIX}"]
    lines += _size_sentences(entry, entry.advice)
    if entry.split is not None:
        lines += _split_sentences(entry.split, entry.container)
    return lines


def _size_sentences(entry: Tuning, advice: Advice) -> list[str]:
    cpu = "" if advice.cpu_ratio is None else f"; items kept {advice.cpu_ratio:.2f} vCPUs busy"
    name = entry.container_name
    pair = " (with its other containers a pair of Fargate)" if name else " (a pair of Fargate)"
    where = pair if entry.is_fargate else ""
    of = f"container {name}: " if name else ""
    lines = [
        (
            f"recommended: {of}{_size(advice.size)}{where}: 99 % of "
            f"{counted(advice.items, 'items')} took up to "
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


def _split_sentences(split: Split, container: MergedContainer | None) -> list[str]:
    group = f"{{when: item.size > {split.above_mib}MiB, {_overrides(split.large.size, container)}}}"
    return [
        f"item.size explains the memory: two groups save {split.saving:.0%} of memory × seconds:",
        f"    step: {_size(split.others.size)}",
        f"    flow: {{groups: [{group}]}}",
    ]


def _overrides(size: Size, container: MergedContainer | None) -> str:
    """What a group writes, in the form that its job definition takes."""
    if container is not None and container.is_of_pod:
        amounts = f'{{cpu: "{size.vcpus:g}", memory: {size.memory_mib}Mi}}'
        own = f"name: {container.name}, resources: {{limits: {amounts}, requests: {amounts}}}"
        return f"eksPropertiesOverride: {{podProperties: {{containers: [{{{own}}}]}}}}"
    entries = (("VCPU", f"{size.vcpus:g}"), ("MEMORY", str(size.memory_mib)))
    listed = ", ".join(f'{{type: {kind}, value: "{value}"}}' for kind, value in entries)
    own = f"resourceRequirements: [{listed}]"
    if container is None or not container.name:
        return f"containerOverrides: {{{own}}}"
    own = f"name: {container.name}, {own}"
    return f"ecsPropertiesOverride: {{taskProperties: [{{containers: [{{{own}}}]}}]}}"


def _size(size: Size) -> str:
    return f"VCPU {size.vcpus:g}, MEMORY {size.memory_mib}"


def _money(cost: Estimate | Unknown, times: int = 1) -> str:
    if isinstance(cost, Unknown):
        return "unknown"
    return f"{cost.amount * times:.4f} {printable(cost.currency)}"
