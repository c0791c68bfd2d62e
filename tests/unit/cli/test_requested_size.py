"""What a child asks for, of each kind of job definition, and which container was measured."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.domain.sizing import Size
from batchrelay.prices import Platform
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.measured_container import measured_container
from batchrelay_cli.stack.requested_size import Requested, requested
from tests.unit.override_texts import nodes, pod, task


def needs(vcpus: str, mib: str) -> dict[str, Any]:
    entries = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": mib}]
    return {"resourceRequirements": entries}


def limits(cpu: str, mib: int) -> dict[str, Any]:
    return {"resources": {"limits": {"cpu": cpu, "memory": f"{mib}Mi"}}}


def asked(definition: dict[str, Any], request: dict[str, Any] | None = None) -> Requested:
    batch: Any = None
    own = {"jobDefinition": "d", "jobQueue": "job-queue/Q", **(request or {})}
    return requested(batch, own, [{"jobDefinitionName": "d", **definition}])


ARM = {"runtimePlatform": {"cpuArchitecture": "ARM64"}}
PAIR = {
    "containers": [{"name": "main", **needs("1", "512")}, {"name": "log", **needs("0.5", "256")}]
}
TASK = {"ecsProperties": {"taskProperties": [PAIR | ARM]}, "platformCapabilities": ["FARGATE"]}
POD = {
    "eksProperties": {
        "podProperties": {
            "initContainers": [{"name": "init", **limits("0.25", 4_096)}, {"name": "quiet"}],
            "containers": [
                {"name": "main", **limits("1", 512)},
                {"name": "log", **limits("0.5", 256)},
            ],
        }
    }
}
NODES = {
    "nodeProperties": {
        "numNodes": 2,
        "nodeRangeProperties": [
            {"targetNodes": "0", "container": {"vcpus": 4, "memory": 1_024}},
            {"targetNodes": "0:", "ecsProperties": {"taskProperties": [PAIR]}},
        ],
    }
}


@pytest.mark.parametrize(
    ("definition", "request_", "size"),
    [
        ({"containerProperties": needs("2", "64")}, {}, (2, 64)),
        ({"containerProperties": {}}, {"containerOverrides": needs("3", "96")}, (3, 96)),
        ({"containerProperties": {}}, {}, (1, 2_048)),
        (TASK, {}, (1.5, 768)),
        (TASK, task({"name": "log", **needs("1", "512")}), (2, 1_024)),
        (POD, {}, (1.5, 4_096)),
        (POD, pod({"name": "main", **limits("2", 8_192)}), (2.5, 8_448)),
        (NODES, {}, (5.5, 1_792)),
        (NODES, nodes(numNodes=3), (7, 2_560)),
    ],
)
def test_a_child_asks_for_what_its_containers_ask_for_at_once(
    definition: dict[str, Any], request_: dict[str, Any], size: tuple[float, int]
) -> None:
    assert asked(definition, request_).size == Size(vcpus=size[0], memory_mib=size[1])


def test_the_place_is_that_of_the_definition() -> None:
    one = asked(TASK)
    assert (one.platform, one.arch, one.queue) == (Platform.FARGATE, "arm64", "Q")
    assert asked(NODES).arch == "x86_64"
    with pytest.raises(UsageProblem, match="are known in a run only"):
        asked(TASK, task({"name": "log", **needs("${params.n}", "64")}))


WORKER = ["batchrelay-worker", "run", "--", "convert"]


def test_the_container_that_was_measured_is_the_one_with_the_worker() -> None:
    one = asked(TASK, task({"name": "main", "command": WORKER}))
    measured = measured_container(one)
    assert not isinstance(measured, str)
    assert (measured.container.name, measured.size) == ("main", Size(vcpus=1, memory_mib=512))
    assert one.size_with(measured, Size(vcpus=2, memory_mib=64)) == Size(vcpus=2.5, memory_mib=320)
    of_pod = measured_container(asked(POD, pod({"name": "log", "args": WORKER})))
    assert not isinstance(of_pod, str)
    assert of_pod.container.name == "log"
    alone = measured_container(asked({"containerProperties": {"command": ["a"]}}))
    assert not isinstance(alone, str)


def test_where_that_is_unclear_a_sentence_says_why() -> None:
    assert measured_container(asked(TASK)) == (
        "no command of its containers (main, log) has batchrelay-worker, so which one was measured "
        "is not known: write it into the command, not into the image's ENTRYPOINT"
    )
    tags = {"tags": {"batchrelay:entrypoint": "batchrelay-worker run --"}}
    several = "several of its containers (main, log) run batchrelay-worker, and the records do not"
    assert str(measured_container(asked({**TASK, **tags}))).startswith(several)
