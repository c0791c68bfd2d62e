"""Pipelines with failing items on one local cloud, and what is left of their runs."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from batchrelay.aws_lambda.wiring import store
from batchrelay.domain.run import Run
from batchrelay.domain.values import JobKey
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.client import local_client_factory
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, stop_schedules
from tests.stack import ROOT

PROGRAM = '''
"""One item of a list, by the index of AWS Batch alone: the first time, some exit with 75."""
import csv, gzip, io, json, os, sys

import s3

listed, results, failing = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))
data = s3.get(listed)
if listed.endswith(".gz"):
    data = gzip.decompress(data)
if ".json" in listed and ".jsonl" not in listed:
    item = json.loads(data)["batch"]["items"][index]["name"]
elif ".csv" in listed:
    item = list(csv.DictReader(io.StringIO(data.decode())))[index]["name"]
else:
    item = data.decode().splitlines()[index]
first = os.environ["BATCHRELAY_ROUND"] == "0"
if item.startswith("large") and first:
    block = b"x" * (96 << 20)
    import time

    time.sleep(5)
if item in failing and first:
    sys.exit(75)
s3.put(results + item, f"{item} in round {os.environ['BATCHRELAY_ROUND']}")
'''
"""It stands in the cloud's folder, beside the S3 of an example."""

BY_NUMBER = '''
"""One child of an array without a list: the first time, number 2 and 5 exit with 75."""
import os, sys

import s3

index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))
numbers = os.environ.get("BATCHRELAY_ITEM_NUMBERS")
number = int(s3.get(numbers)[11 * index :][:11]) if numbers else index
if number in (2, 5) and not numbers:
    sys.exit(75)
s3.put(f"{sys.argv[1]}{number}", f"{number} by index {index}")
'''
"""Another one there."""

DEFINITION = {
    "jobDefinitionName": "d",
    "type": "container",
    "containerProperties": {
        "image": "i",
        "command": ["true"],
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": "64"},
        ],
    },
}


@dataclass(frozen=True, kw_only=True)
class FailingRuns:
    """A local cloud on which attempts are killed that take more memory than they have."""

    cloud: LocalCloud
    folder: Path

    def play(self, *steps: Mapping[str, Any], reconcile: bool = False, **params: str) -> Run:
        """A run of these steps, to its end; with `reconcile`, that is called every second."""
        document = {
            "pipeline": "failing",
            "params": {name: {"type": "s3uri"} for name in params},
            "defaults": {"jobQueue": "Q", "jobDefinition": "d"},
            "steps": steps,
            "jobDefinitions": [DEFINITION],
        }
        file = self.folder / "pipeline.json"
        file.write_text(json.dumps(document))
        session = LocalRun.prepare(self.cloud, read(file), Console(quiet=True))
        run_id = session.play(params, reconcile=reconcile)["runId"]
        factory = local_client_factory(self.cloud.environment)
        return store(self.cloud.outputs["TableName"], factory).load(run_id)

    def calls_of(
        self, *steps: Mapping[str, Any], reconcile: bool = False, **params: str
    ) -> tuple[Run, dict[str, int]]:
        """The run, and what handlers asked of AWS for it."""
        before = self.cloud.calls()
        run = self.play(*steps, reconcile=reconcile, **params)
        after = self.cloud.calls()
        return run, {call: after[call] - before.get(call, 0) for call in sorted(after)}

    def written(self, name: str, text: str) -> str:
        """A file of the cloud's folder, compressed if its name says so."""
        path = self.folder / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    def texts(self, uri: str) -> dict[str, str]:
        """Every object of a folder, by its name."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        s3 = client_of(self.cloud, "s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {
            key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
            for key in keys
        }

    def failures(self, run: Run, step: str) -> list[dict[str, Any]]:
        """What the last collection of a step's failures has written of each item."""
        [text] = self.texts(f"{run.state(step).failures}failures.jsonl").values()
        return [json.loads(line) for line in text.splitlines()]

    def rounds(self, run: Run, step: str) -> dict[int, int]:
        """The children of each round of a step, whatever level of an aggregate it was of."""
        batch = client_of(self.cloud, "batch")
        prefix = {"name": "JOB_NAME", "values": [f"br-{run.id}-{step}-*".lower()]}
        jobs = batch.list_jobs(jobQueue="Q", filters=[prefix])["jobSummaryList"]
        sizes = {str(j["jobName"]): j.get("arrayProperties", {}).get("size", 1) for j in jobs}
        rounds = ((JobKey.parse(name), size) for name, size in sizes.items())
        return dict(sorted((key.round, size) for key, size in rounds if key is not None))

    def jobs(self, run: Run, step: str) -> list[dict[str, Any]]:
        """The jobs of a step's latest round, as AWS Batch describes them."""
        ids = [part.job_id for part in run.state(step).parts]
        described = client_of(self.cloud, "batch").describe_jobs(jobs=ids)["jobs"]
        return sorted(described, key=lambda job: str(job["jobName"]))


@contextmanager
def failing_runs(folder: Path) -> Iterator[FailingRuns]:
    """A cloud for runs whose items fail."""
    shutil.copy(ROOT / "examples/retry-failed/s3.py", folder)
    (folder / "work.py").write_text(PROGRAM)
    (folder / "by_number.py").write_text(BY_NUMBER)
    cloud = LocalCloud.start(directory=folder, chaos="over_memory=1")
    try:
        stop_schedules(cloud)
        yield FailingRuns(cloud=cloud, folder=folder)
    finally:
        cloud.stop()


def results_of(run: Run) -> str:
    """The folder of what `work` writes."""
    return f"s3://{run.environment['bucket']}/results/{run.id}/"


def work(name: str, *failing: str, flow: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A step whose children run the program; these items fail the first time."""
    folder = "s3://${env.bucket}/results/${run.id}/" + name + "-"
    command = ["python", "work.py", "${items.file}", folder, ",".join(failing) or "-"]
    return {"jobName": name, "containerOverrides": {"command": command}, "flow": flow, **more}


def by_number(name: str, *, flow: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A step without a list whose children know their numbers."""
    command = ["python", "by_number.py", "s3://${env.bucket}/results/${run.id}/"]
    return {"jobName": name, "containerOverrides": {"command": command}, "flow": flow, **more}


def shell(name: str, script: str, *, flow: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A step whose children run a script: the cheapest process there is."""
    command = {"command": ["sh", "-c", script]}
    return {"jobName": name, "containerOverrides": command, "flow": flow, **more}


def sizes(run: Run, step: str) -> list[list[int]]:
    """The sizes of a step's parts, round by round."""
    state = run.state(step)
    return [[part.size for part in parts] for parts in (*state.earlier_rounds, state.parts)]
