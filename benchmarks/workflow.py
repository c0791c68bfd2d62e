"""JobA to JobE of the AWS guide at its own size: seconds, Lambda invocations, AWS calls."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.run import LocalRun
from batchrelay_local.launch import LocalCloud
from benchmarks.batch import client

FILE = Path(__file__).resolve().parent.parent / "examples/array-workflow/pipeline.yaml"


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """What one run took."""

    seconds: float
    invocations: int
    calls: dict[str, int]
    """AWS calls of the handlers, by service and operation."""


def array_workflow(width: int) -> Workflow:
    """Run the example at a width."""
    cloud = LocalCloud.start(directory=FILE.parent)
    try:
        session = LocalRun.prepare(cloud, read(FILE), Console(quiet=True))
        ended = session.play({"width": str(width)}, sweep=False)
        assert ended.status == "SUCCEEDED", ended.status
        with urllib.request.urlopen(f"{cloud.endpoint}/_batchrelay/calls") as answer:  # noqa: S310  # loopback
            calls: dict[str, int] = json.loads(answer.read())["handlers"]
        logs = client(cloud, "logs")
        invocations = sum(
            len(re.findall("START RequestId", event["message"]))
            for group in logs.describe_log_groups()["logGroups"]
            for stream in logs.describe_log_streams(logGroupName=group["logGroupName"])[
                "logStreams"
            ]
            for event in logs.get_log_events(
                logGroupName=group["logGroupName"], logStreamName=stream["logStreamName"]
            )["events"]
        )
        took = (ended.ended_at or ended.started_at) - ended.started_at
        return Workflow(seconds=took.total_seconds(), invocations=invocations, calls=calls)
    finally:
        cloud.stop()
