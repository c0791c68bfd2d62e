"""Which container of a job is run alone, on which node, and what is not there with it."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.spin.command import container_command, job_variables, process_command
from batchrelay_cli.spin.definition import Container, container_of
from batchrelay_cli.spin.node import Node, chosen_node
from batchrelay_cli.stack.client import Stack
from tests.unit.override_texts import amounts, nodes, pod, task

ITEM = {"jobId": "j", "index": None, "size": 1, "request": {"jobQueue": "job-queue/Q"}}


def definition(kind: str, properties: Any, **more: Any) -> dict[str, Any]:
    return {"jobDefinitionName": "d", "revision": 2, kind: properties, **more}


TASK = definition(
    "ecsProperties",
    {
        "taskProperties": [
            {
                "containers": [
                    {
                        "name": "main",
                        "image": "tools:1",
                        "command": ["work", "Ref::mode"],
                        "environment": [{"name": "A", "value": "1"}],
                        "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:x"}],
                        "dependsOn": [{"containerName": "prepare", "condition": "SUCCESS"}],
                        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
                    },
                    {"name": "prepare", "image": "i", "essential": False},
                ]
            }
        ]
    },
    parameters={"mode": "fast"},
    tags={"batchrelay:entrypoint": "python"},
)


def test_a_container_of_a_task_runs_as_its_request_says_and_what_is_not_here_is_named() -> None:
    request = task({"name": "main", "environment": [{"name": "B", "value": "2"}], **amounts("64")})
    assert container_of(TASK, request, wanted="main") == Container(
        definition="d:2",
        name="main",
        image="tools:1",
        command=("work", "fast"),
        environment={"A": "1", "B": "2"},
        secrets=("TOKEN",),
        memory_mib=64,
        entrypoint=("python",),
        missing=("container prepare", "dependsOn prepare SUCCESS", "volume data at /data"),
    )


def test_the_container_that_failed_is_meant_if_none_is_named() -> None:
    assert container_of(TASK, {}, failed="prepare").name == "prepare"
    assert container_of(TASK, {}, wanted="main", failed="prepare").name == "main"
    with pytest.raises(UsageProblem, match=r"write --container with one of main, prepare$"):
        container_of(TASK, {})
    with pytest.raises(UsageProblem, match=r"^there is no container x: main, prepare$"):
        container_of(TASK, {}, wanted="x")
    one = definition("containerProperties", {"image": "i"})
    with pytest.raises(UsageProblem, match=r"leave --container out$"):
        container_of(one, {}, wanted="x")


POD = definition(
    "eksProperties",
    {
        "podProperties": {
            "containers": [
                {
                    "image": "tools:1",
                    "command": ["sh", "-c"],
                    "args": ["exit $(CODE) $(AWS_BATCH_JOB_ID) $$(CODE) Ref::mode"],
                    "env": [{"name": "CODE", "value": "0"}],
                    "resources": {"limits": {"memory": "64Mi"}},
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }
            ],
            "initContainers": [{"name": "prepare", "image": "i", "args": ["-v"]}],
        }
    },
    parameters={"mode": "fast"},
    tags={"batchrelay:entrypoint": "run"},
)


def test_the_command_of_a_pod_stands_for_the_entrypoint_and_has_its_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = pod({"name": "Default", "env": [{"name": "CODE", "value": "3"}]})
    one = container_of(POD, request, failed="Default")
    assert one.missing == ("container prepare", "volume data at /data")
    assert one.memory_mib == 64
    variables = job_variables(ITEM, one)
    assert variables["CODE"] == "3"
    one = one.expanded(variables)
    here = process_command(one, variables, entrypoint=None, directory=None)
    assert here.argv == ("sh", "-c", "exit 3 j $(CODE) fast")
    before = process_command(one, variables, entrypoint=("echo",), directory=None)
    assert before.argv == ("echo", "exit 3 j $(CODE) fast")
    engine = tmp_path / "docker"
    engine.write_text("")
    engine.chmod(engine.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = container_command(one, variables).argv
    assert words[words.index("--entrypoint") :] == (
        *("--entrypoint", "sh", "tools:1", "-c", "exit 3 j $(CODE) fast"),
    )
    prepare = container_of(POD, request, wanted="prepare")
    assert (prepare.entrypoint, prepare.command) == (("run",), ("-v",))
    assert "--entrypoint" not in container_command(prepare, {}).argv, "its image has one"


NODES = definition(
    "nodeProperties",
    {
        "numNodes": 2,
        "mainNode": 1,
        "nodeRangeProperties": [
            {"targetNodes": "0:", "ecsProperties": TASK["ecsProperties"]},
            {"targetNodes": "1:1", "container": {"image": "i", "command": ["lead"], "memory": 8}},
        ],
    },
)


def test_a_node_has_the_containers_of_its_range_and_the_variables_of_a_node() -> None:
    entry = {"targetNodes": "0:", **task({"name": "prepare", "command": ["get"]})}
    request = nodes(entry, numNodes=4)
    lead = container_of(NODES, request, node=Node(index=1, count=4, main=1))
    assert (lead.name, lead.command, lead.memory_mib) == ("", ("lead",), 8)
    assert lead.missing == ("the other 3 nodes",)
    one = container_of(NODES, request, node=Node(index=3, count=4, main=1), wanted="prepare")
    assert one.command == ("get",)
    assert one.missing == ("container main", "the other 3 nodes, with the main node 1")
    variables = job_variables(ITEM, one)
    node_variables = {name: value for name, value in variables.items() if "NODE" in name}
    assert variables["AWS_BATCH_JOB_ID"] == "j#3"
    assert node_variables == {
        "AWS_BATCH_JOB_NODE_INDEX": "3",
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": "1",
        "AWS_BATCH_JOB_NUM_NODES": "4",
        "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": "127.0.0.1",
    }


@dataclass(kw_only=True)
class Nodes(Stack):
    """A stack whose job has these nodes."""

    exit_codes: Sequence[int] = field(default=())

    def describe(self, job_ids: Sequence[str]) -> list[Any]:
        return [
            {
                "jobId": job_id,
                "status": "FAILED" if code else "SUCCEEDED",
                "container": {"exitCode": code},
                "nodeDetails": {"nodeIndex": index},
            }
            for index, (job_id, code) in enumerate(zip(job_ids, self.exit_codes, strict=True))
        ]


@pytest.mark.parametrize(
    ("exit_codes", "index"), [([0, 0, 0], 1), ([143, 0, 7], 2), ([137, 0, 0], 0)]
)
def test_the_node_that_failed_is_meant_else_the_main_one(exit_codes: list[int], index: int) -> None:
    stack = Nodes(make_client=lambda _: None, outputs={}, exit_codes=exit_codes)
    assert chosen_node(stack, "j", count=3, main=1, wanted=None).index == index
    assert chosen_node(stack, "j", count=3, main=1, wanted=0).index == 0
    assert chosen_node(stack, None, count=3, main=1, wanted=None).index == 1
    with pytest.raises(UsageProblem, match=r"^there is no node 3: 0 to 2$"):
        chosen_node(stack, "j", count=3, main=1, wanted=3)
