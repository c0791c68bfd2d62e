"""What `make bench` makes of its rounds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks import __main__ as bench
from benchmarks.figures import Figure, Held, Line, Sample, Spread
from benchmarks.results import dumps, kept_figures, regressions
from benchmarks.table import table

MACHINE = {
    "date": "2026-01-01", "cpu": "a CPU", "cores": "2", "memory": "24 GiB", "python": "3.11",
    "system": "Linux 6", "load": "0.1",
}  # fmt: skip


def figure(ratios: Sequence[float], **options: object) -> Figure:
    line = Line(key="k", what="a thing", unit="s", beside="another", **options)  # type: ignore[arg-type]
    return Figure(line=line, samples=[Sample(value=2 * ratio, base=2) for ratio in ratios])


def test_a_figure_is_held_by_its_median() -> None:
    measured = figure([9, 1, 2], must=2, held=Held.RATIO)
    assert measured.ratio == Spread(median=2, least=1, most=9)
    assert measured.value == Spread(median=4, least=2, most=18)
    assert measured.holds
    assert not figure([9, 1, 2], must=3.9).holds, "by its value: 4"
    assert figure([9]).holds, "nothing is asked of it"


def test_a_figure_that_stands_alone_has_no_ratio() -> None:
    alone = Figure(line=Line(key="m", what="memory", unit="MB", must=1), samples=[Sample(value=2)])
    assert alone.ratio is None
    assert not alone.holds
    assert "| memory | 2 MB |  | ≤ 1 MB |  | **missed** |" in table(MACHINE, [alone])


def test_the_table_shows_the_spread_and_what_is_asked() -> None:
    text = table(MACHINE, [figure([1.5, 1.25, 2.5], must=2, reach=1.5, held=Held.RATIO)])
    assert text.startswith("Measured on 2026-01-01: a CPU, 2 cores, 24 GiB, Python 3.11, Linux 6;")
    row = "| a thing | 3 (2.50 to 5) s | 1.50 (1.25 to 2.50) × another | ≤ 2 × | ≤ 1.50 × | holds |"
    assert row in text


@pytest.mark.parametrize(
    ("now", "is_slower"),
    [
        ([1.0, 1.1, 1.2], False),
        ([1.2, 1.3, 1.24], False),
        ([1.3, 1.4, 1.5], True),
        ([1.0, 1.4, 1.5], False),  # one round was as fast: the machine, not the code
        ([0.1], False),
    ],
)
def test_a_regression_is_above_the_noise(now: list[float], is_slower: bool) -> None:
    kept = dumps(MACHINE, [figure([1.0, 0.9, 1.1])])
    sentences = regressions([figure(now)], kept)
    assert bool(sentences) is is_slower
    if is_slower:
        expected = "a thing: 1.40 times another, and 1.00 when it was kept"
        assert sentences[0].startswith(expected)


def test_a_line_that_was_never_kept_is_no_regression() -> None:
    assert regressions([figure([9])], dumps(MACHINE, [])) == []


def test_lines_that_were_not_measured_stay_as_they_were_kept() -> None:
    other = Figure(line=Line(key="m", what="memory", unit="MB"), samples=[Sample(value=2)])
    first = dumps(MACHINE, [figure([1.0]), other])
    again = dumps(MACHINE, [figure([3.0])], first)
    kept = kept_figures(again, [other.line, figure([1.0]).line])
    assert kept == [other, figure([3.0])]


def test_every_line_has_a_key_of_its_own_and_a_quick_one_a_ratio() -> None:
    lines = [line for measurement in bench.MEASUREMENTS for line in measurement.lines]
    assert len({line.key for line in lines}) == len(lines) > 25
    quick = bench.chosen("", is_quick=True)
    assert all(line.beside for measurement in quick for line in measurement.lines)
    with pytest.raises(SystemExit, match="no line begins with 'x'; there are core-10, "):
        bench.chosen("x", is_quick=False)
