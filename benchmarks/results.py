"""The JSON that is kept of a whole `make bench`, and the comparison of a quick one with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Sample, Spread

KEPT = Path(__file__).parent / "results" / "bench.json"

SLOWER_MAX = 1.25
"""A ratio that is so much above the kept one, in its median and its least round, is a regression:
the medians of the same code have differed by 15 percent."""


def dumps(machine: Mapping[str, str], figures: Iterable[Figure]) -> str:
    """As JSON, every round of it."""
    lines = {
        figure.line.key: {
            "unit": figure.line.unit,
            "values": [round(sample.value, 4) for sample in figure.samples],
            "bases": [None if s.base is None else round(s.base, 4) for s in figure.samples],
        }
        for figure in figures
    }
    return json.dumps({"machine": dict(machine), "lines": lines}, indent=1) + "\n"


def kept_ratios(text: str) -> dict[str, Spread]:
    """The ratios of the lines that have one, by their keys."""
    lines: Mapping[str, Any] = json.loads(text)["lines"]
    ratios = {
        key: [
            ratio
            for value, base in zip(line["values"], line["bases"], strict=True)
            if (ratio := Sample(value=value, base=base).ratio) is not None
        ]
        for key, line in lines.items()
    }
    return {key: Spread.of(values) for key, values in ratios.items() if values}


def regressions(figures: Sequence[Figure], kept: Mapping[str, Spread]) -> list[str]:
    """A sentence for each line that became slower than the machine's noise."""
    sentences = []
    for figure in figures:
        before, now = kept.get(figure.line.key), figure.ratio
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
