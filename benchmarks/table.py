"""The table of `make bench` in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.figures import Figure, Held, Spread

HEADINGS = ("what", "median (least to most)", "beside it, in the same round", "must", "reach", "")


def table(machine: Mapping[str, str], figures: Sequence[Figure]) -> str:
    """The machine in a sentence, and a row for each figure."""
    sentence = (
        f"Measured on {machine['date']}: {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory']}, Python {machine['python']}, {machine['system']}; the load before it "
        f"was {machine['load']}."
    )
    rows = [
        sentence,
        "",
        f"| {' | '.join(HEADINGS)} |",
        "| --- | --- | --- | --- | --- | --- |",
        *(f"| {' | '.join(_cells(figure))} |" for figure in figures),
    ]
    return "\n".join(rows) + "\n"


def _cells(figure: Figure) -> Iterator[str]:
    line = figure.line
    yield line.what
    yield f"{_spread(figure.value)} {line.unit}".strip()
    ratio = figure.ratio
    yield "" if ratio is None else f"{_spread(ratio)} × {line.beside}"
    sign = "×" if line.held is Held.RATIO else line.unit
    for limit in (line.must, line.reach):
        yield "" if limit is None else f"≤ {_number(limit)} {sign}".strip()
    yield "" if line.must is None else "holds" if figure.holds else "**missed**"


def _spread(spread: Spread) -> str:
    if spread.least == spread.most:
        return _number(spread.median)
    return f"{_number(spread.median)} ({_number(spread.least)} to {_number(spread.most)})"


def _number(value: float) -> str:
    """Three digits are more than these machines repeat."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
