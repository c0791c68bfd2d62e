"""Steps with job definitions of every kind: what reaches their containers, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.pipeline_file.read import read
from tests.unit.cli.job_texts import NEEDS, definition, problems, step
from tests.unit.override_texts import amounts, nodes, pod, task

KINDS = ("containerProperties", "ecsProperties", "eksProperties", "nodeProperties")


def of_kind(kind: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    type_ = "multinode" if kind == "nodeProperties" else "container"
    return {"jobDefinitionName": "d", "type": type_, kind: properties, **more}


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", "resourceRequirements": NEEDS, **more}


def ecs(*containers: dict[str, Any]) -> dict[str, Any]:
    return of_kind("ecsProperties", {"taskProperties": [{"containers": list(containers)}]})


def eks(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return of_kind("eksProperties", {"podProperties": {"containers": list(containers), **more}})


def multinode(*ranges: dict[str, Any], number: int = 2, main: int = 0) -> dict[str, Any]:
    own = {"numNodes": number, "mainNode": main, "nodeRangeProperties": list(ranges)}
    return of_kind("nodeProperties", own)


ONE = {"image": "i", "resourceRequirements": NEEDS}
OPEN = {"targetNodes": "0:", "container": ONE}
TWO = ecs(container("main"), container("log", essential=False))
POD = eks({"image": "i", "resources": {"limits": {"memory": "64Mi", "cpu": "1"}}})


def request_of(tmp_path: Path, defined: dict[str, Any], **more: Any) -> dict[str, Any]:
    file = tmp_path / "pipeline.json"
    steps = [step(**more)]
    file.write_text(json.dumps({"pipeline": "p", "steps": steps, "jobDefinitions": [defined]}))
    request = dict(read(file).pipeline.step("a").request)
    return {
        key: value for key, value in request.items() if key not in ("jobQueue", "jobDefinition")
    }


def test_a_request_names_every_container_of_its_definition(tmp_path: Path) -> None:
    named = task({"name": "main", **amounts("64")}, {"name": "log", **amounts("64")})
    assert request_of(tmp_path, TWO) == named


def test_what_the_step_says_of_a_container_stays(tmp_path: Path) -> None:
    own = task({"name": "log", "command": ["x"], **amounts("128")})
    assert request_of(tmp_path, TWO, **own) == task(
        {"name": "main", **amounts("64")}, {"name": "log", "command": ["x"], **amounts("128")}
    )


def test_a_container_without_a_name_in_a_pod_is_called_as_kubernetes_calls_it(
    tmp_path: Path,
) -> None:
    limits = {"resources": {"limits": {"memory": "64Mi"}}}
    assert request_of(tmp_path, POD) == pod({"name": "Default", **limits})


def test_the_memory_of_a_pod_stays_where_it_is_written(tmp_path: Path) -> None:
    requests = {"resources": {"requests": {"memory": "64Mi"}}}
    assert request_of(tmp_path, eks({"image": "i", **requests})) == pod(
        {"name": "Default", **requests}
    )


def test_each_list_of_a_pod_may_have_ten_containers(tmp_path: Path) -> None:
    main = [{"name": f"c{n}", "image": "i", "args": ["x"]} for n in range(10)]
    defined = eks(*main)
    first = [{"name": f"i{n}", "image": "i"} for n in range(10)]
    defined["eksProperties"]["podProperties"]["initContainers"] = first
    named = request_of(tmp_path, defined)["eksPropertiesOverride"]["podProperties"]
    assert [len(named[key]) for key in ("initContainers", "containers")] == [10, 10]


def test_nodes_have_the_ranges_of_their_definition(tmp_path: Path) -> None:
    defined = multinode(
        {"targetNodes": "0:0", "container": ONE},
        {
            "targetNodes": "1:",
            "ecsProperties": {"taskProperties": [{"containers": [container("main")]}]},
        },
    )
    assert request_of(tmp_path, defined) == nodes(
        {"targetNodes": "0:0", "containerOverrides": {}},
        {"targetNodes": "1:", **task({"name": "main", **amounts("64")})},
    )


@pytest.mark.parametrize(
    ("more", "defined", "problem"),
    [
        ({"containerOverrides": {"command": ["x"]}}, TWO, "job definition d has ecsProperties, for which AWS Batch refuses containerOverrides: write ecsPropertiesOverride"),
        ({"containerOverrides": {"command": ["x"]}}, POD, 'job definition d has eksProperties, for which AWS Batch refuses containerOverrides ("Container overrides or node overrides should not be set for Batch on EKS jobs"): write eksPropertiesOverride'),
        (task({"name": "a"}), definition(), "job definition d has containerProperties, for which AWS Batch refuses ecsPropertiesOverride: write containerOverrides"),
        (task({"name": "mian"}), TWO, "its job definition has no container mian: it has main, log; did you mean main?"),
        (task({"name": "main", "resourceRequirements": [{"type": "VCPU", "value": "1.5"}]}), TWO, "VCPU 1.5 is of Fargate alone"),
        (task({"command": ["x"]}), TWO, "which container this is: write its name, {name: NAME, …}"),
        ({**pod({"name": "Default"}), "propagateTags": True}, POD, "AWS Batch refuses propagateTags on EKS, where a pod has labels: leave it out"),
        ({"propagateTags": True}, POD, "AWS Batch refuses propagateTags on EKS, where a pod has labels: leave it out"),
        (nodes({"targetNodes": "0:0"}), multinode(OPEN), "AWS Batch refuses targetNodes that the job definition has not (\"NodeOverride targets should match job definition\"): write one of 0:, not '0:0'"),
        (nodes(numNodes=3), multinode({"targetNodes": "0:1", "container": ONE}), "numNodes needs a job definition with an open range of nodes, such as 1:"),
        ({"arrayProperties": {"size": 2}}, multinode(OPEN), "step a is a multi-node parallel job, which AWS Batch does not take as an array: leave forEach, aggregate, queue, N_TO_N, SEQUENTIAL and arrayProperties out, or use a job definition of type container"),
        ({"flow": {"forEach": {"items": [1, 2]}}}, multinode(OPEN), "step a is a multi-node parallel job"),
    ],
)  # fmt: skip
def test_what_does_not_fit_a_definition_is_refused(
    tmp_path: Path, more: dict[str, Any], defined: dict[str, Any], problem: str
) -> None:
    [found] = problems(tmp_path, step(**more), jobDefinitions=[defined])
    assert found.startswith(problem)


def test_two_forms_in_one_request_are_refused(tmp_path: Path) -> None:
    both = {"containerOverrides": {}, **task({"name": "a"})}
    [found] = problems(tmp_path, step(**both))
    assert found.startswith("containerOverrides and ecsPropertiesOverride: a job definition takes")


@pytest.mark.parametrize(
    ("defined", "problem"),
    [
        (ecs(*(container(f"c{n}") for n in range(11))), "11 containers; AWS Batch takes 10 in a task"),
        (eks(*({"name": f"c{n}", "image": "i"} for n in range(11))), "11 containers; AWS Batch takes 10 in containers of a pod"),
        (ecs(container("a b")), "'a b' is no name of a container: write 1 to 255 letters, digits, - and _"),
        (eks({"name": "A", "image": "i"}), "'A' is no name of a container: write 1 to 63 small letters, digits and -"),
        (ecs(container("a"), container("a")), "two containers are called a"),
        (ecs(container("a", dependsOn=[{"containerName": "b", "condition": "START"}]), container("b", dependsOn=[{"containerName": "a", "condition": "START"}])), "containers that wait for each other: a → b → a"),
        (ecs(container("a", resourceRequirements=[{"type": "VCPU", "value": "0.5"}, NEEDS[1]])), "VCPU 0.5 is of Fargate alone"),
        (multinode({"targetNodes": "0:", "container": {"image": "i", "resourceRequirements": [{"type": "VCPU", "value": "0.5"}, NEEDS[1]]}}), "VCPU 0.5 is of Fargate alone"),
        (ecs(container("a", essential=False)), "at least one container must be essential"),
        (ecs({"name": "a", "image": "i", "resourceRequirements": NEEDS[:1]}), "a container says its vCPUs and its memory: write resourceRequirements"),
        (ecs(container("a"), container("b", dependsOn=[{"containerName": "x", "condition": "START"}])), "there is no container x: write one of a, b"),
        (ecs(container("a"), container("b", dependsOn=[{"containerName": "a", "condition": "SUCCESS"}])), "AWS Batch refuses SUCCESS of a, which is essential"),
        ({"jobDefinitionName": "d", "type": "multinode"}, "a definition of type multinode needs nodeProperties"),
        ({"jobDefinitionName": "d", "type": "container"}, "a definition of type container needs one of containerProperties, ecsProperties, eksProperties"),
        (multinode({"targetNodes": "0:0", "container": ONE}), "node 1 is in none of the ranges"),
        (multinode(OPEN, main=2), "mainNode is one of the nodes 0 to 1, not 2"),
        ({**multinode(OPEN), "platformCapabilities": ["FARGATE"]}, "there are no multi-node parallel jobs on Fargate"),
        ({**TWO, "containerProperties": ONE}, "containerProperties and ecsProperties: a job definition has one of them"),
    ],
)  # fmt: skip
def test_a_definition_that_aws_batch_refuses_is_refused(
    tmp_path: Path, defined: dict[str, Any], problem: str
) -> None:
    [found] = problems(tmp_path, step(), jobDefinitions=[defined])
    assert found.startswith(problem)


CODE = ["sh", "-c", "echo ${params.x}"]


@pytest.mark.parametrize(
    ("more", "defined"),
    [
        (task({"name": "log", "command": CODE}), TWO),
        (pod({"name": "Default", "command": ["sh", "-c"], "args": CODE[2:]}), POD),
        (pod({"name": "Default", "args": CODE[2:]}), eks({"image": "i", "command": CODE[:2]})),
        (nodes({"targetNodes": "0:", "containerOverrides": {"command": CODE}}), multinode(OPEN)),
    ],
)
def test_a_value_from_outside_is_refused_in_the_code_of_every_container(
    tmp_path: Path, more: dict[str, Any], defined: dict[str, Any]
) -> None:
    found = problems(tmp_path, step(**more), params={"x": "1"}, jobDefinitions=[defined])
    assert any(one.startswith("${params.x} is in the code of sh") for one in found), found
