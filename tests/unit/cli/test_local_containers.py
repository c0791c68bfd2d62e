"""What a job runs where there is no image: a process for each container, and vCPUs for all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.local_containers import LocalContainer, local_containers, vcpus_of
from batchrelay_cli.stack.local_setup import check_runs_here
from tests.conftest import write
from tests.unit.override_texts import nodes, pod, task


def needs(vcpus: str) -> list[dict[str, str]]:
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": "64"}]


def definition(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"ecsProperties": {"taskProperties": [{"containers": list(containers)}]}}


PAIR = definition(
    {"name": "main", "command": ["a"], "resourceRequirements": needs("0.5")},
    {"name": "log", "command": ["b"], "resourceRequirements": needs("1")},
)


def test_containers_of_a_task_are_merged_by_name() -> None:
    request = task({"name": "log", "command": ["c", "d"], "resourceRequirements": needs("2")})
    assert local_containers(request, {**PAIR, "tags": {"batchrelay:entrypoint": "tini --"}}) == [
        LocalContainer(who="container main of ", words=("tini", "--", "a"), vcpus=0.5),
        LocalContainer(who="container log of ", words=("tini", "--", "c", "d"), vcpus=2.0),
    ]
    assert vcpus_of(request, PAIR) == 2.5


def test_one_container_has_no_name_and_one_vcpu_by_default() -> None:
    one = {"containerProperties": {"command": ["a"]}}
    request = {"containerOverrides": {"command": ["b"]}}
    assert local_containers(request, one) == [LocalContainer(who="", words=("b",), vcpus=1.0)]
    assert vcpus_of(request, {}) == 1.0


POD = {
    "eksProperties": {
        "podProperties": {
            "containers": [
                {"command": ["a"], "args": ["b"], "resources": {"requests": {"cpu": "0.5"}}},
                {"name": "log", "args": ["-v"]},
            ],
            "initContainers": [{"name": "init", "command": ["i"]}],
        }
    },
    "tags": {"batchrelay:entrypoint": "run"},
}


def test_the_command_of_a_pod_stands_for_the_entrypoint() -> None:
    more = {"resources": {"limits": {"cpu": "2"}}}
    request = pod({"name": "Default", "args": ["c"]}, {"name": "log", **more})
    assert local_containers(request, POD) == [
        LocalContainer(who="container init of ", words=("i",), vcpus=1.0),
        LocalContainer(who="container Default of ", words=("a", "c"), vcpus=0.5),
        LocalContainer(who="container log of ", words=("run", "-v"), vcpus=2.0),
    ]


NODES = {
    "nodeProperties": {
        "numNodes": 3,
        "mainNode": 0,
        "nodeRangeProperties": [
            {"targetNodes": "0", "container": {"command": ["main"]}},
            {"targetNodes": "0:", "ecsProperties": PAIR["ecsProperties"]},
        ],
    }
}


def test_nodes_run_what_their_narrowest_range_says() -> None:
    request = nodes(
        {"targetNodes": "0", "containerOverrides": {"command": ["first"]}},
        {"targetNodes": "0:", **task({"name": "log", "command": ["c"]})},
        numNodes=2,
    )
    assert local_containers(request, NODES) == [
        LocalContainer(who="node 0 of ", words=("first",), vcpus=1.0),
        LocalContainer(who="container main of node 1 of ", words=("a",), vcpus=0.5),
        LocalContainer(who="container log of node 1 of ", words=("c",), vcpus=1.0),
    ]
    assert vcpus_of({}, NODES) == 4.0


FILE = """
pipeline: pairs
steps: [{jobName: a, jobQueue: q, jobDefinition: d}]
jobDefinitions:
  - jobDefinitionName: d
    type: container
    ecsProperties:
      taskProperties:
        - containers:
            - {name: main, image: i, command: [sh], resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "64"}]}
            - {name: log, image: i, COMMAND, essential: false, resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "64"}]}
"""  # noqa: E501  # a container is a line


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("command: [no-such-program]", "container log of step a runs 'no-such-program', which is"),
        ("user: root", "container log of step a has no command; here there is no image to have"),
    ],
)
def test_a_container_that_cannot_run_here_is_named(
    tmp_path: Path, command: str, sentence: str
) -> None:
    file = read(Path(write(tmp_path, FILE.replace("COMMAND", command))))
    with pytest.raises(PipelineFileError) as error:
        check_runs_here(file)
    [problem] = error.value.problems
    assert problem.message.startswith(sentence)


def test_programs_that_are_there_run_here(tmp_path: Path) -> None:
    check_runs_here(read(Path(write(tmp_path, FILE.replace("COMMAND", "command: [cat]")))))
