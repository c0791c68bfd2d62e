"""`batchrelay simulate` of jobs with several containers, pods and nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.simulate.runs import AT_ONCE, array, definition, simulate, simulated, written


def container(name: str, vcpus: str, memory: str, **more: Any) -> dict[str, Any]:
    requirements = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]
    return {"name": name, "image": "i", "resourceRequirements": requirements, **more}


def task() -> dict[str, Any]:
    """3 vCPUs and 3 GiB, of two containers."""
    containers = [container("main", "2", "2048"), container("aside", "1", "1024", essential=False)]
    return {
        "jobDefinitionName": "d",
        "type": "container",
        "ecsProperties": {"taskProperties": [{"containers": containers}]},
    }


def pod() -> dict[str, Any]:
    """3 vCPUs and 3 GiB; its first container asks for less, and has ended by then."""

    def one(name: str, cpu: str, memory: str) -> dict[str, Any]:
        return {"name": name, "image": "i", "resources": {"limits": {"cpu": cpu, "memory": memory}}}

    containers = {
        "initContainers": [one("before", "1", "1024Mi")],
        "containers": [one("main", "2", "2048Mi"), one("aside", "1", "1024Mi")],
    }
    return {
        "jobDefinitionName": "d",
        "type": "container",
        "eksProperties": {"podProperties": containers},
    }


def nodes() -> dict[str, Any]:
    """3 nodes of 1 vCPU and 1 GiB."""
    properties = definition()["containerProperties"]
    return {
        "jobDefinitionName": "d",
        "type": "multinode",
        "nodeProperties": {
            "numNodes": 3,
            "mainNode": 0,
            "nodeRangeProperties": [{"targetNodes": "0:", "container": properties}],
        },
    }


KINDS = pytest.mark.parametrize("kind", [task, pod, nodes])


def pipeline(folder: Path, kind: Any, **more: Any) -> str:
    """A step of four such jobs at least: of one, if it is of nodes."""
    step = {"jobName": "work", **more} if kind is nodes else array("work", 4, **more)
    return written(folder, step, jobDefinitions=[kind()])


def rates(folder: Path) -> str:
    file = folder / "prices.json"
    file.write_text(json.dumps({"queues": {"Q": {"vcpuHour": 0.02, "gibHour": 0.01}}}))
    return str(file)


@KINDS
def test_a_job_takes_the_vcpus_and_the_memory_of_all_its_containers(
    tmp_path: Path, kind: Any
) -> None:
    jobs = 1 if kind is nodes else 4
    options = ("--vcpus", "6", "--duration", "1h", "--prices", rates(tmp_path), *AT_ONCE)
    run = simulated(pipeline(tmp_path, kind), *options)
    assert run["status"] == "SUCCEEDED"
    assert run["makespanSeconds"] == pytest.approx(3_600 * (2 if jobs == 4 else 1))
    assert run["vcpuHours"] == pytest.approx(3 * jobs)
    assert run["cost"]["amount"] == pytest.approx(jobs * (3 * 0.02 + 3 * 0.01))


@KINDS
def test_a_job_of_several_containers_fails_and_is_tried_again(tmp_path: Path, kind: Any) -> None:
    file = pipeline(tmp_path, kind, retryStrategy={"attempts": 10})
    run = simulated(file, "--vcpus", "12", "--duration", "60s", "--fail", "0.6", *AT_ONCE)
    assert run["status"] == "SUCCEEDED"
    assert run["failedAttempts"] > 0
    without = simulate(pipeline(tmp_path, kind), "--vcpus", "12", "--duration", "60s", "--fail",
                       "0.99", *AT_ONCE)  # fmt: skip
    assert "played: FAILED after 1 min" in without.stdout
    assert "(exit code 1)" in without.stdout


def test_a_task_of_one_container_says_how_that_ended(tmp_path: Path) -> None:
    single = task()
    del single["ecsProperties"]["taskProperties"][0]["containers"][1]
    file = written(tmp_path, array("work", 4), jobDefinitions=[single])
    result = simulate(file, "--vcpus", "8", "--duration", "60s", "--fail", "0.99", *AT_ONCE)
    assert "work: FAILED, 4 of its children failed: 4 × ExitCode (exit code 1)" in result.stdout


def test_nodes_are_as_many_as_the_step_says_and_too_many_never_start(tmp_path: Path) -> None:
    file = pipeline(tmp_path, nodes, nodeOverrides={"numNodes": 5})
    options = ("--duration", "1h", *AT_ONCE)
    assert simulated(file, "--vcpus", "5", *options)["vcpuHours"] == pytest.approx(5)
    refused = simulate(file, "--vcpus", "4", *options)
    assert "step work asks for 5 vCPUs, and there are 4 in all" in refused.stderr


def test_chunks_and_workers_are_those_of_a_job_of_several_containers(tmp_path: Path) -> None:
    each = {"forEach": {"prefix": "s3://b/in/"}}
    options = ("--vcpus", "3", "--items", "10", "--duration", "10s", *AT_ONCE)
    for flow, children in (({"chunk": 5}, 2), ({"queue": {"workers": 1}}, 1)):
        step = {"jobName": "work", "flow": {**each, **flow}}
        run = simulated(written(tmp_path, step, jobDefinitions=[task()]), *options)
        assert run["steps"][0]["children"] == children
        assert run["makespanSeconds"] == pytest.approx(100, abs=1)
