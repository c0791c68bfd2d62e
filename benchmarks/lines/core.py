"""CPU of what an event costs: the core, the function around it, and its import."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial

from batchrelay.codec import decode_run, stored_run
from batchrelay.domain.transitions import advance
from benchmarks.figures import Held, Line, Measurement, Sample
from benchmarks.hot_handler import cpu_of_an_event
from benchmarks.loops import ONE_CLIENT, cpu_of_python
from benchmarks.midway import Midway

SIZES = {10: 0.1, 100: 0.5, 500: 2.5}
"""Steps of a run, and the milliseconds that one event of it may take."""

REPEATS = 60
IMPORTS = 5


def _core(steps: int) -> dict[str, Sample]:
    """Read, advance, write; beside json alone on the same document."""
    midway = Midway.of(steps)

    def event() -> None:
        run = decode_run(json.loads(midway.text), midway.run.pipeline, 1)
        stored_run(advance(run, midway.event))

    def only_json() -> None:
        json.dumps(json.loads(midway.text), separators=(",", ":"), ensure_ascii=False)

    return {f"core-{steps}": Sample(value=_cpu_ms(event), base=_cpu_ms(only_json))}


def _cpu_ms(action: Callable[[], None]) -> float:
    """The lower quartile of many: what the machine's other guests add is never negative."""
    action()
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        action()
        taken.append(time.process_time() - began)
    return sorted(taken)[REPEATS // 4] * 1000


def _handler() -> dict[str, Sample]:
    handled, bare = cpu_of_an_event()
    return {"handler": Sample(value=handled * 1000, base=bare * 1000)}


_HANDLER = "import functions.on_job_event.app"


def _import() -> dict[str, Sample]:
    pairs = [(cpu_of_python(_HANDLER), cpu_of_python(ONE_CLIENT)) for _ in range(IMPORTS)]
    handler, client = (min(seconds) for seconds in zip(*pairs, strict=True))
    return {"import": Sample(value=handler * 1000, base=client * 1000)}


MEASUREMENTS = (
    *(
        Measurement(
            lines=[
                Line(
                    key=f"core-{steps}",
                    what=f"CPU to read, advance and write a run of {steps} steps for one event",
                    unit="ms",
                    beside="json's loads and dumps of the same document",
                    must=must,
                    reach=must / 5,
                )
            ],
            measure=partial(_core, steps),
            rounds=5,
            is_quick=True,
        )
        for steps, must in SIZES.items()
    ),
    Measurement(
        lines=[
            Line(
                key="handler",
                what="CPU of OnJobEvent for one event of a run of 10 steps, warm, AWS in memory",
                unit="ms",
                beside="the same four calls of boto3 alone",
                must=1.5,
                reach=1.2,
                held=Held.RATIO,
            )
        ],
        measure=_handler,
        rounds=5,
        is_quick=True,
    ),
    Measurement(
        lines=[
            Line(
                key="import",
                what="CPU of the import of OnJobEvent",
                unit="ms",
                beside="import boto3 and make one client",
                must=1.35,
                reach=1.15,
                held=Held.RATIO,
            )
        ],
        measure=_import,
        is_quick=True,
    ),
)
