"""Lists of a million items, and what a worker costs before its first item."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figures import Held, Line, Measurement, Sample
from benchmarks.items import ITEMS, fake_s3, measure
from benchmarks.lines.local_runs import seconds_of_run
from benchmarks.loops import spawn_loop
from benchmarks.worker import bytes_read, chunked_pipeline, cpu_of_measuring, cpu_to_first_item

CHILDREN, MANY, CHUNK = 10_000, 100_000, 100


def _manifests() -> dict[str, Sample]:
    with fake_s3() as endpoint:
        modes = ("bare-listing", "listing", "bare-loads", "jsonl")
        bare, listed, loads, read = (measure(mode, endpoint) for mode in modes)
    return {
        "listing": Sample(value=listed.seconds, base=bare.seconds),
        "listing-memory": Sample(value=listed.rss_mb, base=bare.rss_mb),
        "jsonl": Sample(value=read.seconds, base=loads.seconds),
        "jsonl-memory": Sample(value=read.rss_mb, base=loads.rss_mb),
    }


def _worker() -> dict[str, Sample]:
    read, whole = bytes_read(CHILDREN)
    worker, boto3 = cpu_to_first_item()
    measured, unmeasured = cpu_of_measuring()
    return {
        "worker-read": Sample(value=read / 1e6, base=whole / 1e6),
        "worker-start": Sample(value=worker * 1000, base=boto3 * 1000),
        "worker-measures": Sample(value=measured * 1000, base=unmeasured * 1000),
    }


def _chunked() -> dict[str, Sample]:
    with tempfile.TemporaryDirectory() as folder:
        file, listed = chunked_pipeline(MANY, CHUNK, Path(folder))
        seconds = seconds_of_run(file, {"items": str(listed)})
    return {"chunked": Sample(value=seconds, base=spawn_loop(MANY))}


MEASUREMENTS = (
    Measurement(
        lines=[
            Line(
                key="worker-read",
                what=f"what {CHILDREN:,} children read of their manifest, together",
                unit="MB",
                beside="the whole list each",
                must=2,
            ),
            Line(
                key="worker-start",
                what="CPU of a worker's start until its first item has run",
                unit="ms",
                beside="boto3's first read",
                must=0.2,
                held=Held.RATIO,
            ),
            Line(
                key="worker-measures",
                what="CPU of an item whose program starts Python and ends, measured",
                unit="ms",
                beside="not measured",
                must=1.02,
                held=Held.RATIO,
            ),
        ],
        measure=_worker,
    ),
    Measurement(
        lines=[
            Line(
                key="chunked",
                what=f"{MANY:,} items in chunks of {CHUNK}, a process each",
                unit="s",
                beside="the spawn loop",
            )
        ],
        measure=_chunked,
        rounds=1,
    ),
    Measurement(
        lines=[
            Line(
                key="listing",
                what=f"the manifest of a listing of {ITEMS:,} objects",
                unit="s",
                beside="boto3 lists them",
                must=1.3,
                held=Held.RATIO,
            ),
            Line(
                key="listing-memory",
                what="memory of it",
                unit="MB",
                beside="boto3 lists them",
                must=120,
            ),
            Line(
                key="jsonl",
                what=f"the manifest of {ITEMS:,} lines of JSONL",
                unit="s",
                beside="json reads and writes them",
                must=1.3,
                held=Held.RATIO,
            ),
            Line(
                key="jsonl-memory",
                what="memory of it",
                unit="MB",
                beside="json reads and writes them",
                must=120,
            ),
        ],
        measure=_manifests,
        rounds=1,
    ),
)
