"""The JSON that is kept of a whole `make bench`, and the comparison of a quick one with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Line, Sample

KEPT = Path(__file__).parent / "results" / "bench.json"

SLOWER_MAX = 1.25
"""A ratio that is so much above the kept one, in its median and its least round, is a regression:
the medians of the same code have differed by 15 percent."""


def dumps(machine: Mapping[str, str], figures: Iterable[Figure], kept: str = "") -> str:
    """As JSON, every round of it; lines that were not measured stay as they were kept."""
    lines: dict[str, Any] = json.loads(kept)["lines"] if kept else {}
    for figure in figures:
        lines[figure.line.key] = {
            "unit": figure.line.unit,
            "values": [round(sample.value, 4) for sample in figure.samples],
            "bases": [None if s.base is None else round(s.base, 4) for s in figure.samples],
        }
    return json.dumps({"machine": dict(machine), "lines": lines}, indent=1) + "\n"


def kept_figures(text: str, lines: Iterable[Line]) -> list[Figure]:
    """Those of these lines that were kept."""
    kept: Mapping[str, Any] = json.loads(text)["lines"]
    return [
        Figure(line=line, samples=_samples(kept[line.key])) for line in lines if line.key in kept
    ]


def _samples(kept: Mapping[str, Any]) -> list[Sample]:
    rounds = zip(kept["values"], kept["bases"], strict=True)
    return [Sample(value=value, base=base) for value, base in rounds]


def regressions(figures: Sequence[Figure], kept: str) -> list[str]:
    """A sentence for each line that became slower than the machine's noise."""
    ratios = {f.line.key: f.ratio for f in kept_figures(kept, (f.line for f in figures))}
    sentences = []
    for figure in figures:
        before, now = ratios.get(figure.line.key), figure.ratio
        if before is None or now is None:
            continue
        limit = SLOWER_MAX * before.median
        if now.median > limit and now.least > before.most:
            sentences.append(
                f"{figure.line.what}: {now.median:.2f} times {figure.line.beside}, and "
                f"{before.median:.2f} when it was kept; the most that is no regression is "
                f"{limit:.2f}"
            )
    return sentences
