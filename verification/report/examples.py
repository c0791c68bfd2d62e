"""The runs whose reports the docs show: three that ran here, and one that never was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from batchrelay.prices import list_prices
from batchrelay.report.document import report_document
from batchrelay_cli.client import Client
from batchrelay_cli.client.report import collected
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from verification.report.synthetic import variant_calls

ROOT = Path(__file__).resolve().parents[2]
LIVE_SAMPLES, LIVE_ENDED = 600, 250
"""Of the run at work: how many samples it has, and of how many the job has ended."""

OVER_MEMORY = "over_memory=1"
POLL_S = 0.5

Report = dict[str, Any]


def word_count() -> Report:
    """A small run that went well."""
    return _ended("word-count", {"source": str(ROOT / "examples/word-count/texts")})


def array_workflow() -> Report:
    """JobA to JobE of the AWS guide at its own size: 20,012 children."""
    return _ended("array-workflow", {"width": "10000"})


def failing() -> Report:
    """10,000 children with four causes of failures, of which some ran again. It never was: a real
    one takes two cores 20 minutes."""
    return report_document(variant_calls().evidence())


def running() -> Report:
    """A run at work: some children ended, some failed, most wait."""
    with _session("retry-failed", chaos=OVER_MEMORY) as session:
        params = {"samples": str(LIVE_SAMPLES)}
        pipeline = session.file.pipeline.name
        client = Client(session.stack)
        run_id = client.start(pipeline, params).run["runId"]
        while True:
            run = client.status(run_id)
            process = next(step for step in run["steps"] if step["step"] == "process")
            if process["succeeded"] + process["failed"] >= LIVE_ENDED or not run["isOpen"]:
                return collected(session.stack, run, list_prices())
            time.sleep(POLL_S)


def _ended(name: str, params: Mapping[str, str]) -> Report:
    with _session(name) as session:
        run = session.play(params, reconcile=False)
        return collected(session.stack, run, list_prices())


@contextmanager
def _session(name: str, chaos: str = "") -> Iterator[LocalRun]:
    file = read(ROOT / "examples" / name / "pipeline.yaml")
    cloud = LocalCloud.start(directory=file.path.parent, chaos=chaos)
    try:
        yield LocalRun.prepare(cloud, file, Console(quiet=True))
    finally:
        cloud.stop()


EXAMPLES: dict[str, Callable[[], Report]] = {
    "word-count": word_count,
    "array-workflow": array_workflow,
    "failing": failing,
    "running": running,
}
