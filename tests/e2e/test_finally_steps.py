"""Finally steps on the local cloud, with real processes: behind a failure, and a cancellation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import write
from tests.e2e.command_line import batchrelay, document, statuses

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
PIPELINE = """
pipeline: cleaned
params: {mode: fail}
defaults: {jobQueue: Q, jobDefinition: tools}
steps:
  - jobName: work
    containerOverrides: {command: [sh, -c, 'if test "$0" = slow; then sleep 600; fi; exit 3', "${params.mode}"]}
  - jobName: cleanup
    containerOverrides: {command: [sh, -c, 'echo "$0 and $BATCHRELAY_RUN_STATUS"', "the run: ${run.status}"]}
    flow: {finally: true, when: "${run.status} != SUCCEEDED"}
  - jobName: praise
    containerOverrides: {command: ["false"]}
    flow: {finally: true, when: "${run.status} == SUCCEEDED"}
jobDefinitions:
  - {jobDefinitionName: tools, type: container, containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}}
"""  # noqa: E501  # a command is one line


def test_a_run_that_fails_cleans_up_and_says_so(tmp_path: Path) -> None:
    batchrelay("deploy", write(tmp_path, PIPELINE))
    run_id = document("start", "cleaned")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 1
    assert statuses(run_id) == {"work": "FAILED", "cleanup": "SUCCEEDED", "praise": "SKIPPED"}
    assert "the run: FAILED and FAILED" in batchrelay("logs", f"{run_id}/cleanup").output
    plan = batchrelay("redrive", run_id, "--plan").stdout.splitlines()
    assert [line.split(" (")[0] for line in plan] == [
        "work: failed items, 1 failed of 1 child",
        "cleanup: whole step",
        "praise: whole step",
    ]


def test_a_run_that_is_cancelled_cleans_up_and_says_so(tmp_path: Path) -> None:
    batchrelay("deploy", write(tmp_path, PIPELINE))
    run_id = document("start", "cleaned", "--param", "mode=slow")["runId"]
    cancelled = batchrelay("cancel", run_id)
    assert "cleanup, praise of run" in cancelled.output, cancelled.output
    batchrelay("status", run_id, "--watch")
    assert document("status", run_id)["status"] == "CANCELLED"
    assert statuses(run_id)["cleanup"] == "SUCCEEDED"
    assert "the run: CANCELLED and CANCELLED" in batchrelay("logs", f"{run_id}/cleanup").output
