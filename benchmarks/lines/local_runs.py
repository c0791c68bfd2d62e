"""Whole runs on the local cloud, through the command line's own session."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from benchmarks.figures import Held, Line, Measurement, Sample
from benchmarks.loops import ONE_CLIENT, seconds_of, spawn_loop
from benchmarks.pipelines import chain, fan_out
from benchmarks.workflow import FILE as WORKFLOW
from benchmarks.workflow import played

ROOT = Path(__file__).resolve().parents[2]
CHAIN, FEW = 200, 20
WORKFLOW_WIDTH = 10_000
WORKFLOW_PROCESSES = 2 * WORKFLOW_WIDTH + 12
"""Of JobA to JobE at that width."""


def seconds_of_run(file: Path, params: Mapping[str, str] | None = None) -> float:
    """From the start of a run to its end, as the run has it, on a cloud of its own."""
    cloud = LocalCloud.start(directory=file.resolve().parent)
    try:
        session = LocalRun.prepare(cloud, read(file), Console(quiet=True))
        ended = session.play({**(params or {})}, reconcile=False)
        assert ended["status"] == "SUCCEEDED", ended["status"]
        return _time(ended["endedAt"]) - _time(ended["startedAt"])
    finally:
        cloud.stop()


def _time(text: Any) -> float:
    return datetime.fromisoformat(text).timestamp()


def _chain() -> dict[str, Sample]:
    """What a step more takes, beside what starting a run takes."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (seconds_of_run(chain(Path(folder), steps)) for steps in (FEW, CHAIN))
    each = (many - few) / (CHAIN - FEW)
    one_by_one = spawn_loop(CHAIN, slots=1) / CHAIN
    return {"chain": Sample(value=each * 1000, base=one_by_one * 1000)}


def _fan_out(children: int) -> dict[str, Sample]:
    with tempfile.TemporaryDirectory() as folder:
        seconds = seconds_of_run(fan_out(Path(folder), children))
    return {f"fan-out-{children}": Sample(value=seconds, base=spawn_loop(children))}


def _workflow() -> dict[str, Sample]:
    _, flow = played(read(WORKFLOW), {"width": str(WORKFLOW_WIDTH)})
    calls = sum(flow.calls.values())
    return {
        "job-a-to-e": Sample(value=flow.seconds, base=spawn_loop(WORKFLOW_PROCESSES)),
        "job-a-to-e-invocations": Sample(value=flow.invocations),
        "job-a-to-e-calls": Sample(value=calls),
    }


def _cloud_up() -> dict[str, Sample]:
    began = time.perf_counter()
    cloud = LocalCloud.start(directory=ROOT)
    seconds = time.perf_counter() - began
    cloud.stop()
    return {"cloud-up": Sample(value=seconds, base=seconds_of([sys.executable, "-c", ONE_CLIENT]))}


def _help() -> dict[str, Sample]:
    program = str(Path(sys.executable).parent / "batchrelay")
    seconds = seconds_of([program, "--help"])
    return {
        "help": Sample(value=seconds * 1000, base=1000 * seconds_of([sys.executable, "-c", ""]))
    }


def _fan_out_line(children: int, must: float, reach: float) -> Line:
    return Line(
        key=f"fan-out-{children}",
        what=f"a fan-out of {children:,} no-op children, from the start of the run to its notice",
        unit="s",
        beside=f"a spawn loop of {children:,} `true`, two at a time",
        must=must,
        reach=reach,
        held=Held.RATIO,
    )


MEASUREMENTS = (
    Measurement(
        lines=[
            Line(
                key="chain",
                what=f"a step more of a chain of {CHAIN} no-op steps",
                unit="ms",
                beside="starting `true`, one after the other",
                must=20,
                reach=8,
            )
        ],
        measure=_chain,
        is_quick=True,
    ),
    Measurement(
        lines=[_fan_out_line(1_000, 2.0, 1.5)], measure=partial(_fan_out, 1_000), is_quick=True
    ),
    Measurement(lines=[_fan_out_line(10_000, 1.4, 1.2)], measure=partial(_fan_out, 10_000)),
    Measurement(
        lines=[
            Line(
                key="job-a-to-e",
                what=f"JobA to JobE of the AWS guide, {WORKFLOW_WIDTH:,} wide",
                unit="s",
                beside=f"a spawn loop of {WORKFLOW_PROCESSES:,} `true`",
                must=1.8,
                reach=1.4,
                held=Held.RATIO,
            ),
            Line(
                key="job-a-to-e-invocations",
                what="its Lambda invocations (6 when it is 20 wide)",
                unit="",
                must=9,
            ),
            Line(
                key="job-a-to-e-calls",
                what="the AWS calls of its functions (26 when it is 20 wide)",
                unit="",
                must=35,
            ),
        ],
        measure=_workflow,
    ),
    Measurement(
        lines=[
            Line(
                key="cloud-up",
                what="a local cloud from nothing to deployed",
                unit="s",
                beside="a Python that imports boto3 and makes one client",
                must=1.0,
                reach=0.5,
            )
        ],
        measure=_cloud_up,
        rounds=5,
        is_quick=True,
    ),
    Measurement(
        lines=[
            Line(
                key="help",
                what="`batchrelay --help`",
                unit="ms",
                beside="a Python that does nothing",
                must=150,
                reach=80,
            )
        ],
        measure=_help,
        rounds=9,
        is_quick=True,
    ),
)
