"""The word count of 500 texts, beside `xargs` with the same program on the same S3."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from benchmarks.batch import client
from benchmarks.figures import Held, Line, Measurement, Sample
from benchmarks.loops import SLOTS

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/word-count"
TEXTS = 500

_BY_XARGS = """
set -e
python word_count.py plan --source "$1" --destination "$2" --plan "$2plan.json"
seq 0 "$3" | xargs -P "$4" -I {} python word_count.py migrate --plan "$2plan.json" --index {}
python word_count.py merge --source "$2"
"""


def _word_count() -> dict[str, Sample]:
    """Both on one cloud, one after the other; the run from its start to its notice."""
    cloud = LocalCloud.start(directory=EXAMPLE)
    try:
        session = LocalRun.prepare(cloud, read(EXAMPLE / "pipeline.yaml"), Console(quiet=True))
        bucket = cloud.outputs["BucketName"]
        source = f"s3://{bucket}/texts/"
        _upload(client(cloud, "s3"), bucket)
        began = time.perf_counter()
        ended = session.play({"source": source}, reconcile=False)
        seconds = time.perf_counter() - began
        assert ended["status"] == "SUCCEEDED", ended["status"]
        return {"word-count": Sample(value=seconds, base=_by_xargs(cloud, source, bucket))}
    finally:
        cloud.stop()


def _upload(s3: Any, bucket: str) -> None:
    texts = sorted((EXAMPLE / "texts").iterdir())
    bodies = [text.read_bytes() for text in texts]
    for number in range(TEXTS):
        s3.put_object(
            Bucket=bucket, Key=f"texts/{number:03}.txt", Body=bodies[number % len(bodies)]
        )


def _by_xargs(cloud: LocalCloud, source: str, bucket: str) -> float:
    programs = Path(sys.executable).parent
    environment = {**os.environ, **cloud.environment, "PATH": f"{programs}:{os.environ['PATH']}"}
    arguments = [source, f"s3://{bucket}/by-xargs/", str(TEXTS - 1), str(SLOTS)]
    with tempfile.TemporaryFile() as nowhere:
        began = time.perf_counter()
        subprocess.run(
            ["bash", "-c", _BY_XARGS, "bash", *arguments],
            cwd=EXAMPLE,
            env=environment,
            stdout=nowhere,
            check=True,
        )
    return time.perf_counter() - began


MEASUREMENTS = (
    Measurement(
        lines=[
            Line(
                key="word-count",
                what=f"the word count of {TEXTS} texts, a process each",
                unit="s",
                beside="`xargs -P2` of the same program on the same S3",
                must=1.3,
                reach=1.1,
                held=Held.RATIO,
            )
        ],
        measure=_word_count,
    ),
)
