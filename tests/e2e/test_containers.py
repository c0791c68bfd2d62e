"""Runs whose jobs have several containers, on the local cloud: status, cause, and the right log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import write
from tests.e2e.command_line import batchrelay, document, printed, statuses

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]

TASK = """
pipeline: pairs
defaults: {jobQueue: Q, jobDefinition: pair}
steps:
  - jobName: convert
    ecsPropertiesOverride:
      taskProperties:
        - containers:
            - {name: main, command: [sh, -c, 'echo convert $ITEM $BATCHRELAY_STEP; test $AWS_BATCH_JOB_ARRAY_INDEX != 1 || exit 4']}
            - {name: prepare, command: [sh, -c, 'echo prepare $AWS_BATCH_JOB_ARRAY_INDEX $BATCHRELAY_STEP']}
    arrayProperties: {size: 3}
    flow: {tolerate: {count: 1}}
jobDefinitions:
  - jobDefinitionName: pair
    type: container
    ecsProperties:
      taskProperties:
        - containers:
            - name: main
              image: i
              command: ["true"]
              dependsOn: [{containerName: prepare, condition: SUCCESS}, {containerName: log, condition: START}]
              resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "64"}]
            - name: prepare
              image: i
              essential: false
              resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "64"}]
            - name: log
              image: i
              essential: false
              command: [sh, -c, 'echo logging; while :; do sleep 0.05; done']
              resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "64"}]
"""  # noqa: E501  # a container is a line


def test_a_child_with_several_containers_fails_as_the_one_that_failed(tmp_path: Path) -> None:
    batchrelay("deploy", write(tmp_path, TASK))
    run_id = document("start", "pairs")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 4
    assert statuses(run_id) == {"convert": "PARTIAL"}
    [step] = document("failures", run_id)["steps"]
    [cause] = step["causes"]
    assert (cause["class"], cause["exitCode"], cause["count"]) == ("ExitCode", 4, 1)
    assert printed("logs", f"{run_id}/convert:1").split() == ["convert", "convert"]
    batchrelay("undeploy", "pairs")
