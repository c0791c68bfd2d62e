"""JobA to JobE of the AWS guide at its own size: seconds, Lambda invocations, AWS calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from batchrelay.aws_lambda.wiring import store
from batchrelay.domain.run import Run
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from benchmarks.batch import client

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "examples/array-workflow/pipeline.yaml"


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """What one run took."""

    seconds: float
    invocations: int
    calls: dict[str, int]
    """AWS calls of the handlers, by service and operation."""
    write_units: int
    """What DynamoDB takes for what they wrote."""


def array_workflow(width: int) -> Workflow:
    """Run the example at a width."""
    return played(read(FILE), {"width": str(width)})[1]


def played(file: PipelineFile, params: dict[str, str]) -> tuple[Run, Workflow]:
    """A run on a cloud of its own, and what it took."""
    cloud = LocalCloud.start(directory=file.path.resolve().parent)
    try:
        return played_on(cloud, file, params)
    finally:
        cloud.stop()


def played_on(
    cloud: LocalCloud, file: PipelineFile, params: dict[str, str]
) -> tuple[Run, Workflow]:
    """A run, and what it took, on a cloud where nothing else happens meanwhile."""
    calls, units = Counter(cloud.calls()), cloud.write_units()
    invocations = invocations_of(client(cloud, "logs"))
    session = LocalRun.prepare(cloud, file, Console(quiet=True))
    ended = session.play(params, reconcile=False)
    assert ended["status"] == "SUCCEEDED", ended["status"]
    run = store(cloud.outputs["TableName"], session.stack.make_client).load(ended["runId"])
    took = (run.ended_at or run.started_at) - run.started_at
    return run, Workflow(
        seconds=took.total_seconds(),
        invocations=invocations_of(client(cloud, "logs")) - invocations,
        calls=dict(Counter(cloud.calls()) - calls),
        write_units=cloud.write_units() - units,
    )


def invocations_of(logs: Any) -> int:
    """Lambda invocations: the START lines in the functions' logs."""
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    return sum(
        event["message"].startswith("START RequestId")
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"]
        )
        for event in page["events"]
    )
