"""`make bench`: ratios in one run, the median and the spread of several rounds.

python -m benchmarks                every line, half an hour; a table in Markdown
python -m benchmarks --only chain   lines whose key begins so
python -m benchmarks --keep         keep the rounds in benchmarks/results/bench.json, and write
                                    the table into docs/reference/benchmarks.md
python -m benchmarks --quick        two minutes; 1 if a ratio is a quarter above the kept one
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.figures import Figure, Measurement
from benchmarks.lines import (
    array_of_batch,
    bound,
    core,
    dollars,
    ends_at_once,
    lists,
    local_runs,
    word_count,
)
from benchmarks.results import KEPT, dumps, kept_figures, regressions
from benchmarks.table import table

PAGE = Path(__file__).resolve().parent.parent / "docs/reference/benchmarks.md"
SUBJECTS = (core, local_runs, word_count, array_of_batch, bound, ends_at_once, dollars, lists)
MEASUREMENTS = [measurement for subject in SUBJECTS for measurement in subject.MEASUREMENTS]


def measured(measurements: Sequence[Measurement]) -> Iterator[Figure]:
    """Round by round; says what it does, since some lines take minutes."""
    for measurement in measurements:
        keys = ", ".join(line.key for line in measurement.lines)
        rounds = []
        for number in range(1, measurement.rounds + 1):
            print(f"{keys}: round {number} of {measurement.rounds}", file=sys.stderr, flush=True)
            rounds.append(measurement.measure())
        for line in measurement.lines:
            yield Figure(line=line, samples=[samples[line.key] for samples in rounds])


def chosen(only: str, *, is_quick: bool) -> list[Measurement]:
    """Those that were asked for. Raises: SystemExit with the keys if there are none."""
    wanted = [
        measurement
        for measurement in MEASUREMENTS
        if (measurement.is_quick or not is_quick)
        and any(line.key.startswith(only) for line in measurement.lines)
    ]
    if not wanted:
        keys = ", ".join(line.key for measurement in MEASUREMENTS for line in measurement.lines)
        raise SystemExit(f"no line begins with {only!r}; there are {keys}")
    return wanted


def keep(where: dict[str, str], figures: Sequence[Figure]) -> None:
    """The rounds as JSON, and the table of all that is kept between the marks of the page."""
    KEPT.parent.mkdir(exist_ok=True)
    text = dumps(where, figures, KEPT.read_text() if KEPT.exists() else "")
    KEPT.write_text(text)
    lines = (line for measurement in MEASUREMENTS for line in measurement.lines)
    begins, ends = "<!-- table of make bench -->\n", "<!-- end of the table -->\n"
    page = re.sub(
        f"{begins}.*?{ends}",
        lambda _: f"{begins}\n{table(where, kept_figures(text, lines))}\n{ends}",
        PAGE.read_text(),
        flags=re.DOTALL,
    )
    PAGE.write_text(page)


def main() -> int:
    """1 if a line does not hold, or with --quick, if one became slower."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--only", default="", metavar="KEY", help="lines whose key begins so")
    parser.add_argument("--quick", action="store_true", help="compare with the kept results")
    parser.add_argument("--keep", action="store_true", help="keep the results and write the page")
    arguments = parser.parse_args()
    measurements = chosen(arguments.only, is_quick=arguments.quick)
    where = machine.describe()
    figures = list(measured(measurements))
    print(table(where, figures), end="")
    if arguments.keep:
        keep(where, figures)
    if arguments.quick:
        slower = regressions(figures, KEPT.read_text())
        print("\n".join(slower) or "no ratio is a quarter above the kept one")
        return int(bool(slower))
    return int(not all(figure.holds for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
