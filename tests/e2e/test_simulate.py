"""A run of real processes takes as long as its simulation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, make_queue
from tests.e2e.command_line import printed
from tests.e2e.failing_runs import DEFINITION, shell

pytestmark = pytest.mark.cloud

SLOTS = 2
DIFFERENCE_MAX = 0.1
LISTED = 16


ASSUMED = {"shard": "uniform(0.2s, 0.5s)", "follow": "0.2s", "each": "0.2s", "last": "0.5s"}


def pipeline(folder: Path, name: str, *steps: Mapping[str, Any], **params: str) -> Path:
    document = {
        "pipeline": name,
        "params": {param: {"type": "s3uri"} for param in params},
        "defaults": {"jobQueue": "Beside", "jobDefinition": "d"},
        "steps": steps,
        "jobDefinitions": [DEFINITION],
    }
    file = folder / f"{name}.json"
    file.write_text(json.dumps(document))
    return file


def played(cloud: LocalCloud, file: Path, **params: str) -> Any:
    return LocalRun.prepare(cloud, read(file), Console(quiet=True)).play(params, reconcile=False)


def test_a_simulated_run_takes_as_long_as_a_real_one(cloud: LocalCloud, tmp_path: Path) -> None:
    """An array whose children differ, what follows it child by child, a list whose length only the
    run knows, and a step behind all: 59 children."""
    make_queue(client_of(cloud, "batch"), "Beside", slots=SLOTS)
    items = {"forEach": {"items": [1]}}
    played(cloud, pipeline(tmp_path, "warms-the-handlers", shell("once", "true", flow=items)))
    nap = "sleep 0.$((2 + AWS_BATCH_JOB_ARRAY_INDEX % 4))"
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(map(str, range(LISTED))))
    file = pipeline(
        tmp_path,
        "beside-a-simulation",
        shell("shard", nap, flow={}, arrayProperties={"size": 21}),
        shell("follow", "sleep 0.2", flow={}, dependsOn=[{"jobName": "shard", "type": "N_TO_N"}]),
        shell("each", "sleep 0.2", flow={"forEach": {"file": "${params.listed}"}},
              dependsOn=[{"jobName": "follow"}]),
        shell("last", "sleep 0.5", flow={}, dependsOn=[{"jobName": "each"}]),
        listed=str(listed),
    )  # fmt: skip
    assumed = [f"--duration={step}={text}" for step, text in ASSUMED.items()]
    assumed += ["--start=5ms", "--event-delay=50ms", "--output=json", f"--param=listed={listed}"]
    arguments = (f"--items={LISTED}", f"--vcpus={SLOTS}", *assumed)
    simulated: Any = json.loads(printed("simulate", str(file), *arguments))

    run = played(cloud, file, listed=str(listed))
    began, ended = (datetime.fromisoformat(run[name]) for name in ("startedAt", "endedAt"))
    seconds = (ended - began).total_seconds()
    print(f"simulated {simulated['makespanSeconds']:.2f} s, real {seconds:.2f} s")
    assert (run["status"], simulated["status"]) == ("SUCCEEDED", "SUCCEEDED")
    children = [step["children"] for step in run["steps"]]
    assert [step["children"] for step in simulated["steps"]] == children
    assert simulated["makespanSeconds"] == pytest.approx(seconds, rel=DIFFERENCE_MAX)
