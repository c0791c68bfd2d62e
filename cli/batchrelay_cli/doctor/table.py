"""The table of doctor, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from batchrelay.domain.values import printable
from batchrelay_cli.doctor.probe import Row, Verdict
from batchrelay_cli.doctor.registry import WITHOUT_PROBE

HEADINGS = ("", "question", "assumed", "observed", "verdict")
STYLES = {Verdict.AS_ASSUMED: "green", Verdict.DIFFERS: "red", Verdict.NOT_OBSERVABLE: "yellow"}


def table_of(rows: Sequence[Row]) -> Table:
    """A row for each aspect; the question stands above its aspects."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=heading in ("", "verdict"))
    number = ""
    for row in rows:
        if row.number != number:
            number = row.number
            table.add_row(number, Text(printable(row.question)))
        cells = (f"  {row.aspect}", row.assumed, row.observed)
        verdict = Text(row.verdict, style=STYLES[row.verdict])
        table.add_row("", *(Text(printable(cell)) for cell in cells), verdict)
    return table


def summary(rows: Sequence[Row]) -> str:
    """How many of each verdict."""
    counts = Counter(row.verdict for row in rows)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)


def document(rows: Sequence[Row]) -> dict[str, Any]:
    """For programs."""
    return {
        "rows": [
            {
                "number": row.number,
                "question": row.question,
                "aspect": row.aspect,
                "assumed": row.assumed,
                "observed": row.observed,
                "verdict": str(row.verdict),
                "isTrouble": row.is_trouble,
            }
            for row in rows
        ],
        "withoutProbe": dict(WITHOUT_PROBE),
    }


def exit_code(rows: Sequence[Row], *, has_leftovers: bool = False) -> int:
    """1 if a probe failed or something is left, 4 if AWS differs, else 0."""
    if has_leftovers or any(row.is_trouble for row in rows):
        return 1
    return 4 if any(row.verdict is Verdict.DIFFERS for row in rows) else 0
