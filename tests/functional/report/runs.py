"""Runs of real processes whose reports are tested: one that fails by three causes, one at work."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import write
from tests.e2e.command_line import batchrelay

TEXT = "</script><script>window.ran=1</script><img src=x onerror=window.ran=2>"
ITEMS = [f"{number}-{TEXT}" for number in range(8)]

WORK = f"""
echo '{TEXT}'; sleep 0.05
case $AWS_BATCH_JOB_ARRAY_INDEX in
  1|2) exit 65;;
  4) kill -9 $$;;
  6) exit 75;;
esac
"""
DEFINITION = """
  - jobDefinitionName: NAME
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""
FAILING = f"""
pipeline: failing
defaults: {{jobQueue: Q, jobDefinition: failing}}
steps:
  - jobName: work
    containerOverrides: {{command: [sh, -c, SCRIPT]}}
    flow: {{forEach: {{items: ITEMS}}, tolerate: {{count: 8}}}}
  - jobName: after
    dependsOn: [{{jobName: work}}]
    containerOverrides: {{command: [echo, done]}}
jobDefinitions: {DEFINITION.replace("NAME", "failing")}
""".replace("SCRIPT", json.dumps(WORK)).replace("ITEMS", json.dumps(ITEMS))
WORKED = f"""
pipeline: worked
defaults: {{jobQueue: Q, jobDefinition: worked}}
steps:
  - jobName: work
    containerOverrides: {{command: [batchrelay-worker, run, --, "true"]}}
    flow: {{forEach: {{items: [a, b, c]}}}}
  - jobName: wait
    dependsOn: [{{jobName: work}}]
    containerOverrides: {{command: [sleep, "100000"]}}
jobDefinitions: {DEFINITION.replace("NAME", "worked")}
"""


def started(tmp_path: Path, text: str, pipeline: str) -> str:
    assert batchrelay("deploy", write(tmp_path, text)).exit_code == 0
    answer = batchrelay("start", pipeline, "--output", "json")
    return str(json.loads(answer.stdout)["runId"])
