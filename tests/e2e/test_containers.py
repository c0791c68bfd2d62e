"""Runs whose jobs have several containers or nodes, on the local cloud: status, cause, log."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import write
from tests.e2e.command_line import batchrelay, document, printed, statuses

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]

TASK = """
pipeline: pairs
defaults: {jobQueue: Containers, jobDefinition: pair}
steps:
  - jobName: convert
    ecsPropertiesOverride:
      taskProperties:
        - containers:
            - {name: main, command: [sh, -c, 'echo convert $ITEM $BATCHRELAY_STEP; test $AWS_BATCH_JOB_ARRAY_INDEX != 1 || exit 4']}
            - {name: prepare, command: [sh, -c, 'echo prepare $AWS_BATCH_JOB_ARRAY_INDEX $BATCHRELAY_STEP']}
    arrayProperties: {size: 3}
    flow: {tolerate: {count: 1}}
  - jobName: measure
    ecsPropertiesOverride:
      taskProperties:
        - containers:
            - {name: main, command: [batchrelay-worker, run, --, echo, "{item}"]}
            - {name: prepare, command: ["true"]}
    flow: {forEach: {items: [a, b]}}
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
    printed("deploy", write(tmp_path, TASK))
    run_id = document("start", "pairs")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 4
    assert statuses(run_id) == {"convert": "PARTIAL", "measure": "SUCCEEDED"}
    [step] = document("failures", run_id)["steps"]
    [cause] = step["causes"]
    assert (cause["class"], cause["exitCode"], cause["count"]) == ("ExitCode", 4, 1)
    assert printed("logs", f"{run_id}/convert:1").split() == ["convert", "convert"]
    good = batchrelay("logs", f"{run_id}/convert:2")
    assert good.stdout.split() == ["convert", "convert"], "not what the stopped one printed"
    spun = batchrelay("spin", f"{run_id}/convert:1")
    assert (spun.exit_code, spun.stdout.split()) == (4, ["convert", "convert"]), spun.output
    assert "  container: main\n" in spun.stderr
    missing = "containers prepare, log; dependsOn prepare SUCCESS, log START"
    assert f"  not here: {missing}\n" in spun.stderr
    other = batchrelay("spin", f"{run_id}/convert:1", "--container", "prepare")
    assert (other.exit_code, other.stdout) == (0, "prepare 1 convert\n"), other.output
    unclear = batchrelay("spin", f"{run_id}/convert:0")
    assert unclear.exit_code == 2
    assert unclear.stderr.endswith("write --container with one of main, prepare, log\n")
    [tuned] = document("tune", f"{run_id}/measure")
    assert (tuned["container"], tuned["vcpus"], tuned["memoryMiB"]) == ("main", 1, 64)
    assert tuned["advice"]["items"] == 2
    batchrelay("undeploy", "pairs")


MEET = """
import os, pathlib, socket, sys, time
place = pathlib.Path("port-" + os.environ["AWS_BATCH_JOB_ID"].partition("#")[0])
if os.environ["AWS_BATCH_JOB_NODE_INDEX"] == os.environ["AWS_BATCH_JOB_MAIN_NODE_INDEX"]:
    server = socket.create_server(("127.0.0.1", 0))
    place.with_suffix(".new").write_text(str(server.getsockname()[1]))
    place.with_suffix(".new").rename(place)
    sys.exit(int(server.accept()[0].makefile().readline()))
while not place.exists():
    time.sleep(0.02)
address = os.environ["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"], int(place.read_text())
with socket.create_connection(address) as main:
    print("node", os.environ["AWS_BATCH_JOB_NODE_INDEX"], os.environ["BATCHRELAY_STEP"], flush=True)
    main.sendall(os.environ["CODE"].encode() + b"\\n")
    time.sleep(60)
"""

NODES = """
pipeline: meeting
defaults: {jobQueue: Containers, jobDefinition: nodes}
steps:
  - jobName: well
    nodeOverrides: {numNodes: 2, nodePropertyOverrides: [{targetNodes: "0:", containerOverrides: {environment: [{name: CODE, value: "0"}]}}]}
  - jobName: badly
    nodeOverrides: {nodePropertyOverrides: [{targetNodes: "0:", containerOverrides: {environment: [{name: CODE, value: "6"}]}}]}
jobDefinitions:
  - jobDefinitionName: nodes
    type: multinode
    nodeProperties:
      numNodes: 3
      mainNode: 0
      nodeRangeProperties:
        - targetNodes: "0:"
          container: {image: i, command: PYTHON, vcpus: 1, memory: 64}
"""  # noqa: E501  # a container is a line


def test_two_nodes_meet_and_the_main_one_decides(tmp_path: Path) -> None:
    (tmp_path / "meet.py").write_text(MEET)
    command = json.dumps([sys.executable, "meet.py"])
    printed("deploy", write(tmp_path, NODES.replace("PYTHON", command)))
    run_id = document("start", "meeting")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 1
    assert statuses(run_id) == {"well": "SUCCEEDED", "badly": "FAILED"}
    [step] = document("failures", run_id)["steps"]
    assert [(cause["class"], cause["exitCode"]) for cause in step["causes"]] == [("ExitCode", 6)]
    main = printed("spin", f"{run_id}/badly", "--print")
    assert " AWS_BATCH_JOB_NODE_INDEX=0 " in main
    tuned = batchrelay("tune", f"{run_id}/badly")
    assert tuned.stderr.startswith("batchrelay: step badly has several nodes"), tuned.output
    second = batchrelay("spin", f"{run_id}/badly", "--node", "2", "--print")
    assert " AWS_BATCH_JOB_NODE_INDEX=2 " in second.stdout
    assert "  not here: the other 2 nodes, with the main node 0\n" in second.stderr
    batchrelay("undeploy", "meeting")


POD = """
pipeline: pods
defaults: {jobQueue: Containers, jobDefinition: pod}
steps:
  - jobName: convert
    eksPropertiesOverride:
      podProperties:
        containers: [{name: main, args: ['test $AWS_BATCH_JOB_ARRAY_INDEX != 1 || test $(BATCHRELAY_STEP) != convert || exit 5']}]
        initContainers: [{name: prepare, args: ['test $(BATCHRELAY_STEP) = convert']}]
    arrayProperties: {size: 2}
    flow: {tolerate: {count: 1}}
jobDefinitions:
  - jobDefinitionName: pod
    type: container
    eksProperties:
      podProperties:
        containers: [{name: main, image: i, command: [sh, -c], resources: {limits: {cpu: "1", memory: 64Mi}}}]
        initContainers: [{name: prepare, image: i, command: [sh, -c], resources: {limits: {cpu: "1", memory: 64Mi}}}]
"""  # noqa: E501  # a container is a line


def test_a_pipeline_for_eks_runs_here(tmp_path: Path) -> None:
    printed("deploy", write(tmp_path, POD))
    run_id = document("start", "pods")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 4
    [step] = document("failures", run_id)["steps"]
    assert [(cause["class"], cause["exitCode"]) for cause in step["causes"]] == [("ExitCode", 5)]
    logs = batchrelay("logs", f"{run_id}/convert:1")
    assert "AWS Batch has no log of a pod: read that of aws-batch." in logs.stderr
    assert batchrelay("spin", f"{run_id}/convert:1").exit_code == 5
    batchrelay("undeploy", "pods")
