"""`status` of a run whose job waits in a queue of the local AWS Batch."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, make_queue, write
from tests.e2e.command_line import batchrelay, document

pytestmark = pytest.mark.cloud
HOLDING = """
pipeline: holding
steps:
  - jobName: hold
    jobDefinition: hold
    jobQueue: narrow
    containerOverrides: {command: [sleep, "1000"]}
jobDefinitions:
  - jobDefinitionName: hold
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""


def test_status_says_where_a_job_stands_in_its_queue_and_what_to_do(
    stays: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = client_of(stays, "batch")
    make_queue(batch, "narrow", slots=1)
    batchrelay("deploy", write(tmp_path, HOLDING))
    runs = [document("start", "holding")["runId"] for _ in range(3)]
    monkeypatch.setattr("batchrelay_cli.client.waiting.WAIT_S", 0.0)
    began = time.monotonic()
    by_position: dict[int | None, str] = {}
    while set(by_position) != {None, 1, 2}:
        assert time.monotonic() - began < 20, by_position
        waits = {run: document("status", run).get("waiting", [{}])[0] for run in runs}
        by_position = {one.get("position"): run for run, one in waits.items()}
    working, first, second = by_position[None], by_position[1], by_position[2]
    assert "waits in job queue" not in batchrelay("status", working).output
    shown = batchrelay("status", second)
    assert "step hold waits in job queue narrow: 1 RUNNABLE" in shown.output
    assert "  number 2 in the queue, since 20" in shown.output
    assert "    wait for those, or send it to a queue of its own" in shown.output
    batchrelay("report", second, "--json", "-o", str(tmp_path / "run.json"))
    [step] = json.loads((tmp_path / "run.json").read_text())["steps"]
    assert step["blocked"].startswith("waits in job queue narrow: number 2 in the queue, since 20")
    batch.update_compute_environment(computeEnvironment="slots-narrow", state="DISABLED")
    [one] = document("status", first)["waiting"]
    assert one["reasons"][0]["what"] == "compute environment slots-narrow is DISABLED"
    batch.update_compute_environment(computeEnvironment="slots-narrow", state="ENABLED")
    for run in runs:
        batchrelay("cancel", run)
