"""The local AWS Batch alone: arrays of no-ops, their memory, their pages."""

from __future__ import annotations

from functools import partial

from benchmarks.batch import Wide, wide_array
from benchmarks.figures import Held, Line, Measurement, Sample
from benchmarks.loops import SLOTS, spawn_loop

WIDE, MANY = 10_000, 100_000


def _array(children: int, *, with_events: bool) -> dict[str, Sample]:
    wide = wide_array(children, SLOTS, with_events=with_events)
    key = f"array-{children}" + ("-events" if with_events else "")
    return {
        key: Sample(value=wide.seconds, base=spawn_loop(children)),
        **({} if with_events else _of_array(children, wide)),
    }


def _of_array(children: int, wide: Wide) -> dict[str, Sample]:
    samples = {f"memory-{children}": Sample(value=wide.peak_mb)}
    if children == WIDE:
        samples["page"] = Sample(value=wide.last_page_ms, base=wide.first_page_ms)
    return samples


def _memory_line(children: int) -> Line:
    return Line(
        key=f"memory-{children}",
        what=f"peak memory of the local cloud during {children:,} children",
        unit="MB",
        must=120,
        reach=80,
    )


MEASUREMENTS = (
    Measurement(
        lines=[
            Line(
                key=f"array-{WIDE}",
                what=f"an array of {WIDE:,} no-ops on the local AWS Batch alone",
                unit="s",
                beside="the spawn loop",
                must=2,
                held=Held.RATIO,
            ),
            _memory_line(WIDE),
            Line(
                key="page",
                what=f"the last page of 100 of ListJobs over {WIDE:,} children",
                unit="ms",
                beside="the first page",
                must=2,
                held=Held.RATIO,
            ),
        ],
        measure=partial(_array, WIDE, with_events=False),
    ),
    Measurement(
        lines=[
            Line(
                key=f"array-{WIDE}-events",
                what="the same, when a rule wants the end of every child",
                unit="s",
                beside="the spawn loop",
            )
        ],
        measure=partial(_array, WIDE, with_events=True),
    ),
    Measurement(
        lines=[
            Line(
                key=f"array-{MANY}",
                what=f"ten arrays, {MANY:,} no-ops in all",
                unit="s",
                beside="the spawn loop",
                must=2,
                held=Held.RATIO,
            ),
            _memory_line(MANY),
        ],
        measure=partial(_array, MANY, with_events=False),
        rounds=1,
    ),
)
