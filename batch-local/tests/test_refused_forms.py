"""Each form that is refused, beside AWS's words: a table of docs/reference/local-batch.md, run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from machines import call, machine, refusal
from repository import ROOT
from task_texts import (
    after,
    container,
    node_range,
    nodes,
    overriding,
    overriding_nodes,
    overriding_pod,
    pod,
    pod_container,
    task,
)

PAGE = ROOT / "docs/reference/local-batch.md"
HEAD = "| form | the answer here | AWS's words |\n"

SIDECAR: dict[str, Any] = {"essential": False}
ONE = {"image": "i", "command": ["true"], "vcpus": 1, "memory": 64}


def amounts(**memory: str) -> dict[str, Any]:
    return {place: {"memory": value} for place, value in memory.items()}


def registered(definition: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return "registerjobdefinition", definition, {}


def submitted(
    definition: dict[str, Any], **request: Any
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return "submitjob", request, definition


REQUESTS = {
    "11 containers of a task": registered(task(*(container(f"c{n}") for n in range(11)))),
    "two tasks": registered(
        {**task(), "ecsProperties": {"taskProperties": [{"containers": [container("a")]}] * 2}}
    ),
    "no essential container": registered(task(container("a", **SIDECAR))),
    "two containers of one name": registered(task(container("a"), container("a"))),
    "several containers, one without a name": registered(task(container("a"), container(""))),
    "SUCCESS or COMPLETE of an essential container": registered(
        task(container("a"), container("b", **after("a", "SUCCESS")))
    ),
    "dependsOn of a container that is not there": registered(
        task(container("a", **after("b", "START")))
    ),
    "another condition": registered(
        task(container("a", **SIDECAR), container("b", **after("a", "HEALTHY")))
    ),
    "containers that wait for each other": registered(
        task(container("a", **after("b", "START")), container("b", **after("a", "START")))
    ),
    "an override of a container that is not there": submitted(
        task(container("a")), **overriding({"name": "b"})
    ),
    "containerOverrides of a definition with ecsProperties": submitted(
        task(container("a")), containerOverrides={}
    ),
    "two kinds in one definition": registered(task(container("a"), containerProperties=ONE)),
    "MANAGED_INSTANCES without ecsProperties": registered(
        {"jobDefinitionName": "t", "type": "container", "containerProperties": ONE,
         "platformCapabilities": ["MANAGED_INSTANCES"]}
    ),
    "arrayProperties of a multi-node parallel job": submitted(
        nodes(node_range("0:")), arrayProperties={"size": 2}
    ),
    "two overrides of one range of nodes": submitted(
        nodes(node_range("0:")), **overriding_nodes(*[{"targetNodes": "0:"}] * 2)
    ),
    "targetNodes that the definition has not": submitted(
        nodes(node_range("0:")), **overriding_nodes({"targetNodes": "0:0"})
    ),
    "numNodes without an open range": submitted(
        nodes(node_range("0:1")), **overriding_nodes(numNodes=3)
    ),
    "numNodes below a range": submitted(
        nodes(node_range("0:2"), node_range("3:"), number=4), **overriding_nodes(numNodes=3)
    ),
    "numNodes below the main node": submitted(
        nodes(node_range("0:"), main=1), **overriding_nodes(numNodes=1)
    ),
    "a main node that is not there": registered(nodes(node_range("0:"), main=2)),
    "a node in no range": registered(nodes(node_range("0"), node_range("2:"), number=4)),
    "a range that ends before it begins": registered(nodes(node_range("1:0"))),
    "six ranges of nodes": registered(nodes(*(node_range("0:") for _ in range(6)))),
    "nodes on Fargate": registered(nodes(node_range("0:"), platformCapabilities=["FARGATE"])),
    "nodeProperties of type container": registered(
        {**nodes(node_range("0:")), "type": "container"}
    ),
    "propagateTags of a definition for EKS": registered(
        pod(pod_container("a"), propagateTags=True)
    ),
    "propagateTags of a request for EKS": submitted(pod(pod_container("a")), propagateTags=True),
    "platformCapabilities for EKS": registered(
        pod(pod_container("a"), platformCapabilities=["EC2"])
    ),
    "containerOverrides or nodeOverrides for EKS": submitted(
        pod(pod_container("a")), containerOverrides={}
    ),
    "11 containers of a pod": registered(pod(*(pod_container(f"c{n}") for n in range(11)))),
    "two containers of one name in a pod": registered(
        pod(pod_container("a"), init=[pod_container("a")])
    ),
    "another name of a container of a pod": registered(pod(pod_container("A_b"))),
    "an override of a container that the pod has not": submitted(
        pod(pod_container("a")), **overriding_pod({"name": "b"})
    ),
    "a container of a pod without memory": registered(pod(pod_container("a", resources={}))),
    "other memory in limits than in requests": registered(
        pod(pod_container("a", resources=amounts(limits="64Mi", requests="32Mi")))
    ),
    "memory of a pod in another unit": registered(
        pod(pod_container("a", resources=amounts(limits="1Gi")))
    ),
    "a part of a vCPU that is no quarter": registered(
        pod(pod_container("a", resources={"limits": {"cpu": "0.1", "memory": "64Mi"}}))
    ),
    "another resource of a pod": registered(
        pod(pod_container("a", resources={"limits": {"disk": "1", "memory": "64Mi"}}))
    ),
    "the namespace default": registered(
        pod(pod_container("a"), pod={"metadata": {"namespace": "default"}})
    ),
}  # fmt: skip


def rows() -> dict[str, str]:
    """The answer to each form, as the page has it."""
    table = PAGE.read_text().partition(HEAD)[2].partition("\n\n")[0]
    cells = [re.split(r" *(?<!\\)\| *", line.strip("| ")) for line in table.splitlines()[1:]]
    return {form: answer.strip("`") for form, answer, _ in cells}


def test_the_page_has_every_form() -> None:
    assert list(rows()) == list(REQUESTS)


@pytest.mark.parametrize("form", REQUESTS)
def test_a_form_is_refused_with_the_words_of_the_page(form: str) -> None:
    path, request, definition = REQUESTS[form]
    with machine() as (service, _):
        if definition:
            call(service, "registerjobdefinition", **definition)
            request = {"jobName": "j", "jobQueue": "q", "jobDefinition": "t", **request}
        assert refusal(service, path, **request) == rows()[form]
